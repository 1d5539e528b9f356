"""Puts a volume into the root folder of a machine as a link; the platform itself writes through no other link."""

from pathlib import Path

from flylab.errors import LocalError
from flylab.wire.machine import MachineConfig

VARIABLE = "FLYLAB_VOLUME_"  # and the volume's name in capitals: the folder that the machine's path leads to here


def mount(home: Path, config: MachineConfig, volumes: Path) -> dict[str, str]:
    """Link the path of each mount to its volume's folder; returns the variables that name these folders."""
    env = {}
    for each in config.mounts:
        folder = volumes / each.volume
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        link = place(home, each.path)
        check_way(home, link.parent, config)
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.is_symlink():  # of the start before, in a root file system that is kept
            link.unlink()
        elif link.is_dir():  # one of the few that every machine has; it is empty
            link.rmdir()
        link.symlink_to(folder, target_is_directory=True)
        env[f"{VARIABLE}{each.name.upper()}"] = str(folder)
    return env


def place(home: Path, path: str) -> Path:
    """Where an absolute path of the machine is below its root; ``rules/mounts.py`` lets no other in."""
    return home.joinpath(*(part for part in path.split("/") if part not in ("", ".")))


def check_way(home: Path, target: Path, config: MachineConfig) -> None:
    """Raise ``LocalError`` when a program has put a link on the way to a file that is to be written.

    The root folder is new at most starts, so that only a volume can hold one, or a root that is kept (``rootfs.py``).
    """
    links = {place(home, each.path) for each in config.mounts}
    way = [target, *target.parents]
    for step in way[: way.index(home)]:
        if step.is_symlink() and step not in links:
            where = f"'/{step.relative_to(home)}' is a link in the volume or in a root file system that was kept"
            raise LocalError(f"{where}, nothing that config names can lie behind it")
