"""The machines that a request without wishes would go to, remembered for as long as nothing is known to have changed.

``routing.choose`` looks at every machine of an app for every request. Nearly always the answer is one of the running
machines of the nearest region, below its soft limit. Those are listed once here; loads are looked at each time, and
whenever the list does not decide (all at a limit, none running, any wish) ``pick`` leaves it to ``choose``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from flylab.rules.proximity import RoundTrip, by_closeness
from flylab.rules.routing import SOFT_LIMIT, Choice, Loads, Row, View, Wanted, allowed_regions, judge

_IDLE = Loads()
_NO_LIMIT = 1 << 60  # of a load that nothing bounds
Listed = tuple[str, int, Choice]  # a machine's id, the load below which it is wanted, and what is chosen then


@dataclass(frozen=True, slots=True)
class Kept:
    """The list for one app and way in, the same object for as long as nothing has changed."""

    rows: tuple[Row, ...]  # all of the app's, as they were looked at
    ready: tuple[Listed, ...]  # by id


class Shortlist:
    """One edge's; a view hands out the same row for as long as it has not changed, so comparing them is cheap."""

    def __init__(self, edge_region: str, rtt: RoundTrip) -> None:
        self._edge_region = edge_region
        self._rtt = rtt
        self._kept: dict[tuple[str, int | None, bool], Kept] = {}

    def pick(self, view: View, wanted: Wanted, loads: Loads, rng: Random) -> Choice | None:
        """What ``choose`` would give, or None when only that can tell."""
        if wanted.regions or wanted.instance or wanted.prefer_instance or wanted.without:
            return None
        kept = self.kept(view, wanted)
        if kept is None:
            return None
        of = loads.of
        equal = [choice for machine, below, choice in kept.ready if of(machine) < below]
        if not equal:
            return None
        return equal[0] if len(equal) == 1 else rng.choice(equal)

    def kept(self, view: View, wanted: Wanted) -> Kept | None:
        """All that a request without other wishes may go to while loads are below what stands beside each."""
        rows = tuple(view.rows(wanted.app))
        way = (wanted.app, wanted.port, wanted.raw)
        kept = self._kept.get(way)
        if kept is None or kept.rows != rows:
            if not rows:
                self._kept.pop(way, None)
                return None
            kept = self._kept[way] = self._list(rows, wanted)
        return kept

    def _list(self, rows: tuple[Row, ...], wanted: Wanted) -> Kept:
        near = by_closeness(self._edge_region, (row.region for row in rows), self._rtt)
        return Kept(rows, _nearest(rows, near, wanted))


def listed(view: View, wanted: Wanted, edge_region: str, rtt: RoundTrip) -> tuple[Listed, ...]:
    """The same for a request with any wish; ``choose`` decides when none of them is below its load."""
    if wanted.instance is not None:
        return _alone(view.row(wanted.instance), wanted)
    allowed = allowed_regions(wanted, edge_region, view.near(wanted.app, edge_region, rtt), rtt)
    if wanted.prefer_instance is not None:
        row = view.row(wanted.prefer_instance)
        return () if row is None or row.region not in allowed else _alone(row, wanted)
    return _nearest(view.rows(wanted.app), allowed, wanted)


def _alone(row: Row | None, wanted: Wanted) -> tuple[Listed, ...]:
    if row is None or row.app != wanted.app or row.id in wanted.without:
        return ()
    choice = judge(row, _IDLE, wanted)
    if not isinstance(choice, Choice) or choice.wake:
        return ()
    concurrency = choice.service.concurrency
    hard = concurrency.hard_limit if concurrency else None
    return ((row.id, _NO_LIMIT if hard is None else hard, choice),)


def _nearest(rows: Iterable[Row], regions: Iterable[str], wanted: Wanted) -> tuple[Listed, ...]:
    rows = [row for row in rows if row.id not in wanted.without]
    for region in regions:
        judged = [judge(row, _IDLE, wanted) for row in rows if row.region == region]
        here = [choice for choice in judged if isinstance(choice, Choice)]
        if here:
            ready = [(choice.row.id, _below(choice), choice) for choice in here if not choice.wake]
            return tuple(sorted(ready, key=lambda one: one[0]))
    return ()


def _below(choice: Choice) -> int:
    concurrency = choice.service.concurrency
    if concurrency is None:
        return SOFT_LIMIT
    soft = SOFT_LIMIT if concurrency.soft_limit is None else concurrency.soft_limit
    return soft if concurrency.hard_limit is None else min(soft, concurrency.hard_limit)
