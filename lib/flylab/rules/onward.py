"""Where a replay leads that asks for nothing unusual, decided once for all requests that it is said of.

What is decided is what ``Replaying`` and ``choose`` decide, and holds until the view changes. Only the moment at which
it was said differs from request to request. ``Exchange.took_on`` gives the exchange that there would have been.
"""

import re
from dataclasses import dataclass, replace

from flylab.errors import RuleError
from flylab.rules.hops import Cause, Hop, Outcome
from flylab.rules.legs import Leg
from flylab.rules.limits import ExchangeSettings
from flylab.rules.proximity import RoundTrip
from flylab.rules.replay_cache import ReplayCache
from flylab.rules.replaying import Replaying, Said
from flylab.rules.routing import Choice, Row, View
from flylab.rules.shortlist import Listed, listed
from flylab.rules.wishes import Asked
from flylab.wire import headers
from flylab.wire.replay import ReplaySource, format_source

# Without quotes and commas, which could end it or begin another pair.
_STATE = re.compile(r"([^\"]+?);state=([!#-+\--:<-~]+)")


@dataclass(frozen=True, slots=True)
class Onward:
    """The second leg of a request; ``ready`` are the machines it may go to, as a short list has them.

    ``before`` and ``after`` are the lines of this leg around the moment, which is in microseconds.
    """

    leg: Leg
    ready: tuple[Listed, ...]
    before: bytes
    after: bytes

    def leg_at(self, hop: Hop, now: float, wall: float, state: str | None) -> tuple[Leg, ReplaySource]:
        """The leg as it is for one request, and what its machine is told of where it comes from."""
        leg, replayed = self.leg, self.leg.replayed
        assert replayed is not None  # it is that of a replay
        replay = replayed.replay if state is None else replace(replayed.replay, state=state)
        source = ReplaySource(instance=hop.machine, region=hop.region, t=moment(wall), state=replay.state)
        told = format_source(source)
        lines = tuple((k, told if k == headers.REPLAY_SRC else v) for k, v in leg.headers)
        return replace(leg, headers=lines, replayed=replace(replayed, replay=replay, origin=hop, at=now)), source


def onward(
    words: str, origin: Row, port: int | None, *, view: View, settings: ExchangeSettings, region: str, rtt: RoundTrip
) -> Onward | None:
    """For requests that come by ``port`` and had no wish of their own; None when each must be looked at by itself."""
    hop = _first(origin, 0.0)
    replaying = Replaying(Asked(app=origin.app, port=port), view, settings, ReplayCache(settings.cache))
    if replaying.caching.has_rules(hop):
        return None
    try:
        leg = replaying.follow(Said(words=words, status=200, now=0.0, wall=0.0), hop)
    except RuleError:
        return None
    first, *others = leg.headers
    if leg.deadline is not None or leg.transform is not None or first[0] != headers.REPLAY_SRC:
        return None
    before, _, after = first[1].partition(";t=0")  # neither a machine's id nor a region has a semicolon
    lines = "".join(f"{name}: {value}\r\n" for name, value in others)
    return Onward(
        leg,
        listed(view, leg.wanted, region, rtt),
        f"{first[0]}: {before};t=".encode("latin-1"),
        f"{after}\r\n{lines}".encode("latin-1"),
    )


def split(words: str) -> tuple[str, str | None]:
    """A replay without its state, and the state, which most apps write last and another one each time.

    Anything unusual stays where it is.
    """
    found = _STATE.fullmatch(words)
    return (words, None) if found is None or "state" in found[1] else (found[1], found[2])


def moment(wall: float) -> int:
    """As ``fly-replay-src`` has it."""
    return int(wall * 1_000_000)


def trail(first: Choice, status: int, began: float, went_on: float, then: Onward, second: Choice) -> list[Hop]:
    """The hops of such a request while its second machine has not answered."""
    hop = _first(first.row, began)
    hop.ended, hop.outcome, hop.status, hop.tries = went_on, Outcome.REPLAY, status, 1
    row, leg = second.row, then.leg
    last = Hop(
        machine=row.id,
        app=row.app,
        region=row.region,
        cause=leg.cause,
        wanted=leg.why,
        started=went_on,
        tries=1,
        ignored=leg.ignored,
    )
    return [hop, last]


def _first(row: Row, began: float) -> Hop:
    return Hop(machine=row.id, app=row.app, region=row.region, cause=Cause.ROUTE, wanted="", started=began)
