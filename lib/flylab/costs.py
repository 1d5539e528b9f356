"""What a month of rooms costs on Fly, on Durable Objects, Lambda, Fargate, EC2 and Vultr: a pure model of list prices.

A bill is a list of lines, each a quantity times a row of ``published/prices.csv``. What a provider would bill and no
row gives a price for is named in ``left_out``, so that no total looks more complete than it is. Nothing here is
measured; the quantities come from a ``Workload``, which the reader sets.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from datetime import date
from enum import StrEnum

from flylab.errors import UsageError
from flylab.published.prices import Price, asked, multiplier, price

MONTH = 30 * 86_400.0  # seconds; Fly's own unit, and what all others are reckoned with here
GB = 1e9
TODAY = date(2026, 11, 27)  # the day the prices are asked for unless another is named


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A month of rooms; all of it assumed by whoever asks.

    Rates are for each member, bytes for each message on the wire. ``peak`` is how many times as many rooms are awake
    in the busiest moment as on average: what always-on machines have to be made for.
    """

    rooms: float = 1_000.0
    visits: float = 20.0  # times a room is opened in the month
    visit_seconds: float = 1_200.0  # from the first member's coming to the last one's going
    members: float = 3.0  # on average, while it is open
    sent: float = 2.0  # messages each second and member
    message_bytes: float = 200.0
    stored_bytes: float = 200_000.0  # of a room, for the whole month
    peak: float = 3.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value >= 0):
                raise UsageError(f"{field.name} is {value:g}; a workload has no negative or endless quantities")
        if self.peak < 1:
            raise UsageError(f"peak is {self.peak:g}; the busiest moment is at least the average, 1")

    @property
    def opened(self) -> float:
        """Visits in the month."""
        return self.rooms * self.visits

    @property
    def awake_seconds(self) -> float:
        """Seconds of rooms with somebody in them."""
        return self.opened * self.visit_seconds

    @property
    def member_seconds(self) -> float:
        return self.awake_seconds * self.members

    @property
    def messages_in(self) -> float:
        return self.member_seconds * self.sent

    @property
    def messages_out(self) -> float:
        """Each message goes to every other member."""
        return self.messages_in * max(self.members - 1, 0)

    @property
    def egress_gb(self) -> float:
        return self.messages_out * self.message_bytes / GB

    @property
    def awake(self) -> float:
        """Rooms open at the same time, on average."""
        return self.awake_seconds / MONTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How machines are used; the same for all providers that have machines."""

    rooms_per_machine: float = 50.0  # rooms that one small machine holds awake
    linger: float = 60.0  # seconds that a machine stays up after its last member
    pool: float = 1.0  # machines that wait, started, in each region (Fly's pool)
    regions: tuple[str, ...] = ("ams", "iad", "nrt")
    rootfs_gb: float = 0.5  # of a stopped machine
    millis: float = 5.0  # of a function, for each message
    continent: str = "North America, Europe"

    def __post_init__(self) -> None:
        if self.rooms_per_machine < 1:
            raise UsageError(f"rooms_per_machine is {self.rooms_per_machine:g}; a machine holds at least one room")
        if not self.regions:
            raise UsageError("a setup names at least one region")


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


def break_even(
    one: Offer,
    other: Offer,
    work: Workload,
    field: str,
    low: float,
    high: float,
    setup: Setup | None = None,
    *,
    on: date = TODAY,
) -> float | None:
    """Where between two values of a workload's field both cost the same; None when one is cheaper at both ends."""
    if field not in {each.name for each in fields(Workload)}:
        raise UsageError(f"a workload has no {field!r}; it has {', '.join(each.name for each in fields(Workload))}")

    def gap(value: float) -> float:
        at = replace(work, **{field: value})
        return bill(one, at, setup, on=on).usd - bill(other, at, setup, on=on).usd

    below, above = gap(low), gap(high)
    if below == 0:
        return low
    if below * above > 0:
        return None
    for _ in range(200):
        middle = (low + high) / 2
        found = gap(middle)
        if below * found > 0:
            low, below = middle, found
        else:
            high = middle
    return (low + high) / 2


def sensitivity(
    offer: Offer, work: Workload, setup: Setup | None = None, *, by: float = 2.0, on: date = TODAY
) -> dict[str, tuple[float, float]]:
    """For each field of the workload: the bill with it divided and multiplied by ``by``, the widest span first."""
    if by <= 1:
        raise UsageError(f"by is {by:g}; it divides and multiplies, so it is above 1")
    found = {}
    for each in fields(Workload):
        value = getattr(work, each.name)
        low = replace(work, **{each.name: max(value / by, 1.0) if each.name == "peak" else value / by})
        high = replace(work, **{each.name: value * by})
        found[each.name] = (bill(offer, low, setup, on=on).usd, bill(offer, high, setup, on=on).usd)
    return dict(sorted(found.items(), key=lambda item: -abs(item[1][1] - item[1][0])))


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
    del setup, on
    # One request for each WebSocket, and one for each 20 messages that come in; memory is billed as 128 MB.
    requests = work.opened * work.members + work.messages_in / 20
    busy = work.messages_in * 0.001 if offer is Offer.HIBERNATING else work.awake_seconds  # 1 ms a message; our choice
    return Bill(
        offer.value,
        (
            _line("paid plan, month", 1, price("p100")),
            _million("Worker requests", work.opened * work.members, price("p101"), free=10e6),
            _million("object requests", requests, price("p103"), free=1e6),
            _million("object memory, GB-s", busy * 0.128, price("p104"), free=400_000),
            _million("rows written", work.messages_in, price("p106"), free=50e6),
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


def rows(found: Iterable[Bill]) -> list[list[str]]:
    """Bills as a table: offer, USD a month, the dearest line, what is left out."""
    return [
        [
            each.offer,
            f"{each.usd:,.2f}",
            max(each.lines, key=lambda line: line.usd).what,
            "; ".join(each.left_out) or "–",
        ]
        for each in found
    ]
