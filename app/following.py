"""Whether a room should move to where its members are; pure, and never back and forth.

A room moves when another region would be nearer to the member who is farthest away: by a margin, both in milliseconds
and as a share, for a while without a break, and not soon after its last move. Each such move lowers the worst round
trip by at least the margin, so with the same members there is a last one.
"""

from collections.abc import Iterable, Mapping
from math import inf, isfinite

from app.config import Following
from app.proximity import RoundTrip, round_trip

# How long a region is left alone after a move to it ended up elsewhere, because it was full (our choice).
AVOIDED = 3600.0


class Follower:
    """Watches one room in one epoch; times are seconds on whatever clock the caller uses throughout."""

    def __init__(
        self,
        settings: Following,
        *,
        home: str,
        moved_at: float | None = None,
        missed: Mapping[str, float] | None = None,
        rtt: RoundTrip = round_trip,
    ) -> None:
        self._settings = settings
        self._home = home
        self._moved_at = -inf if moved_at is None else moved_at
        self._missed = dict(missed or {})
        self._rtt = rtt
        self._better_since: dict[str, float] = {}

    def look(self, edges: Iterable[str], candidates: Iterable[str], now: float) -> str | None:
        """The region to move to now, if any; ``edges`` are the members' own regions. Call it every few seconds."""
        better = self._better({edge for edge in edges if isfinite(self._rtt(edge, edge))}, candidates, now)
        self._better_since = {region: self._better_since.get(region, now) for region in better}
        if not better or now - self._moved_at < self._settings.pause:
            return None
        best = min(better, key=lambda region: (better[region], region))
        return best if now - self._better_since[best] >= self._settings.settled else None

    def _better(self, edges: set[str], candidates: Iterable[str], now: float) -> dict[str, tuple[float, float]]:
        """Candidates that are enough better than home, with their worst and their summed round trips."""
        if not edges:
            return {}
        current = max(self._rtt(edge, self._home) for edge in edges)
        if not isfinite(current):
            return {}
        most = min(current - self._settings.margin_ms, current * (1 - self._settings.margin_share))
        found = {}
        for region in candidates:
            trips = [self._rtt(edge, region) for edge in edges]
            avoided = now - self._missed.get(region, -inf) < AVOIDED
            if region != self._home and not avoided and max(trips) <= most and max(trips) < current:
                found[region] = (max(trips), sum(sorted(trips)))
        return found
