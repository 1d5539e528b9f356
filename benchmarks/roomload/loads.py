"""The loads. Each is an async function of a target that returns what it found; all times are counted from the plan.

How long a step takes is said in `Target.seconds`; what is counted from the plan does not depend on it.
"""

import asyncio
import gc
import itertools
import os
from collections.abc import Callable
from typing import Any

from flylab.measure.pace import keep_pace
from roomload.climb import Climb
from roomload.crowd import DEADLINE, Counting, Member, Reading, Target, clock, enter_all, quantile
from roomload.dialect import TEXT
from roomload.process import cpu_seconds, resident_bytes

SLOW = 20  # members who stop reading
MOVES = 20  # of a cursor in a second
STORED = 2_000  # latencies of a step, or a few more; our choice
TOO_LATE = 0.100  # what is delivered later than this does not count
Result = dict[str, Any]

_runs = itertools.count()


def fresh_room() -> str:
    return f"bench-{os.getpid()}-{next(_runs)}"


async def until(done: Callable[[], bool], *, within: float = DEADLINE) -> bool:
    """Wait for what the other side will do."""
    deadline = clock() + within
    while not done():
        if clock() > deadline:
            return False
        await asyncio.sleep(0.005)
    return True


def thinned(latencies: list[float]) -> list[float]:
    """Every so many of them, in their order: a chat of 200 members has millions."""
    return latencies[:: max(1, len(latencies) // STORED)]


class Meter:
    """CPU of the server and of this process between two looks, as shares of a core."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._began, self._server, self._own = clock(), cpu_seconds(target.pid), cpu_seconds(os.getpid())

    def read(self) -> Result:
        passed = clock() - self._began
        return {
            "server_cpu": (cpu_seconds(self._target.pid) - self._server) / passed,
            "generator_cpu": (cpu_seconds(os.getpid()) - self._own) / passed,
        }


async def _chat(target: Target, members: list[Member], ears: list[Counting], rate: float, seconds: float) -> Result:
    """One rate for some seconds, and the wait for the last line."""
    readers = [ear for ear in ears if isinstance(ear, Reading)]
    for reader in readers:
        reader.clear()
        reader.numbers.clear()
    before = [ear.count for ear in ears]
    rooms = {member.room for member in members}
    per_room = len(members) // len(rooms)
    meter = Meter(target)

    def send(number: int, due: float) -> None:
        members[number % len(members)].say(TEXT % (number, int(due * 1e6)))

    pace = await keep_pace(rate, seconds, send)
    usage = meter.read()
    # How many lines each member must have heard: of those of its own room.
    of_room = dict.fromkeys(rooms, 0)
    for place, member in enumerate(members):
        of_room[member.room] += (pace.sent - place - 1) // len(members) + 1
    due = [of_room[ear.member.room] for ear in ears]
    complete = await until(lambda: all(ear.count - was >= n for ear, was, n in zip(ears, before, due, strict=True)))
    await until(lambda: all(reader.unstored == 0 for reader in readers), within=5)
    heard = [ear.count - was for ear, was in zip(ears, before, strict=True)]
    latencies = [latency for reader in readers for latency in reader.latencies]
    stored = [latency for reader in readers for latency in reader.stored]
    faults = sum(ear.faults for ear in ears) + sum(len(set(r.numbers)) != len(r.numbers) for r in readers)
    return {
        "rate": rate,
        "delivered_per_s": sum(heard) / seconds,
        "p50_ms": 1e3 * quantile(latencies, 0.5),
        "p99_ms": 1e3 * quantile(latencies, 0.99),
        "stored_p50_ms": 1e3 * quantile(stored, 0.5),
        "stored_p99_ms": 1e3 * quantile(stored, 0.99),
        "samples": len(latencies),
        "latencies": thinned(latencies),
        "lost": sum(n - h for n, h in zip(due, heard, strict=True)) if not complete else 0,
        "unstored": sum(reader.unstored for reader in readers),
        "faults": faults,
        "late_ms": 1e3 * pace.late,
        "valid": pace.valid,
        "members_per_room": per_room,
        **usage,
    }


def _good(step: Result) -> bool:
    missing = any(step.get(name) for name in ("lost", "faults", "unstored")) or not step.get("converged", True)
    return bool(step["valid"] and step["p99_ms"] <= 1e3 * TOO_LATE and not missing)


async def _rise(target: Target, rooms: int, per_room: int, *, sample: int, start: float) -> Result:
    """Raise the rate until lines come late or are lost; the best rate before that."""
    names = [fresh_room() for _ in range(rooms)]
    members = [Member(target, names[place % rooms]) for place in range(rooms * per_room)]
    await enter_all(members)
    every = max(1, len(members) // sample)
    ears = [Reading(member) if place % every == 0 else Counting(member) for place, member in enumerate(members)]
    steps: list[Result] = []
    await _chat(target, members, ears, start / 2, 1.0)  # warm
    climb = Climb(start)
    while True:
        gc.collect()
        step = await _chat(target, members, ears, climb.value, target.seconds)
        steps.append(step)
        good = _good(step)
        # What is lost now would be counted again when it comes after all.
        if step["lost"] or step["faults"] or not climb.tell(good=good, cpu=step["server_cpu"]):
            break
        if not good:
            await asyncio.sleep(0.5)
    for member in members:
        member.leave()
    return _best(steps, "delivered_per_s")


def _best(steps: list[Result], name: str) -> Result:
    """The best step that was in time; whether it was the server that could not do more, or we."""
    best = max(filter(_good, steps), key=lambda step: step[name], default=None)
    beyond = [step for step in steps if best is None or step[name] > best[name]]
    late = bool(beyond) and all(not step["valid"] for step in beyond)
    return {
        "best": best,
        "steps": steps,
        "bound": "generator" if late else "server",
        "valid": best is not None or not late,
    }


async def chat200(target: Target) -> Result:
    """One room of 200 members, rising."""
    return await _rise(target, 1, 200, sample=4, start=100)


async def rooms200(target: Target) -> Result:
    """200 rooms of 5 members, every message stored by those who store, rising."""
    return await _rise(target, 200, 5, sample=20, start=300)


async def chat50(target: Target) -> Result:
    """One room of 50 members at 400 messages a second."""
    room = fresh_room()
    members = [Member(target, room) for _ in range(50)]
    await enter_all(members)
    ears = [Reading(member) if place % 5 == 0 else Counting(member) for place, member in enumerate(members)]
    await _chat(target, members, ears, 400, 1.0)
    gc.collect()
    result = await _chat(target, members, ears, 400, 2 * target.seconds)
    for member in members:
        member.leave()
    return result


async def _cursors(target: Target, count: int, *, binary: bool, seconds: float) -> Result:
    """Everybody in one room moves their cursor; how old are the positions when others hear of them?"""
    room = fresh_room()
    members = [Member(target, room, binary=binary) for _ in range(count)]
    await enter_all(members)
    rate = count * MOVES
    plan: list[float] = []
    stale: list[float] = []
    last: list[dict[int, int]] = []
    received = 0
    on = False

    def listen(member: Member) -> None:
        seen: dict[int, int] = {}
        last.append(seen)
        cursors = target.dialect.cursors

        def hear(data: bytes, at: int, end: int, now: float) -> None:
            for x, y in cursors(data[at:end], binary=binary):
                seen[y] = x
                number = x * count + y
                if on and number < len(plan):
                    stale.append(now - plan[number])

        member.heard = hear

    def count_bytes(data: bytes, at: int, end: int, now: float) -> None:
        nonlocal received
        received += end - at

    for place, member in enumerate(members):
        if place % (count // 4) == 0:
            listen(member)
        else:
            member.heard = count_bytes
    shape = target.dialect.cursor

    def send(number: int, due: float) -> None:
        plan.append(due)
        x, y = divmod(number, count)
        members[y].connection.write(shape(x, y, binary=binary))

    on = True
    await keep_pace(rate, 1.0, send)
    plan.clear()
    stale.clear()
    gc.collect()
    received = 0
    meter = Meter(target)
    pace = await keep_pace(rate, seconds, send)
    usage = meter.read()
    final = pace.sent // count - 1
    converged = await until(lambda: all(len(s) == count and min(s.values()) >= final for s in last), within=5)
    for member in members:
        member.leave()
    return {
        "members": count,
        "binary": binary,
        "p50_ms": 1e3 * quantile(stale, 0.5),
        "p99_ms": 1e3 * quantile(stale, 0.99),
        "samples": len(stale),
        "latencies": thinned(stale),
        "converged": converged,
        "mbytes_per_s": received / seconds / 1e6,
        "late_ms": 1e3 * pace.late,
        "valid": pace.valid,
        **usage,
    }


async def cursors100(target: Target) -> Result:
    return await _cursors(target, 100, binary=False, seconds=2 * target.seconds)


async def cursors400(target: Target) -> Result:
    return await _cursors(target, 400, binary=True, seconds=2 * target.seconds)


async def cursors(target: Target) -> Result:
    """More and more members in one room, each of whom moves its cursor 20 times a second."""
    steps: list[Result] = []
    climb = Climb(24, power=2)
    while True:
        step = await _cursors(target, round(climb.value), binary=True, seconds=target.seconds)
        steps.append(step)
        good = _good(step)
        if not climb.tell(good=good, cpu=step["server_cpu"]):
            break
        if not good:
            await asyncio.sleep(0.5)
    return _best(steps, "members")


async def connects(target: Target, rooms: int = 500, per_room: int = 5) -> Result:
    """How many members a second come in, up to their welcome, into rooms in which somebody is."""
    first = [Member(target, fresh_room()) for _ in range(rooms)]
    await enter_all(first)
    members = [Member(target, member.room) for _ in range(per_room - 1) for member in first]
    gc.collect()
    meter = Meter(target)
    seconds = await enter_all(members)
    usage = meter.read()
    for member in (*first, *members):
        member.leave()
    return {"connects_per_s": len(members) / seconds, "valid": usage["generator_cpu"] < 0.95, **usage}


async def idle(target: Target, count: int = 10_000, per_room: int = 50) -> Result:
    """What a quiet member costs in memory."""
    before = resident_bytes(target.pid)
    rooms = [fresh_room() for _ in range(count // per_room)]
    members = [Member(target, rooms[place % len(rooms)]) for place in range(count)]
    seconds = await enter_all(members)
    await asyncio.sleep(1)
    after = resident_bytes(target.pid)
    meter = Meter(target)
    await asyncio.sleep(3)
    usage = meter.read()
    for member in members:
        member.leave()
    return {
        "members": count,
        "kb_each": (after - before) / count / 1024,
        "resident_mb": after / 1024**2,
        "connects_per_s": count / seconds,
        **usage,
    }


async def never_reads(target: Target) -> Result:
    """Some members stop reading during some seconds of chat and come back: what was held for each, what did they miss?

    Twenty of them, since a process grows and shrinks by some megabytes for reasons of its own.
    """
    await _with_some_who_stop(target, stops=False, seconds=target.seconds)  # a process grows as it begins to work
    calm = await _with_some_who_stop(target, stops=False, seconds=3 * target.seconds)
    stuck = await _with_some_who_stop(target, stops=True, seconds=3 * target.seconds)
    held = (stuck["grew_mb"] - calm["grew_mb"]) / SLOW
    return {"held_mb": held, "calm": calm, "stuck": stuck, "valid": calm["valid"] and stuck["valid"]}


async def _with_some_who_stop(target: Target, *, stops: bool, seconds: float, rate: float = 350) -> Result:
    room = fresh_room()
    # With a small buffer in the kernel what a member does not read soon waits in the server.
    slow = [Counting(Member(target, room, kernel_bytes=65_536)) for _ in range(SLOW)]
    members = [Member(target, room) for _ in range(50)]
    await enter_all([*(ear.member for ear in slow), *members])
    others = [Reading(member) if place % 10 == 0 else Counting(member) for place, member in enumerate(members)]
    padding = " " + "x" * 1_800
    gc.collect()
    if stops:
        for ear in slow:
            ear.member.connection.transport.pause_reading()
    before = most = resident_bytes(target.pid)

    def send(number: int, due: float) -> None:
        members[number % len(members)].say(TEXT % (number, int(due * 1e6)) + padding)

    async def watch() -> None:
        nonlocal most
        while True:
            await asyncio.sleep(0.5)
            most = max(most, resident_bytes(target.pid))

    watching = asyncio.create_task(watch())
    pace = await keep_pace(rate, seconds, send)
    complete = await until(lambda: all(ear.count >= pace.sent for ear in others))
    watching.cancel()
    most = max(most, resident_bytes(target.pid))
    if stops:
        for ear in slow:
            ear.member.connection.transport.resume_reading()
    closes = [code for codes in await asyncio.gather(*(_come_back(ear, pace.sent) for ear in slow)) for code in codes]
    latencies = [latency for ear in others if isinstance(ear, Reading) for latency in ear.latencies]
    for member in (*(ear.member for ear in slow), *members):
        member.leave()
    return {
        "grew_mb": (most - before) / 1024**2,
        "p99_ms": 1e3 * quantile(latencies, 0.99),
        "others_lost": 0 if complete else sum(pace.sent - ear.count for ear in others),
        "missed": sum(abs(pace.sent - ear.count) for ear in slow),
        "faults": sum(ear.faults for ear in (*slow, *others)),
        "closes": closes,
        "late_ms": 1e3 * pace.late,
        "valid": pace.valid,
    }


async def _come_back(ear: Counting, count: int) -> list[int]:
    """Read on until all has been heard, reconnecting when cut off; the codes with which it was."""
    closes: list[int] = []
    member = ear.member
    while len(closes) < 4:
        await until(lambda: ear.count >= count or member.connection.ended.done())
        if ear.count >= count or not member.connection.ended.done():
            break
        closes.append(int.from_bytes(member.connection.ended.result()[:2]))
        await member.enter(epoch=member.epoch, since=member.last)
    return closes


LOADS = {
    load.__name__: load
    for load in (chat50, chat200, cursors100, cursors400, cursors, rooms200, connects, idle, never_reads)
}
