"""``flylab rtt``: probes the round trip of every pair of regions, stores it, and holds it against what was configured.

On the local platform it asks every edge for a machine in every region, so it checks that the delays that were put in
come out again, and says what the emulation adds: it finds no distance. On Fly it asks from the one edge that this
computer is led to, with the same requests.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import httpx

from flylab.client.health import healthy
from flylab.clock import SystemClock
from flylab.errors import UsageError
from flylab.kit import configs, project
from flylab.kit.runs import busy
from flylab.kit.table import layout
from flylab.kit.target import TARGETS, Lab, connect
from flylab.measure import runs
from flylab.measure.matrix import Cell, Known, Matrix, matrix
from flylab.measure.rtt import AT_ONCE, Entrance, awaken, here, survey
from flylab.measure.sample import Sample
from flylab.published import network
from flylab.published.estimates import expected_share
from flylab.published.lookup import unknown

TRIPS = 5  # of each pair; our choice, seconds for all regions
MOST_TRIPS = 1000  # our bound: an hour for all regions
WORST = 5  # differences that are listed; our choice
CONFIGURED = "configured_ms"  # in the detail of a sample


def main(arguments: list[str] | None = None) -> int:
    """The command: 0 when every trip came back, 1 when some did not."""
    flags = _parser().parse_args(arguments)
    if not 1 <= flags.n <= MOST_TRIPS:
        raise UsageError(f"--n is {flags.n}; it is a number of trips from 1 to {MOST_TRIPS}")
    if flags.at_once < 1:
        raise UsageError(f"--at-once is {flags.at_once}; at least one pair is probed at a time")
    wanted = read_regions(flags.regions)
    run = runs.begin(
        "rtt", target=flags.target, seed=flags.seed, settings={"regions": ",".join(wanted) or "all", "n": flags.n}
    )
    samples = asyncio.run(_taken(flags, wanted))
    record = runs.save(run, samples, flags.folder or project.build() / "data")
    run, samples = runs.load(record)  # what is shown is what was stored
    found = read(samples)
    if flags.json:
        print(json.dumps({"run": run.id, **to_json(found)}))
    else:
        print("\n".join([*shown(found), *busy("this run", run), f"stored: flylab runs show {run.id}"]))
    return 1 if found.failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="flylab rtt", description="Round trips between regions: observed, configured."
    )
    parser.add_argument("--regions", default="", metavar="CODES", help="comma-separated; all current ones by default")
    parser.add_argument("--n", type=int, default=TRIPS, metavar="N", help=f"trips of each pair (default {TRIPS})")
    parser.add_argument(
        "--at-once", type=int, default=AT_ONCE, metavar="N", help=f"pairs at the same time (default {AT_ONCE})"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the order of the pairs (default 0)")
    parser.add_argument("--target", choices=TARGETS, default="local", help="local by default, on a platform of its own")
    parser.add_argument("--budget-usd", type=float, default=0.0, metavar="USD", help="what a run on Fly may cost")
    parser.add_argument("--folder", type=Path, help="where runs are stored (default: build/data)")
    parser.add_argument("--json", action="store_true", help="print one object and nothing else")
    return parser


def read_regions(text: str) -> tuple[str, ...]:
    """``ams,iad`` as codes, each once; none for an empty text; UsageError for an unknown one."""
    known = {region.code for region in network.regions()}
    if not text:
        return ()
    asked = tuple(dict.fromkeys(code.strip() for code in text.split(",")))
    for code in asked:
        if code not in known:
            raise unknown("region", code, sorted(known))
    return asked


async def _taken(flags: argparse.Namespace, wanted: Sequence[str]) -> list[Sample]:
    local = flags.target == "local"
    async with await connect(
        flags.target, chapter="rtt", regions=wanted if local else (), budget_usd=flags.budget_usd
    ) as lab:
        # Without names it is those that the platform has, or all that Fly has not given up.
        current = tuple(region.code for region in network.regions() if not region.deprecated)
        regions = wanted or (tuple(lab.edges) if local else current)
        entrances = await prepare(lab, regions)
        await awaken(next(iter(entrances.values())), regions)
        tell = None if flags.json or not sys.stderr.isatty() else _tell
        samples = await survey(
            entrances,
            regions if local else list(dict.fromkeys([*regions, *entrances])),
            flags.n,
            clock=SystemClock(),
            rng=Random(flags.seed),
            at_once=flags.at_once,
            done=tell,
        )
        return with_configured(samples, await configured(lab))


async def prepare(lab: Lab, regions: Sequence[str]) -> dict[str, Entrance]:
    """One machine in each region that answers at once; the entrances from which it can be asked, by region."""
    app = await lab.create_app("probe")
    config = configs.router(lab.target)

    async def one(region: str) -> None:
        machine = await lab.create_machine(app, config, region=region)
        await lab.api.wait(app, machine.id, "started")
        await healthy(lab.api, app, machine.id)

    await asyncio.gather(*map(one, regions))
    name = f"{app}.fly.dev"
    if lab.target == "fly":
        entrance = Entrance(host=name, port=443, name=name, tls=True)
        region = await here(entrance)
        if region not in regions:
            await one(region)  # or nobody knows what the probe costs without a distance
        return {region: entrance}
    urls = {region: httpx.URL(lab.edges[region]) for region in regions}
    return {region: Entrance(host=url.host, port=url.port or 80, name=name) for region, url in urls.items()}


async def configured(lab: Lab) -> dict[tuple[str, str], float]:
    """The round trips that the local platform adds, which are inputs; none on Fly."""
    if lab.platform is None:
        return {}
    where = lab.platform.address
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {where.token}"}, trust_env=False) as http:
        answer = await http.get(f"{where.api}/_flylab/platform", timeout=10)
    table = answer.raise_for_status().json()["rtt_ms"]
    return {(a, b): float(ms) for a, row in table.items() for b, ms in row.items()}


def with_configured(samples: Sequence[Sample], table: Mapping[tuple[str, str], float]) -> list[Sample]:
    """Samples that say themselves what was configured, so that a stored run can be read without the platform."""
    found = []
    for sample in samples:
        ms = table.get(_ends(sample))
        found.append(sample if ms is None else replace(sample, detail={**sample.detail, CONFIGURED: ms}))
    return found


def read(samples: Sequence[Sample]) -> Matrix:
    """The matrix of a stored run, beside what is published today."""
    known: dict[tuple[str, str], Known] = {}
    inside: dict[str, float] = {}
    for sample in samples:
        a, b = _ends(sample)
        ms = sample.detail.get(CONFIGURED)
        given = float(ms) if isinstance(ms, int | float) else None
        known[a, b] = replace(published(a, b), configured=given)
        if a == b:
            inside[a] = network.SAME_REGION_MS if given is None else given
    return matrix(samples, known, inside)


def published(a: str, b: str) -> Known:
    """What is published of a pair; where nobody published it, the estimate with the bounds of nine in ten of those."""
    if a == b:
        return Known(published=network.SAME_REGION_MS)
    for pair in network.published_pairs():
        if {pair.a, pair.b} == {a, b}:
            return Known(published=pair.rtt_ms, low=pair.low_ms, high=pair.high_ms)
    places = network.rtt().places
    if a not in places or b not in places:
        return Known()
    km = network.great_circle_km(places[a], places[b])
    ms, share = network.estimate_ms(km), expected_share(km)
    return Known(published=ms, low=ms * (1 - share), high=ms * (1 + share), estimated=True)


def figure_rows(found: Matrix) -> list[dict[str, Any]]:
    """What a heat map is drawn from: one row for each pair that was observed."""
    return [
        {"from": cell.a, "to": cell.b, "ms": cell.observed, CONFIGURED: cell.known.configured, "provenance": "measured"}
        for cell in found.cells
        if cell.observed is not None
    ]


def to_json(found: Matrix) -> dict[str, Any]:
    """The matrix as JSON: what was taken off, and every cell."""
    cells = [
        {
            "from": cell.a,
            "to": cell.b,
            "n": cell.n,
            "failed": cell.failed,
            "raw_ms": cell.raw,
            "ms": cell.observed,
            "low_ms": cell.low,
            "high_ms": cell.high,
            "least_ms": cell.least,
            CONFIGURED: cell.known.configured,
            "published_ms": cell.known.published,
            "published_low_ms": cell.known.low,
            "published_high_ms": cell.known.high,
            "estimated": cell.known.estimated,
        }
        for cell in found.cells
    ]
    return {"cost_ms": found.cost, "inside": found.inside, "failed": found.failed, "cells": cells}


def shown(found: Matrix) -> list[str]:
    """The matrix of observed round trips, and where it differs most from what was configured or published."""
    to = list(dict.fromkeys(cell.b for cell in found.cells))
    values = {(cell.a, cell.b): cell for cell in found.cells}
    rows = [("from", *to)]
    for a in dict.fromkeys(cell.a for cell in found.cells):
        rows.append((a, *(_ms(values.get((a, b))) for b in to)))
    lines = ["Round trips in ms, observed: the median of the trips", *layout(rows), ""]
    trips = sum(cell.n for cell in found.cells)
    lines.append(
        f"{len(found.cells)} pairs, {trips} trips, {found.failed} failed. Taken off each: {found.cost:.2f} ms, which is"
        f" what the same probe takes within a region ({found.inside} trips) less what a round trip there is said to be."
    )
    offs = sorted(abs(cell.off) for cell in found.cells if cell.off is not None)
    if offs:
        least = sorted(abs(cell.least_off) for cell in found.cells if cell.least_off is not None)
        lines.append(
            f"Observed less configured, either way, at the median of all pairs: {offs[len(offs) // 2]:.2f} ms; of the"
            f" fastest trip of each pair {least[len(least) // 2]:.2f} ms. Farthest:"
        )
        return [*lines, *layout([_difference(cell) for cell in found.worst(WORST)])]
    far = sorted(
        (cell for cell in found.cells if cell.off_published is not None), key=lambda c: -abs(c.off_published or 0)
    )
    return [*lines, "Farthest from what is published:", *layout([_difference(cell) for cell in far[:WORST]])]


def _difference(cell: Cell) -> tuple[str, ...]:
    known, off = cell.known, cell.off if cell.off is not None else cell.off_published
    parts = [f"  {cell.a}→{cell.b}", f"observed {cell.observed:.1f} ({cell.low:.1f} to {cell.high:.1f}, n {cell.n})"]
    parts.append("" if known.configured is None else f"configured {known.configured:.1f}")
    if known.published is None:
        parts.append("")
    else:
        between = "" if known.low is None else f" ({known.low:.1f} to {known.high:.1f})"
        parts.append(f"{'estimated' if known.estimated else 'published'} {known.published:.1f}{between}")
    return (*parts, f"off by {off:+.1f}")


def _ms(cell: Cell | None) -> str:
    if cell is None:
        return ""
    return "–" if cell.observed is None else f"{cell.observed:.1f}"


def _ends(sample: Sample) -> tuple[str, str]:
    a, _, b = sample.where.partition("→")
    return a, b


def _tell(over: int, all_pairs: int) -> None:
    end = "\n" if over == all_pairs else ""
    print(f"\r{over} of {all_pairs} pairs", end=end, file=sys.stderr, flush=True)
