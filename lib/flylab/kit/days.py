"""Days of rooms for the chapter on scaling to zero: a short one on the platform, and long ones in simulation."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flylab.kit import progress, rooms
from flylab.kit.figures import median
from flylab.kit.follow import Follower
from flylab.kit.record import Record
from flylab.kit.target import Lab
from flylab.kit.timeline import Change
from flylab.measure.sample import OK, Sample
from flylab.rules.autostop import AutostopSettings
from flylab.sim.bill import fly_bill
from flylab.sim.day import Day, Plan, day
from flylab.sim.traffic import DAY, Stay, Traffic, stays
from flylab.sim.world import Durations
from flylab.wire.machine import MachineConfig
from flylab.wire.machine import MachineState as S

Script = Sequence[tuple[float, float]]  # seconds at which a member comes and goes, one after the other

# A pace that shows in seconds what takes minutes on Fly. The steps are the same; only how long each lasts is not.
PACE = AutostopSettings(period=0.5, idle=2.0, cordon_wait=0.2, close_wait=0.2)
SETTINGS = {"autostop": {name: getattr(PACE, name) for name in ("period", "idle", "cordon_wait", "close_wait")}}
PASS_SECONDS = AutostopSettings().period
# The room server that ends by itself: how long a room is empty until it sleeps, a machine without one until it ends.
SLEEP_SECONDS, IDLE_SECONDS = 1, 2
ALONE_SECONDS = SLEEP_SECONDS + IDLE_SECONDS + 1.0  # it looks once a second, twice: one second late on average
MONTH_DAYS = 30  # Fly's prices are for 30 days


@dataclass(frozen=True, slots=True)
class Short:
    """When the short day on the platform began and when it was over, in seconds since the epoch."""

    began: float
    until: float


def plans(
    regions: Sequence[str], *, machines: int, ends_after: float, soft_limit: int = 50, note: str = ""
) -> dict[str, Plan]:
    """The four ways in which an app's machines can be run, by name; ``note`` is added to the names of the plans."""
    same: Any = {"regions": tuple(regions), "machines": machines, "soft_limit": soft_limit}
    ways = (
        Plan(name="always on" + note, stopped=False, **same),
        Plan(name="autostop" + note, autostop="stop", **same),
        Plan(name="autosuspend" + note, autostop="suspend", **same),
        Plan(name="ends by itself" + note, ends_after=ends_after, **same),
    )
    return {way.name.removesuffix(note): way for way in ways}


def sleepy(config: MachineConfig, way: str) -> MachineConfig:
    """The room server as it goes down quickly in one of two ways: stopped by autostop, or by itself."""
    env = {"SLEEP_SECONDS": str(SLEEP_SECONDS)}
    if way == "autostop":
        services = tuple(replace(service, autostop="stop") for service in config.services)
        return replace(config, services=services, env={**config.env, **env})
    return replace(config, env={**config.env, **env, "IDLE_SECONDS": str(IDLE_SECONDS)})


async def short_day(
    lab: Lab, record: Record, apps: Mapping[str, str], region: str, script: Script, *, seconds: float
) -> Short:
    """A member comes to and leaves each app's room by the script; the day lasts so many seconds.

    Samples ``<way>: joined``, from the handshake to the welcome: a wake is in it whenever the machine was down.
    """
    loop = asyncio.get_running_loop()
    zero, began = loop.time(), record.wall()

    async def sit(what: str, app: str) -> None:
        for comes, goes in script:
            await asyncio.sleep(zero + comes - loop.time())
            async with contextlib.AsyncExitStack() as stack:
                async with record.time(f"{what}: joined", region):
                    await stack.enter_async_context(rooms.visit(lab, region, app, "blue"))
                await asyncio.sleep(zero + goes - loop.time())

    async def passes() -> None:
        for second in progress.over(range(round(seconds)), "seconds of the short day"):
            await asyncio.sleep(zero + second + 1 - loop.time())

    await asyncio.gather(passes(), *(sit(what, app) for what, app in apps.items()))
    await asyncio.sleep(zero + seconds - loop.time())
    return Short(began, began + seconds)


def same_in_simulation(plan: Plan, script: Script, *, boot: float, seconds: float) -> Day:
    """The script under the rules alone, at the same pace; ``boot`` is from `starting` to `started`, as measured."""
    stays = [Stay(room="blue", region=plan.regions[0], begins=comes, ends=goes) for comes, goes in script]
    return day(plan, stays, seconds=seconds, durations=Durations(boot=boot), autostop=PACE)


def simulate(
    record: Record, plans: Iterable[Plan], stays: Sequence[Stay], *, seconds: float, durations: Durations
) -> dict[str, Day]:
    """Run the same day in several ways and keep what happened.

    Samples in virtual time: ``<plan>: runs`` for each time that a machine was started, ``<plan>: waits`` for each
    member who came in, with ``woke`` and ``again`` in the detail.
    """
    days = {}
    for plan in plans:
        days[plan.name] = result = day(plan, stays, seconds=seconds, durations=durations)
        for span in result.spans():
            if span.state == S.STARTED:
                record.samples.append(_sample(f"{plan.name}: runs", span.region, span.begins, span.ends))
        for join in result.joins:
            ends = join.at + (join.wait or 0.0)
            outcome = OK if join.wait is not None else "gave up"
            detail = {"woke": join.woke, "again": join.again}
            record.samples.append(_sample(f"{plan.name}: waits", join.region, join.at, ends, outcome, detail))
    return days


def runs(record: Record, plan: str) -> list[tuple[float, float]]:
    """The stored times in which machines were started, as (begin, end)."""
    return [(sample.scheduled, sample.finished) for sample in record.of(f"{plan}: runs")]


def measured(events: Follower | None, apps: Mapping[str, str], short: Short) -> list[Change]:
    """What the machines of the short day did, under the names of their ways; nothing where there is no stream."""
    if events is None:
        return []
    seen = ((way, change) for way, app in apps.items() for change in events.changes(app))
    return [replace(change, machine=f"{way}, measured") for way, change in seen if change.at >= short.began]


def start_seconds(seen: Iterable[Change]) -> float:
    """From `starting` to `started` at the median; 0 when no machine was started."""
    since = {change.machine: change.at for change in seen if change.state == S.STARTING}
    took = [change.at - since[change.machine] for change in seen if change.state == S.STARTED]
    return max(0.0, median(took)) if took else 0.0


def simulated(same: Mapping[str, Day], short: Short) -> list[Change]:
    """What the machines did in simulation, as if it had been then."""
    moments = ((way, moment) for way, result in same.items() for moment in result.moments if moment.at >= 0)
    return [
        Change(machine=f"{way}, simulated", state=moment.state, at=short.began + moment.at) for way, moment in moments
    ]


def started_seconds(seen: Iterable[Change], *, until: float) -> dict[str, float]:
    """How long each row's machine was started in all."""
    found: dict[str, float] = {}
    since: dict[str, float] = {}
    for change in sorted(seen, key=lambda change: change.at):
        if change.machine in since:
            found[change.machine] = found.get(change.machine, 0.0) + change.at - since.pop(change.machine)
        if change.state == S.STARTED:
            since[change.machine] = change.at
    for machine, at in since.items():
        found[machine] = found.get(machine, 0.0) + until - at
    return found


def disagreement(seen: Iterable[Change], *, until: float) -> dict[str, float]:
    """How far simulated machine seconds are from measured ones, as a part of these, by way."""
    lasted = started_seconds(seen, until=until)
    rows = {row.removesuffix(", measured"): seconds for row, seconds in lasted.items() if row.endswith(", measured")}
    return {way: lasted.get(f"{way}, simulated", 0.0) / seconds - 1 for way, seconds in rows.items()}


def stops_at_once(result: Day, within: float) -> int:
    """The most machines of one region that went down within so many seconds of each other."""
    most = 0
    for region in result.plan.regions:
        mine = [moment for moment in result.moments if moment.region == region and moment.at >= 0]
        downs = [moment.at for moment in mine if moment.state in (S.STOPPING, S.SUSPENDING)]
        most = max([most, *(sum(at <= other < at + within for other in downs) for at in downs)])
    return most


def sweep(
    record: Record, ways: Iterable[Plan], crowds: Mapping[int, Sequence[Stay]], *, seconds: float, durations: Durations
) -> None:
    """What each way costs for days of several sizes. Samples ``<plan>: costs``, with the sum in the detail, in USD."""
    for plan in progress.over(list(ways), "ways"):
        for visits, crowd in crowds.items():
            usd = monthly({plan.name: day(plan, crowd, seconds=seconds, durations=durations)})[plan.name]
            detail = {"visits": visits, "usd": usd}
            record.samples.append(_sample(f"{plan.name}: costs", f"{visits} visits", 0.0, seconds, detail=detail))


def savings(
    sleeping: Plan,
    always: Plan,
    shares: Mapping[str, float],
    visits: float,
    seeds: Iterable[int],
    *,
    durations: Durations,
) -> list[float]:
    """What one way saves of the other, as a part, on as many days as there are seeds."""
    found = []
    for seed in seeds:
        crowd = stays(Traffic(shares=shares, visits=visits), seed)
        results = {plan.name: day(plan, crowd, seconds=DAY, durations=durations) for plan in (sleeping, always)}
        usd = monthly(results)
        found.append(1 - usd[sleeping.name] / usd[always.name])
    return found


def costs(record: Record, plan: str) -> dict[int, float]:
    """The stored costs of a way, by visits a day."""
    return {int(str(s.detail["visits"])): float(str(s.detail["usd"])) for s in record.of(f"{plan}: costs")}


def bills(record: Record, plans: Iterable[str]) -> list[dict[str, object]]:
    """The stored costs as records for ``figures.cost_curves``."""
    return [
        {"way": plan, "visits": visits, "usd": usd, "provenance": "simulated"}
        for plan in plans
        for visits, usd in costs(record, plan).items()
    ]


def monthly(results: Mapping[str, Day]) -> dict[str, float]:
    """USD for thirty such days on Fly, at the published prices."""
    return {name: MONTH_DAYS * fly_bill(result).usd for name, result in results.items()}


def priced(results: Mapping[str, Day]) -> str:
    """Where the prices are from: ``p008, p073 (2026-10-09)``."""
    lines = [line.price for result in results.values() for line in fly_bill(result).lines]
    return f"{', '.join(sorted({price.id for price in lines}))} ({max(price.date for price in lines)})"


def rows(record: Record, results: Mapping[str, Day]) -> list[tuple[str, ...]]:
    """A table of the ways: machine hours, money, who waited for a start and how long, how often one was thrown out."""
    money = monthly(results)
    found: list[tuple[str, ...]] = [
        ("way", "machine hours", "USD/month", "waited for a start", "median wait", "thrown out")
    ]
    for name, result in results.items():
        samples = record.of(f"{name}: waits")
        first = [sample for sample in samples if not sample.detail["again"]]
        woke = [sample.latency for sample in first if sample.detail["woke"]]
        hours = sum(ends - begins for begins, ends in runs(record, name)) / 3600
        found.append(
            (
                name,
                f"{hours:.1f}",
                f"{money[name]:.2f}",
                f"{len(woke)} of {len(first)}",
                f"{median(woke):.2f} s" if woke else "–",
                f"{result.interrupted}",
            )
        )
    return found


def _sample(
    what: str, where: str, begins: float, ends: float, outcome: str = OK, detail: Mapping[str, object] | None = None
) -> Sample:
    return Sample(
        what=what, where=where, scheduled=begins, sent=begins, finished=ends, outcome=outcome, detail=dict(detail or {})
    )
