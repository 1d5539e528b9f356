"""``flylab load``: carries out a load that is written down as JSON, shows its progress, stores it as a run."""

import argparse
import asyncio
import sys
from pathlib import Path

from flylab.errors import FlylabError
from flylab.kit import project
from flylab.kit.progress import Bar
from flylab.measure import runs
from flylab.measure.offer import Offered, offer
from flylab.measure.reading import read


def main(arguments: list[str] | None = None) -> int:
    """The command: 0 when the load was offered in time, 1 when the generator was late, 2 when it could not begin."""
    parser = argparse.ArgumentParser(prog="flylab load", description="Offer a load and store what came back.")
    parser.add_argument("plan", type=Path, help="JSON: target, arrivals, mix; docs/load.md has examples")
    parser.add_argument("--processes", type=int, help="as many as cores by default")
    parser.add_argument("--name", default="load", help="of the stored run (default: load)")
    parser.add_argument("--folder", type=Path, help="where runs are stored (default: build/data)")
    options = parser.parse_args(arguments)
    try:
        plan = read(options.plan)
        run = runs.begin(options.name, target=plan.target, seed=plan.seed, settings=plan.to_json())
        folder = options.folder or project.build() / "data"
        with Bar(options.name) as bar:
            loading = offer(plan, processes=options.processes, progress=bar.show, run=run, folder=folder)
            offered: Offered = asyncio.run(loading)
    except FlylabError as error:
        print(f"flylab load: {error}", file=sys.stderr)
        return 2
    print(offered.text())
    if offered.record is not None:
        print(f"stored: flylab runs show {offered.record.stem}")
    return 0 if offered.valid else 1
