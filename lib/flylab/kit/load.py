"""``flylab load``: carries out a load that is written down as JSON, shows its progress, stores it as a run.

With ``--against`` or ``--a-a`` two loads are carried out in turn, with ``--knee`` one at rising rates.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from flylab.errors import FlylabError, UsageError
from flylab.kit import project
from flylab.kit.progress import Bar
from flylab.measure import runs
from flylab.measure.offer import offer
from flylab.measure.plan import Plan
from flylab.measure.reading import read
from flylab.measure.seek import seek
from flylab.measure.turns import report, take_turns, variants
from flylab.wire.duration import parse_duration

ROUNDS = 10  # our choice: from 6 on an effect has a 95 % interval


def main(arguments: list[str] | None = None) -> int:
    """The command: 0 when the load was offered in time, 1 when the generator was late, 2 when it could not begin."""
    parser = argparse.ArgumentParser(prog="flylab load", description="Offer a load and store what came back.")
    parser.add_argument("plan", type=Path, help="JSON: target, arrivals, mix; docs/load.md has examples")
    parser.add_argument("--against", type=Path, metavar="PLAN", help="another load: both in turn, round by round")
    parser.add_argument("--a-a", action="store_true", help="this load twice in turn: how much two equal ones differ")
    parser.add_argument("--rounds", type=int, help=f"of a comparison (default: {ROUNDS})")
    parser.add_argument("--knee", metavar="BOUND", help="the highest rate with a p99 under it, as in 50ms")
    parser.add_argument("--most", type=float, metavar="RATE", help="with --knee: no higher rate is tried")
    parser.add_argument("--processes", type=int, help="as many as cores by default")
    parser.add_argument("--name", default="load", help="of the stored run (default: load)")
    parser.add_argument("--folder", type=Path, help="where runs are stored (default: build/data)")
    options = parser.parse_args(arguments)
    try:
        compares = options.against is not None or options.a_a
        if compares and options.knee is not None:
            raise UsageError("a knee and a comparison are two runs: give --knee, or --against and --a-a")
        if options.rounds is not None and not compares:
            raise UsageError("--rounds are those of a comparison: give --against or --a-a too")
        if options.most is not None and options.knee is None:
            raise UsageError("--most ends the search for a knee: give --knee too")
        plan, folder = read(options.plan), options.folder or project.build() / "data"
        with Bar(options.name) as bar:
            if compares:
                against = read(options.against) if options.against else None
                lines, record, valid = _compare(plan, against, options, folder, bar)
            elif options.knee is not None:
                lines, record, valid = _knee(plan, options, folder, bar)
            else:
                lines, record, valid = _offer(plan, options, folder, bar)
    except FlylabError as error:
        print(f"flylab load: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines))
    print(f"stored: flylab runs show {record.stem}")
    return 0 if valid else 1


Told = tuple[list[str], Path, bool]


def _offer(plan: Plan, options: argparse.Namespace, folder: Path, bar: Bar) -> Told:
    run = runs.begin(options.name, target=plan.target, seed=plan.seed, settings=plan.to_json())
    offered = asyncio.run(offer(plan, processes=options.processes, progress=bar.show, run=run, folder=folder))
    assert offered.record is not None
    return [offered.text()], offered.record, offered.valid


def _compare(plan: Plan, against: Plan | None, options: argparse.Namespace, folder: Path, bar: Bar) -> Told:
    plans = variants(plan, against, noise=options.a_a)
    rounds = ROUNDS if options.rounds is None else options.rounds
    settings = {name: each.to_json() for name, each in plans.items()} | {"rounds": rounds}
    run = runs.begin(options.name, target=plan.target, seed=plan.seed, settings=settings)
    record = asyncio.run(
        take_turns(
            plans,
            rounds=rounds,
            run=run,
            folder=folder,
            processes=options.processes,
            begin=bar.rename,
            progress=bar.show,
        )
    )
    run, samples = runs.load(record)
    return report(run, samples), record, run.valid is not False


def _knee(plan: Plan, options: argparse.Namespace, folder: Path, bar: Bar) -> Told:
    bound = parse_duration(options.knee, "bound")
    settings = plan.to_json() | {"bound": bound}
    run = runs.begin(options.name, target=plan.target, seed=plan.seed, settings=settings)
    most = {} if options.most is None else {"most": options.most}
    sought = asyncio.run(
        seek(
            plan,
            bound,
            run=run,
            folder=folder,
            processes=options.processes,
            begin=bar.rename,
            progress=bar.show,
            **most,
        )
    )
    return sought.text(), sought.record, sought.valid
