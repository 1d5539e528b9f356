"""The choice for one leg of a request: what ``routing`` chooses, within what the leg itself rules out."""

from dataclasses import replace
from random import Random

from flylab.rules.hops import Cause
from flylab.rules.legs import Leg
from flylab.rules.limits import ExchangeSettings
from flylab.rules.proximity import RoundTrip
from flylab.rules.routing import Choice, Loads, NoCandidate, View, Wanted, choose
from flylab.wire.machine import MachineState


class Seeker:
    """Chooses for one request at one edge."""

    def __init__(
        self, view: View, loads: Loads, settings: ExchangeSettings, *, edge_region: str, rtt: RoundTrip, rng: Random
    ) -> None:
        self._view = view
        self._loads = loads
        self._settings = settings
        self._edge_region = edge_region
        self._rtt = rtt
        self._rng = rng

    def seek(self, wanted: Wanted, leg: Leg) -> Choice | NoCandidate:
        """The machine for ``wanted``, which is the leg's wish without what was given up."""
        found = self._choose(wanted)
        if not isinstance(found, Choice) or not found.wake:
            return found
        if leg.forced and not self._settings.replay.force_wakes:
            return NoCandidate("PR04", f"machine {found.row.id} is {found.row.state} and forcing does not start it")
        if leg.cause is Cause.REPLAY and wanted.regions and self._settings.replay.prefers_running:
            down = {row.id for row in self._view.rows(wanted.app) if row.state is not MachineState.STARTED}
            running = self._choose(replace(wanted, without=wanted.without | down))
            return running if isinstance(running, Choice) else found
        return found

    def _choose(self, wanted: Wanted) -> Choice | NoCandidate:
        return choose(
            self._view,
            self._loads,
            wanted,
            edge_region=self._edge_region,
            rtt=self._rtt,
            rng=self._rng,
            start_abroad=self._settings.start_abroad,
        )
