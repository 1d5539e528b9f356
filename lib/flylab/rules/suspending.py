"""Which machines can be suspended: documented limits of a snapshot (reference/suspend-resume)."""

from flylab.wire.config import MachineConfig

_UP_TO = 2048  # MB; reference/suspend-resume (blueprints/long-running-tasks says 4 GB)


def suspendable(config: MachineConfig) -> bool:
    """Whether it can be suspended: at most 2 GB, no swap, no schedule, no GPU."""
    guest, init = config.guest, config.init
    if guest is not None and (guest.memory_mb > _UP_TO or guest.extra.get("gpus") or guest.extra.get("gpu_kind")):
        return False
    return not (init is not None and init.extra.get("swap_size_mb")) and not config.extra.get("schedule")
