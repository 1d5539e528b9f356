"""``flylab wakes``: makes wakes of several variants in one mixed run, shows where their time goes, stores them.

The same function serves notebooks: ``await make(lab, app, machines, timetable(…))`` gives the records.
"""

import argparse
import asyncio
import json
import os
import ssl
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import httpx
from tqdm.auto import tqdm

from flylab.clock import SystemClock
from flylab.errors import FlylabError, ParseError, UsageError
from flylab.kit import configs, project
from flylab.kit import runs as stored
from flylab.kit.table import layout
from flylab.kit.target import TARGETS, Lab, connect
from flylab.measure import runs
from flylab.measure.load import TRACE
from flylab.measure.wakes import VARIANTS, Wake
from flylab.measure.wakes.making import Maker, Stage
from flylab.measure.wakes.report import to_json
from flylab.measure.wakes.shown import notes, table
from flylab.measure.wakes.timetable import Burst, timetable
from flylab.measure.wakes.visit import WITHIN
from flylab.wire.machine import Machine

ROOM = "/rooms/{room}/ws"
STAYS = str(86_400)  # a room with members far away would move nearer to them after a minute, in the middle of a run
Show = Callable[[Burst, Sequence[Wake]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the flags say, read and checked."""

    variants: tuple[str, ...]
    at_once: tuple[int, ...]
    n: int
    warm_up: int
    seed: int
    app: str
    path: str
    target: str
    regions: tuple[str, ...]
    edge: str
    latency: str
    budget_usd: float

    @property
    def bursts(self) -> list[Burst]:
        return timetable(self.variants, self.at_once, n=self.n, warm_up=self.warm_up, seed=self.seed)


def main(arguments: list[str] | None = None) -> int:
    """The command: 0 when wakes were made, 1 when all of them failed, 2 when it could not be done."""
    flags = _parser().parse_args(arguments)
    folder = flags.folder or project.build() / "data"
    try:
        if flags.run:
            return _print(*_stored(folder, flags.run), json_wanted=flags.json)
        asked = _read(flags)
        with progress(asked.bursts) as show:
            run, wakes = asyncio.run(_make(asked, flags.name, folder, show))
        return _print(run, wakes, json_wanted=flags.json)
    except FlylabError as error:
        print(f"flylab wakes: {error}", file=sys.stderr)
        return 2


async def make(
    lab: Lab,
    app: str,
    machines: Sequence[Machine],
    bursts: Sequence[Burst],
    *,
    path: str = ROOM,
    edge: str = "",
    rooms: str = "wake-{n}",
    keep: runs.Recording | None = None,
    show: Show | None = None,
) -> list[Wake]:
    """Make all these wakes with machines of that app, whose visitors come in at ``edge``, or next to each machine.

    What was made is in ``keep`` at once, so that a run that ends early has it.
    """
    context = ssl.create_default_context()  # one for all: to make it takes longer than an answer

    def visitor(region: str) -> httpx.AsyncClient:
        if lab.target == "fly":
            return httpx.AsyncClient(base_url=f"https://{app}.fly.dev", verify=context, timeout=WITHIN)
        at = lab.edges.get(edge or region)
        if at is None:
            raise UsageError(f"there is no edge in {edge or region!r}; there are {', '.join(lab.edges)}")
        headers = {"host": f"{app}.fly.dev", TRACE: "1"}
        return httpx.AsyncClient(base_url=at, headers=headers, verify=context, trust_env=False, timeout=WITHIN)

    outside = lab.target == "fly"
    stage = Stage(
        api=lab.api,
        app=app,
        machines=machines,
        visitor=visitor,
        path=path,
        rooms=rooms,
        outside=outside,
        date=_date(lab, context) if outside else None,
    )
    maker, wakes = Maker(stage, SystemClock()), []
    for burst in bursts:
        made = await maker.burst(burst)
        wakes += made
        if keep is not None:
            keep.add(*(wake.to_sample() for wake in made))
        if show is not None:
            show(burst, wakes)
    return wakes


def _date(lab: Lab, context: ssl.SSLContext) -> Callable[[], Awaitable[str]]:
    async def ask() -> str:
        async with httpx.AsyncClient(verify=context, timeout=WITHIN) as http:
            return str((await http.head(lab.api.base_url)).headers.get("date", ""))

    return ask


async def _make(asked: Asked, name: str, folder: Path, show: Show) -> tuple[runs.Run, list[Wake]]:
    edges = list(dict.fromkeys((*asked.regions, *filter(None, [asked.edge]))))
    async with await connect(
        asked.target, chapter="wakes", regions=edges, latency=asked.latency, budget_usd=asked.budget_usd
    ) as lab:
        most = max(asked.at_once)
        if asked.app:
            app = asked.app
            machines = await _found(lab, app, most)
        else:
            app = await lab.create_app("wakes")
            machines = await ready(lab, app, asked.regions, max(most, 2 if "pool" in asked.variants else 1))
        run = _begin(name, asked)  # once there is something to measure, so that no empty run is stored
        rooms = f"wake-{lab.run_id}-{{n}}"
        with runs.recording(run, folder) as keep:
            wakes = await make(
                lab, app, machines, asked.bursts, path=asked.path, edge=asked.edge, rooms=rooms, keep=keep, show=show
            )
        return run, wakes


async def ready(lab: Lab, app: str, regions: Sequence[str], count: int) -> list[Machine]:
    """So many started machines with the room server, in turn over the regions; rooms stay where they are."""
    config = configs.room(lab.target, lab.store_url(app), MOVE_AFTER_SECONDS=STAYS)
    # Without checks: until the first of them a machine that was just woken counts as unwell to everybody but whoever
    # woke it, and the question for the steps of its start would wait for a second.
    services = tuple(replace(each, autostop="off", checks=()) for each in config.services)
    config = replace(config, services=services)
    places = [regions[number % len(regions)] for number in range(count)]
    making = (
        lab.create_machine(app, config, region=region, name=f"wakes-{number}") for number, region in enumerate(places)
    )
    machines = await asyncio.gather(*making)
    await asyncio.gather(*(lab.api.wait(app, machine.id, "started") for machine in machines))
    return list(machines)


async def _found(lab: Lab, app: str, count: int) -> list[Machine]:
    machines = sorted(await lab.api.machines(app), key=lambda machine: machine.id)
    if len(machines) < count:
        raise UsageError(f"{count} wakes at once need as many machines, and app {app} has {len(machines)}")
    for machine in machines:
        if any(service.autostop not in (None, "off") for service in machine.config.services):
            raise UsageError(f"machine {machine.id} has autostop, which would stop it in the middle: set it to off")
    return machines


def _begin(name: str, asked: Asked) -> runs.Run:
    target = "fly" if asked.target == "fly" else os.environ.get("FLYLAB_URL") or "local"
    settings: dict[str, Any] = {
        "variants": list(asked.variants),
        "at_once": list(asked.at_once),
        "n": asked.n,
        "warm_up": asked.warm_up,
        "app": asked.app or "demo",
        "path": asked.path,
        "regions": list(asked.regions),
        "edge": asked.edge or "next to the machine",
        "latency": asked.latency,
    }
    return runs.begin(name, target=target, seed=asked.seed, settings=settings, project=project.root())


def _stored(folder: Path, name: str) -> tuple[runs.Run, list[Wake]]:
    run, samples = runs.load(stored.find(folder, name))
    return run, [Wake.from_sample(sample) for sample in samples]


def _print(run: runs.Run, wakes: Sequence[Wake], *, json_wanted: bool) -> int:
    if json_wanted:
        print(json.dumps({"run": run.id, "target": run.target, "seed": run.seed, **to_json(wakes)}))
    else:
        for size in sorted({wake.at_once for wake in wakes}):
            print("\n".join(layout(table([wake for wake in wakes if wake.at_once == size]))), end="\n\n")
        print("\n".join(notes(wakes)))
        print(f"stored: flylab runs show {run.id}")
    return 0 if any(wake.ok for wake in wakes) else 1


@contextmanager
def progress(bursts: Sequence[Burst], *, out: TextIO | None = None) -> Iterator[Show]:
    """``with progress(bursts) as show``: a line on a terminal, a widget in the lab, nothing where there is neither."""
    hidden = False if project.interactive() or out is not None else None
    total = sum(burst.at_once for burst in bursts)
    with tqdm(total=total, desc="wakes", unit="wake", disable=hidden, file=out) as bar:

        def show(burst: Burst, wakes: Sequence[Wake]) -> None:
            bar.update(burst.at_once)
            failed, marked = sum(not wake.ok for wake in wakes), sum(bool(wake.marked) for wake in wakes)
            last = wakes[-1].whole if wakes else None
            took = "–" if last is None else f"{1000 * last:.0f} ms"
            bar.set_postfix_str(f"{burst.variant} ×{burst.at_once} {took}, {failed} failed, {marked} do not add up")

        yield show


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="flylab wakes", description="Wake machines in turns, and show phase by phase where the time goes."
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--demo", action="store_true", help="the room server on a platform of its own (the default)")
    what.add_argument("--app", default="", metavar="APP", help="an app that is there; FLYLAB_URL names its platform")
    parser.add_argument("--variants", default=",".join(VARIANTS), metavar="LIST", help=f"of {', '.join(VARIANTS)}")
    parser.add_argument("--n", type=int, default=20, metavar="N", help="wakes of each variant (default 20)")
    parser.add_argument("--at-once", default="1", metavar="LIST", help="how many at once, such as 1,5 (default 1)")
    parser.add_argument("--warm-up", type=int, default=1, metavar="N", help="bursts of each that do not count (1)")
    parser.add_argument("--path", default=ROOM, help="what visitors ask for; with {room} they enter a room of ours")
    parser.add_argument("--regions", default="ams", metavar="CODES", help="of the machines, and of edges (ams)")
    parser.add_argument("--edge", default="", metavar="CODE", help="where all visitors come in (next to the machine)")
    parser.add_argument("--latency", default="measured", metavar="measured|off", help="round trips between regions")
    parser.add_argument("--target", choices=TARGETS, default="local")
    parser.add_argument("--budget-usd", type=float, default=0.0, metavar="USD", help="what machines on Fly may cost")
    parser.add_argument("--seed", type=int, default=0, help="of the order (default 0)")
    parser.add_argument("--name", default="wakes", help="of the stored run (default: wakes)")
    parser.add_argument("--folder", type=Path, help="where runs are stored (default: build/data)")
    parser.add_argument("--run", default="", metavar="RUN", help="show a stored run again, and make nothing")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    return parser


def _read(flags: argparse.Namespace) -> Asked:
    try:
        at_once = tuple(int(word) for word in flags.at_once.split(","))
    except ValueError as exc:
        raise ParseError("--at-once", flags.at_once, "whole numbers with commas between them, such as 1,5") from exc
    if flags.app and flags.target == "local" and not os.environ.get("FLYLAB_URL"):
        raise UsageError(
            f"app {flags.app!r} is on a platform that FLYLAB_URL has to name; without --app there is a demo"
        )
    if not flags.path.startswith("/"):
        raise UsageError(f"a path begins with '/', and {flags.path!r} does not")
    regions = tuple(word for word in flags.regions.split(",") if word)
    if not regions:
        raise UsageError("machines need a region: --regions ams")
    asked = Asked(
        variants=tuple(flags.variants.split(",")),
        at_once=at_once,
        n=flags.n,
        warm_up=flags.warm_up,
        seed=flags.seed,
        app=flags.app,
        path=flags.path,
        target=flags.target,
        regions=regions,
        edge=flags.edge,
        latency=flags.latency,
        budget_usd=flags.budget_usd,
    )
    _ = asked.bursts  # refuses what cannot be made, before a platform is started
    return asked
