"""What is left of an exchange whose two connections are joined: the trail and the place that is held until both end."""

from flylab.rules.hops import Hop, Outcome
from flylab.rules.rows import Loads


class Piped:
    """Small, because most pipes are idle and there are many; the exchange itself is over."""

    __slots__ = ("_held", "_loads", "hops")

    def __init__(self, hops: tuple[Hop, ...], loads: Loads) -> None:
        """The place is at the machine of the last hop."""
        self.hops = hops
        self._loads = loads
        self._held = True

    @property
    def machine(self) -> str:
        return self.hops[-1].machine

    def finished(self, now: float) -> None:
        """Both ends are closed."""
        if self._held:
            self._held = False
            hop = self.hops[-1]
            hop.ended, hop.outcome = now, Outcome.UPGRADE
            self._loads.release(hop.machine)
