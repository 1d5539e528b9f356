"""Requests of the replay chapter: a visit with its hops, and the same request with and without a replay, in pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from urllib.parse import quote

import httpx

from flylab.kit import fleets, progress
from flylab.kit.record import Record
from flylab.kit.target import Lab, connect, trace
from flylab.wire.machine import Machine, MachineConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one visitor got: who answered, with which headers, and the hops (none on Fly, which does not show them)."""

    status: int
    body: dict[str, Any]
    hops: dict[str, Any]


async def visit(
    lab: Lab, region: str, app: str, *, replay: str = "", at: Machine | None = None, path: str = "/", cache: int = 0
) -> Seen:
    """One request from a region. The machine ``at`` asks for the replay; without it, whoever gets the request does.

    With ``cache`` the edge may remember for so many seconds where the path leads. Where a replay falls back to the
    machine that asked for it, that one answers.
    """
    query = {"replay": replay} if replay else {}
    if "fallback=" in replay:
        query["careful"] = "1"
    if at is not None:
        query["at"] = at.id
    if cache:
        query["cache"] = str(cache)
    answer = await lab.visitor(region, app).get(path, params=query)
    return seen(lab, answer)


def seen(lab: Lab, answer: httpx.Response) -> Seen:
    """An answer of the router program, or of the proxy in its place."""
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    hops = trace(answer) if lab.target == "local" else {}
    return Seen(status=answer.status_code, body=answer.json() if is_json else {}, hops=hops)


def wishes(machines: dict[str, Machine], to: Machine) -> dict[str, str]:
    """For a visitor in each region the path with which the machine next to them sends them on to ``to``."""
    wanted = quote(f"instance={to.id}")
    return {region: "/" if near.id == to.id else f"/?replay={wanted}&at={near.id}" for region, near in machines.items()}


async def visit_all(lab: Lab, app: str, machines: dict[str, Machine], *, to: Machine) -> dict[str, Seen]:
    """A visitor in every place, each sent to ``to`` by the machine next to them, unless it is that one.

    One after the other, so that nobody waits for another's turn on this computer.
    """
    found = {}
    for region in lab.visitors:
        near = machines.get(region) or next(iter(machines.values()))
        replay = "" if near.id == to.id else f"instance={to.id}"
        found[region] = await visit(lab, region, app, replay=replay, at=near)
    return found


async def pairs(lab: Lab, record: Record, app: str, *, via: Machine, to: Machine, times: int) -> None:
    """The same target reached straight and by a replay, alternating which comes first; the first round is not kept.

    Samples ``straight`` and ``replayed``, timed by the visitor, and ``extra``, the difference within each pair.
    """
    visitor = lab.visitor(via.region if lab.target == "local" else lab.visitors[0], app)
    # The visitor's own region holds ``via``, so that it is chosen first; the other way is forced past it.
    straight = visitor.build_request("GET", "/", headers={"fly-force-instance-id": to.id})
    replayed = visitor.build_request("GET", "/", params={"replay": f"instance={to.id}", "at": via.id})
    ways = [("straight", straight), ("replayed", replayed)]
    where = f"{via.region} → {to.region}"
    for number in progress.over(range(times + 1), "pairs"):
        took: dict[str, float] = {}
        for name, request in ways if number % 2 else ways[::-1]:
            began = perf_counter()
            answer = await visitor.send(request)
            took[name] = 1000 * (perf_counter() - began)
            assert answer.json()["machine"] == to.id, answer.text
        if number:
            for name, ms in took.items():
                record.add(name, where, ms)
            record.add("extra", where, took["replayed"] - took["straight"])


async def undistanced(
    record: Record, config: MachineConfig, target: str, regions: Sequence[str], times: int, budget_usd: float
) -> None:
    """``pairs`` from the first region to the last, on a platform of its own whose delays are off; gone afterwards."""
    ends = list(dict.fromkeys((regions[0], regions[-1])))
    async with await connect(
        target, chapter=f"{record.run.name[:2]}-bare", regions=regions, latency="off", budget_usd=budget_usd
    ) as bare:
        app = await bare.create_app("router")
        machines = await fleets.create(bare, record, app, config, ends)
        await pairs(bare, record, app, via=machines[ends[0]], to=machines[ends[-1]], times=times)


async def sizes(
    lab: Lab, region: str, app: str, bytes_each: Sequence[int], *, to: Machine, at: Machine
) -> dict[int, int]:
    """The status of a request with a body of so many bytes that the machine ``at`` sends on to ``to``."""
    query = {"replay": f"instance={to.id}", "at": at.id}
    visitor = lab.visitor(region, app)
    return {size: (await visitor.post("/", params=query, content=bytes(size))).status_code for size in bytes_each}
