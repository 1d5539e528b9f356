"""The state of a platform's world, folded from what its streams say; pure: times come with the events or as `now`.

event, record, list ──► Picture ──take──► batch: what is new since the last one, never more than its bounds
                                └─whole─► batch: everything, for whoever begins to look

What happens to one machine between two takes becomes one entry. What does not fit waits (machines) or is counted
(arcs, exchanges): a page that draws ten times a second has no use for two hundred arcs each time.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flylab.kit.control.gauges import Gauges
from flylab.kit.control.money import usd_per_hour
from flylab.kit.control.ways import arcs, plain

Json = dict[str, Any]

LIVE, LOST, CONNECTING, ENDED = "live", "lost", "connecting", "ended"
RUNNING = frozenset({"started", "starting", "stopping", "restarting", "replacing", "suspending"})  # has a process
BILLED = frozenset({"started", "stopping", "restarting", "replacing", "suspending"})  # `started` counts; our reading
GONE = "destroyed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much one batch may hold; all are our choice, for ten batches a second on a small computer."""

    machines: int = 200  # the rest comes with the next
    arcs: int = 24  # one for each way and kind, so only a storm from everywhere to everywhere has more
    exchanges: int = 12  # as many as the list shows
    kept: int = 60  # exchanges for whoever begins to look
    open: int = 20_000  # pipes whose end is waited for


class Picture:
    """What is known of the world; one consumer calls ``take``, anybody ``whole``."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.bounds = bounds or Bounds()
        self.platform = CONNECTING
        self.about: Json = {}  # regions, edges and round trips, as /_flylab/platform says them
        self.machines: dict[str, Json] = {}
        self.faults: list[Json] = []
        self.exchanges: OrderedDict[str, Json] = OrderedDict()  # the last ones by id
        self.gauges = Gauges()
        self.totals: Counter[str] = Counter()  # of all that was seen: requests, replay, wake, refuse, errors
        self._prices: dict[str, float | None] = {}  # of a machine's hour, by id
        self._open: OrderedDict[str, float] = OrderedDict()  # pipes, and after how many ms each was one
        self._dirty: dict[str, None] = {}  # ids in the order in which they changed
        self._gone: dict[str, None] = {}
        self._arcs: dict[tuple[str, str, str], Json] = {}
        self._more_arcs: Counter[str] = Counter()
        self._fresh: OrderedDict[str, Json] = OrderedDict()
        self._more_exchanges = 0
        self._pid: object = None  # of the platform's process
        self._told: Json = {}  # what was last said of what it is made of

    # ── what is heard ───────────────────────────────────────────────────────────────────────────────────────────

    def world(self, about: Mapping[str, Any]) -> None:
        """What the platform is made of (/_flylab/platform); from now on it is there."""
        codes = list(about.get("regions") or [])
        if about.get("pid") != self._pid:  # another one: what was open has ended with the one before
            self._open.clear()
            self._pid = about.get("pid")
        self.about = {
            "regions": codes,
            "edges": list(about.get("edges") or codes),
            "latency": about.get("latency", ""),
            "rtt_ms": about.get("rtt_ms") or {},
        }
        self.platform = LIVE

    def lost(self) -> None:
        """Nothing is heard of the platform; what is known of it stays, as it was."""
        self.platform = LOST

    def ended(self) -> None:
        """Nobody listens to the platform any more."""
        self.platform = ENDED

    def machine(self, event: Mapping[str, Any]) -> bool:
        """One line of the stream of events; whether it is of a machine of which more is to be asked."""
        machine_id, state = event.get("machine") or "", event.get("state") or ""
        if not machine_id or not state:  # a port, or a check: the state is what it was
            return False
        if state == GONE:
            self._forget(machine_id)
            return False
        known = self.machines.get(machine_id)
        seen = {"id": machine_id, **{key: event.get(key) or "" for key in ("name", "app", "region", "state")}}
        if seen != known:
            self.machines[machine_id] = seen
            self._dirty[machine_id] = None
            self._gone.pop(machine_id, None)
        return machine_id not in self._prices

    def listed(self, machines: Iterable[Mapping[str, Any]]) -> None:
        """All machines there are, as ``{"id", "name", "app", "region", "state", "guest"}``; others are gone."""
        there = set()
        for machine in machines:
            there.add(machine["id"])
            self.machine({**machine, "machine": machine["id"]})
            self.priced(machine["id"], machine.get("guest") or {}, machine["region"])
        for machine_id in [known for known in self.machines if known not in there]:
            self._forget(machine_id)

    def priced(self, machine_id: str, guest: Mapping[str, Any], region: str) -> None:
        """How large it is, which events do not tell."""
        if machine_id in self.machines:
            self._prices[machine_id] = usd_per_hour(guest, region)

    def exchange(self, record: Mapping[str, Any]) -> None:
        """One line of the stream of exchanges: one that is over, or (``open``) became a pipe."""
        exchange_id, opened = record["id"], bool(record.get("open"))
        at = float(record.get("started_at") or 0.0) + float(record.get("total_ms") or 0.0) / 1000
        ending = exchange_id in self._open  # it was drawn when it opened
        told = dict(record)
        if opened:
            self._open[exchange_id] = float(record.get("total_ms") or 0.0)
            while len(self._open) > self.bounds.open:
                self._open.popitem(last=False)
        else:
            if ending:
                told["opened_ms"] = self._open.pop(exchange_id)
        # A pipe counts with its time until it was one: how long it is open says nothing of how fast anything is.
        if opened or record.get("status") != 101:
            self.gauges.answered(record, at)
        if not ending:
            self.gauges.asked(at)
            self._draw(record)
        self._list(told)

    def fault(self, armed: Iterable[Mapping[str, Any]]) -> None:
        """All faults that are armed now."""
        self.faults = [dict(each) for each in armed]

    # ── what is told ────────────────────────────────────────────────────────────────────────────────────────────

    def take(self, now: float) -> Json:
        """What is new since the last take."""
        first = list(self._dirty)[: self.bounds.machines]
        for machine_id in first:
            del self._dirty[machine_id]
        batch: Json = {
            "at": round(now, 3),
            "platform": self.platform,
            "machines": [self.machines[machine_id] for machine_id in first],
            "gone": list(self._gone),
            "arcs": list(self._arcs.values()),
            "more_arcs": dict(self._more_arcs),
            "exchanges": list(self._fresh.values()),
            "more_exchanges": self._more_exchanges,
            "gauges": self.read(now),
            "faults": self.faults,
        }
        if self.about != self._told:
            batch["about"] = self._told = self.about
        self._gone.clear()
        self._arcs.clear()
        self._more_arcs.clear()
        self._fresh.clear()
        self._more_exchanges = 0
        return batch

    def whole(self, now: float) -> Json:
        """Everything that is known, and nothing that moves; what is waiting to be taken stays so."""
        return {
            "at": round(now, 3),
            "whole": True,
            "platform": self.platform,
            "about": self.about,
            "machines": list(self.machines.values()),
            "gone": [],
            "arcs": [],
            "exchanges": list(self.exchanges.values()),
            "gauges": self.read(now),
            "faults": self.faults,
        }

    def read(self, now: float) -> Json:
        """The gauges as of now."""
        running = [machine for machine in self.machines.values() if machine["state"] in RUNNING]
        billed = [self._prices.get(machine["id"]) for machine in running if machine["state"] in BILLED]
        return {
            "machines": len(self.machines),
            "running": len(running),
            "usd_per_hour": round(sum(price for price in billed if price is not None), 6),
            "unpriced": sum(price is None for price in billed),
            "open": len(self._open),
            **self.gauges.read(now),
            "totals": dict(self.totals),
        }

    def states(self, region: str = "") -> Counter[str]:
        """How many machines are in which state, everywhere or in one region."""
        return Counter(each["state"] for each in self.machines.values() if not region or each["region"] == region)

    # ── the fold ────────────────────────────────────────────────────────────────────────────────────────────────

    def _forget(self, machine_id: str) -> None:
        if self.machines.pop(machine_id, None) is not None:
            self._gone[machine_id] = None
        self._dirty.pop(machine_id, None)
        self._prices.pop(machine_id, None)

    def _draw(self, record: Mapping[str, Any]) -> None:
        drawn = arcs(record)
        self.totals["requests"] += 1
        self.totals.update(arc["kind"] for arc in drawn if arc["kind"] != "serve")
        for number, arc in enumerate(drawn):
            way = arc["kind"], arc["from"], arc["to"]
            if way in self._arcs:
                self._arcs[way]["n"] += 1
            elif len(self._arcs) < self.bounds.arcs:
                self._arcs[way] = {**arc, "hop": number + 1, "n": 1}
            else:
                self._more_arcs[arc["kind"]] += 1

    def _list(self, record: Json) -> None:
        self.exchanges.pop(record["id"], None)
        self.exchanges[record["id"]] = record
        while len(self.exchanges) > self.bounds.kept:
            self.exchanges.popitem(last=False)
        self._fresh.pop(record["id"], None)
        self._fresh[record["id"]] = record
        if len(self._fresh) > self.bounds.exchanges:
            # What is as usual makes room for what is not: somebody looks for that.
            dropped = next((key for key, each in self._fresh.items() if plain(each)), next(iter(self._fresh)))
            del self._fresh[dropped]
            self._more_exchanges += 1
