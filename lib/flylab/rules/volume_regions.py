"""Which regions a new machine may be in when it mounts a volume: that of the volume, if the request lets it."""

from dataclasses import replace

from flylab.errors import RuleError
from flylab.rules.admission import Catalogue, choose_region
from flylab.rules.mounts import named
from flylab.rules.volumes import Volumes
from flylab.wire.machine import MachineConfig
from flylab.wire.volume import VolumeState


def beside_volume(text: str, catalogue: Catalogue, volumes: Volumes, app: str, config: MachineConfig) -> Catalogue:
    """The catalogue, cut down to where a volume is that the machine asks for, free ones first.

    Volumes do not move (volumes/overview), so of a list of regions no other will do. A text that leaves none of them
    changes nothing: the refusal then names the right region.
    """
    found = [entry for mount in config.mounts[:1] for entry in named(volumes, app, mount)]
    free = [entry for entry in found if entry.state is VolumeState.CREATED and not entry.machine]
    for entries in (free, found):
        there = {entry.region for entry in entries}
        cut = replace(catalogue, regions=tuple(code for code in catalogue.regions if code in there))
        if cut.regions and _allows(text, cut):
            return cut
    return catalogue


def _allows(text: str, catalogue: Catalogue) -> bool:
    try:
        return bool(choose_region(text, catalogue))
    except RuleError:
        return False
