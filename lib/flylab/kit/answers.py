"""Chapter 10 in one table: what each architecture gives a member, and what a month of an idle and a busy room costs."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from flylab import costs
from flylab.costs import Offer, Setup, Workload
from flylab.kit import tradeoffs
from flylab.kit.architectures import ARCHITECTURES, Architecture
from flylab.kit.widgets import Rows
from flylab.published.claims import claim

# Where a room of each architecture is, and what bills stand for it; nothing where no room is held.
PLACES: Mapping[str, tuple[str, tuple[Offer, ...]]] = {
    "Cloudflare Workers with KV": ("", ()),
    "Netlify edge functions": ("", ()),
    "Durable Objects": (tradeoffs.FIRST, (Offer.HIBERNATING,)),
    "Lambda behind API Gateway": (tradeoffs.ONE, (Offer.LAMBDA,)),
    "Fargate": (tradeoffs.ONE, (Offer.FARGATE,)),
    "EC2, Vultr": (tradeoffs.ONE, (Offer.VULTR, Offer.EC2)),
    "Fly Machines with fly-replay": (tradeoffs.SOME, (Offer.FLY_STOP,)),
}
HEAD = [
    "",
    "an edit's way, ms on average",
    "a start, as published",
    "idle room, cents a month",
    "busy room, cents a month",
]
NOBODY = "nobody holds the room"


def table(ways: Mapping[str, Sequence[float]], idle: Workload, busy: Workload, setup: Setup) -> Rows:
    """One row for each architecture; ``ways`` are those of ``tradeoffs.edits``."""
    return Rows(HEAD, [_row(one, ways, idle, busy, setup) for one in ARCHITECTURES])


def _row(
    one: Architecture, ways: Mapping[str, Sequence[float]], idle: Workload, busy: Workload, setup: Setup
) -> list[object]:
    place, offers = PLACES[one.name]
    way = f"{fmean(ways[place]):.0f} ({place})" if place else NOBODY
    return [one.name, way, _starts(one), *(_cents(offers, work, setup) for work in (idle, busy))]


def _starts(one: Architecture) -> str:
    """From the quickest to the slowest that was published, or that nobody did."""
    found = (each for each in map(claim, one.starts) if each.value is not None)
    # Firecracker's own figure is of its monitor on its makers' hosts: a part of a start of Fly's, never a whole.
    known = sorted((each for each in found if each.topic != "firecracker"), key=lambda each: each.seconds)
    if not known:
        return "not published"
    ends = list(dict.fromkeys((known[0].text, known[-1].text)))
    return " to ".join(ends) + f" (n = {len(known)})"


def _cents(offers: Sequence[Offer], work: Workload, setup: Setup) -> str:
    cents = sorted(100 * costs.bill(offer, work, setup).usd / work.rooms for offer in offers)
    return " to ".join(dict.fromkeys(f"{each:,.2f}" for each in cents)) or "–"
