"""Whether a machine that would have to be started for a request may be, and who takes it if not."""

from collections.abc import Callable
from dataclasses import replace

from flylab.rules.hops import Cause
from flylab.rules.legs import Leg
from flylab.rules.replay_settings import ReplaySettings
from flylab.rules.routing import Choice, NoCandidate, View, Wanted
from flylab.wire.machine import MachineState


def started_for(
    leg: Leg,
    found: Choice,
    wanted: Wanted,
    *,
    view: View,
    settings: ReplaySettings,
    look: Callable[[Wanted], Choice | NoCandidate],
) -> Choice | NoCandidate:
    """What becomes of a choice that needs a start; ``look`` chooses again for another wish."""
    if leg.forced and not settings.force_wakes:
        return NoCandidate("PR04", f"machine {found.row.id} is {found.row.state} and forcing does not start it")
    if leg.cause is Cause.REPLAY and wanted.regions and settings.prefers_running:
        down = {row.id for row in view.rows(wanted.app) if row.state is not MachineState.STARTED}
        running = look(replace(wanted, without=wanted.without | down))
        return running if isinstance(running, Choice) else found
    return found
