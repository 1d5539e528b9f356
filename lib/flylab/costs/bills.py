"""Bills: each line a quantity times a row of ``published/prices.csv``, for every provider that the model knows.

What a provider would bill and no row gives a price for is named in ``left_out``, so that no total looks more complete
than it is.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from flylab.costs.workload import GB, MONTH, Setup, Workload
from flylab.published.prices import Price, asked, multiplier, price

TODAY = date(2026, 11, 27)  # the day the prices are asked for unless another is named


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill: ``quantity`` in what the price is for, less what is free."""

    what: str
    quantity: float
    price: Price
    usd: float


@dataclass(frozen=True, slots=True)
class Bill:
    """What a month costs, and what it leaves out."""

    offer: str
    lines: tuple[Line, ...]
    left_out: tuple[str, ...] = ()

    @property
    def usd(self) -> float:
        return sum(line.usd for line in self.lines)

    @property
    def unverified(self) -> tuple[str, ...]:
        """Ids of the prices in it that nobody could check."""
        return tuple(line.price.id for line in self.lines if not line.price.verified)


class Offer(StrEnum):
    """What the model knows to reckon."""

    FLY_STOP = "Fly: machines stop when nobody is there"
    FLY_SUSPEND = "Fly: machines are suspended when nobody is there"
    FLY_POOL = "Fly: as stop, with a pool that waits"
    FLY_ALWAYS = "Fly: always on"
    DURABLE_OBJECTS = "Cloudflare Durable Objects"
    HIBERNATING = "Cloudflare Durable Objects that hibernate"
    LAMBDA = "Lambda behind API Gateway WebSockets"
    FARGATE = "Fargate, always on"
    EC2 = "EC2 t4g.micro, always on"
    VULTR = "Vultr, always on"


def bill(offer: Offer, work: Workload, setup: Setup | None = None, *, on: date = TODAY) -> Bill:
    """A month's bill; raises UsageError when a price is not published for the day or region."""
    return _OFFERS[offer](offer, work, setup or Setup(), on)


def bills(work: Workload, setup: Setup | None = None, *, on: date = TODAY) -> tuple[Bill, ...]:
    """Every offer's bill, the cheapest first."""
    return tuple(sorted((bill(offer, work, setup, on=on) for offer in Offer), key=lambda each: each.usd))


# ── the offers ──────────────────────────────────────────────────────────────────────────────────────────────────────

_STORE = "object storage for the rooms' logs (no row has its price)"


def _line(what: str, quantity: float, row: Price, *, times: float = 1.0, free: float = 0.0) -> Line:
    charged = max(quantity - free, 0.0)
    return Line(what, charged, row, charged * row.price * times)


def _million(what: str, quantity: float, row: Price, *, free: float = 0.0) -> Line:
    return _line(what, quantity / 1e6, row, free=free / 1e6)


def _markup(setup: Setup, on: date) -> float:
    """The mean over the regions: rooms are spread over them evenly."""
    return sum(multiplier(region, on).price for region in setup.regions) / len(setup.regions)


def _peak_machines(work: Workload, setup: Setup) -> float:
    """Whole machines, at least one in each region."""
    needed = math.ceil(work.awake * work.peak / setup.rooms_per_machine)
    return float(max(needed, len(setup.regions)))


def _on_demand_seconds(work: Workload, setup: Setup) -> float:
    """Machine seconds when machines end with their last room.

    Full machines are the lower bound; a machine of its own for each visit the upper. In between, on average
    a machine is shared by as many rooms as are awake at once in its region, at most ``rooms_per_machine``.
    """
    awake_in_region = work.awake / len(setup.regions)
    shared = min(max(awake_in_region, 1.0), setup.rooms_per_machine)
    return min((work.awake_seconds + work.opened * setup.linger) / shared, _peak_machines(work, setup) * MONTH)


def _fly(offer: Offer, work: Workload, setup: Setup, on: date) -> Bill:
    started = asked("Fly.io", "Machines", "shared-cpu-1x 512 MB started", on)
    stopped = asked("Fly.io", "Machines", "stopped or suspended Machine, root file system", on)
    egress = asked("Fly.io", "Network", "egress to the internet", on, scope=setup.continent)
    machines, markup = _peak_machines(work, setup), _markup(setup, on)
    running = machines * MONTH if offer is Offer.FLY_ALWAYS else _on_demand_seconds(work, setup)
    lines = [_line("machines that run, seconds", running, started, times=markup)]
    if offer is Offer.FLY_POOL:
        waiting = setup.pool * len(setup.regions) * MONTH
        lines.append(_line("the pool, seconds", waiting, started, times=markup))
    resting = max(machines * MONTH - running, 0.0) / MONTH
    lines.append(_line("root file systems of machines that rest, GB-months", resting * setup.rootfs_gb, stopped))
    lines.append(_line("egress, GB", work.egress_gb, egress))
    return Bill(offer.value, tuple(lines), (_STORE,))


def _objects(offer: Offer, work: Workload, setup: Setup, on: date) -> Bill:
    del on
    # One request for each WebSocket, and one for each 20 messages that come in; memory is billed as 128 MB.
    requests = work.opened * work.members + work.messages_in / 20
    busy = work.messages_in * 0.001 if offer is Offer.HIBERNATING else work.awake_seconds  # 1 ms a message; our choice
    return Bill(
        offer.value,
        (
            _line("paid plan, month", 1, price("p100")),
            _million("Worker requests", work.opened * work.members, price("p101"), free=10e6),
            _million("Worker CPU, ms", work.opened * work.members * setup.millis, price("p102"), free=30e6),
            _million("object requests", requests, price("p103"), free=1e6),
            _million("object memory, GB-s", busy * 0.128, price("p104"), free=400_000),
            _million("rows written", work.messages_in * work.kept, price("p106"), free=50e6),
            _line("rows stored, GB-months", work.rooms * work.stored_bytes / GB, price("p107"), free=5),
        ),
    )


def _lambda(offer: Offer, work: Workload, setup: Setup, on: date) -> Bill:
    del on
    steps = max(math.ceil(work.message_bytes / 32_768), 1)  # metered in 32 KB
    messages = (work.messages_in + work.messages_out) * steps
    return Bill(
        offer.value,
        (
            _million("WebSocket messages", messages, price("p119")),
            _million("connection minutes", work.member_seconds / 60, price("p120")),
            _million("invocations", work.messages_in, price("p115"), free=1e6),
            _line("function memory, GB-s", work.messages_in * setup.millis / 1000 * 0.128, price("p116"), free=400_000),
        ),
        ("a database for the rooms' state between messages (no row has its price)", "free tiers of the first year"),
    )


def _fargate(offer: Offer, work: Workload, setup: Setup, on: date) -> Bill:
    del on
    hours = _peak_machines(work, setup) * MONTH / 3600
    return Bill(
        offer.value,
        (
            _line("vCPU hours, a quarter each", hours * 0.25, price("p122")),
            _line("GB hours, half a GB each", hours * 0.5, price("p123")),
            _line("egress, GB", work.egress_gb, price("p133"), free=100),
        ),
        (_STORE, "a load balancer", "public addresses"),
    )


def _ec2(offer: Offer, work: Workload, setup: Setup, on: date) -> Bill:
    del on
    hours = _peak_machines(work, setup) * MONTH / 3600
    return Bill(
        offer.value,
        (
            _line("hours of t4g.micro", hours, price("p128")),
            _line("egress, GB", work.egress_gb, price("p133"), free=100),
        ),
        (_STORE, "disks", "a load balancer", "public addresses"),
    )


def _vultr(offer: Offer, work: Workload, setup: Setup, on: date) -> Bill:
    del on
    machines = _peak_machines(work, setup)
    lines = (_line("servers, months", machines, price("p134")),)
    over = work.egress_gb - 1_000 * machines
    left = (_STORE, *((f"{over:,.0f} GB above the included egress (no row has its price)",) if over > 0 else ()))
    return Bill(offer.value, lines, left)


_OFFERS: dict[Offer, Callable[[Offer, Workload, Setup, date], Bill]] = {
    Offer.FLY_STOP: _fly,
    Offer.FLY_SUSPEND: _fly,
    Offer.FLY_POOL: _fly,
    Offer.FLY_ALWAYS: _fly,
    Offer.DURABLE_OBJECTS: _objects,
    Offer.HIBERNATING: _objects,
    Offer.LAMBDA: _lambda,
    Offer.FARGATE: _fargate,
    Offer.EC2: _ec2,
    Offer.VULTR: _vultr,
}
