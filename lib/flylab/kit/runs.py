"""``flylab runs``: lists stored runs, shows one, compares two; everything is computed from what was stored."""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from random import Random

from flylab.errors import ParseError, UsageError
from flylab.kit import project
from flylab.kit.table import layout
from flylab.measure import runs
from flylab.measure.runs import Run
from flylab.measure.sample import Sample
from flylab.measure.stats import compare, estimate, least_n
from flylab.measure.turns import AGAIN, VARIANT, B, report

QUANTILES = (0.5, 0.95, 0.99)
# What two runs should have in common for their difference to be that of the thing measured.
SAME = ("target", "settings", "seed", "cpu", "cores", "kernel", "python", "packages", "clock", "commit")
BUSY = 0.5  # of the cores: our bound for a computer that was busy already when a run began
Group = tuple[str, str]


def main(arguments: list[str] | None = None) -> int:
    """The command: 0 when what was asked for was shown, 1 when a record cannot be read, 2 when there is none."""
    parser = argparse.ArgumentParser(prog="flylab runs", description="Stored runs: list them, show or compare them.")
    parser.add_argument("--folder", type=Path, help="where they are (default: build/data)")
    commands = parser.add_subparsers(dest="command", required=True, metavar="list|show|compare")
    commands.add_parser("list", help="all runs, the newest last")
    show = commands.add_parser("show", help="one run: circumstances and quantiles with intervals")
    show.add_argument("run", help="an id, the beginning of one, a name (its newest run), or a record's path")
    two = commands.add_parser("compare", help="two runs: the effect on each quantile, with intervals")
    two.add_argument("a", help="as in show")
    two.add_argument("b", help="as in show")
    two.add_argument("--seed", type=int, default=0, help="of the resamples (default 0)")
    options = parser.parse_args(arguments)
    folder = options.folder or project.build() / "data"
    try:
        match options.command:
            case "list":
                lines, unread = listed(folder)
                print("\n".join(lines))
                return 1 if unread else 0
            case "show":
                print("\n".join(shown(*runs.load(find(folder, options.run)))))
            case _:
                a, b = (runs.load(find(folder, name)) for name in (options.a, options.b))
                print("\n".join(compared(a, b, rng=Random(options.seed))))
    except ParseError as error:
        print(f"flylab runs: {error}", file=sys.stderr)
        return 1
    except UsageError as error:
        print(f"flylab runs: {error}", file=sys.stderr)
        return 2
    return 0


def find(folder: Path, name: str) -> Path:
    """The record that is meant; UsageError when there is none, or more than one."""
    if name.endswith(".json") and Path(name).is_file():
        return Path(name)
    if (newest := runs.latest(folder, name) if "/" not in name else None) is not None:
        return newest
    found = [path for path in sorted(folder.glob("*.json")) if name and path.name.startswith(name)]
    if len(found) != 1:
        some = f"; {len(found)} begin with it" if found else ""
        raise UsageError(f"there is no run {name!r} in {folder}{some}: 'flylab runs list' shows all")
    return found[0]


def listed(folder: Path) -> tuple[list[str], int]:
    """A line for each run, oldest first, and how many could not be read."""
    rows: list[tuple[str, ...]] = []
    unread = []
    for path in folder.glob("*.json"):
        try:
            run = runs.read(path)
        except ParseError as error:
            unread.append(str(error))
            continue
        finished = (run.finished_at or "not finished") + (", INVALID" if run.valid is False else "")
        rows.append((run.started_at, run.id, run.target, f"n {run.n}", _commit(run), finished))
    if not rows and not unread:
        return [f"no run is stored in {folder}"], 0
    head = ("started", "run", "target", "samples", "commit", "finished")
    return [*layout([head, *sorted(rows)]), *unread], len(unread)


def shown(run: Run, samples: list[Sample]) -> list[str]:
    """The circumstances of a run, and what it found of each kind at each place."""
    versions = ", ".join(f"{name} {number}" for name, number in run.packages.items())
    flat = {name: value for name, value in run.settings.items() if not isinstance(value, dict)}
    settings = ", ".join(f"{name} {value}" for name, value in flat.items()) or "none"
    nested = [f"  {name}: {json.dumps(value)}" for name, value in run.settings.items() if isinstance(value, dict)]
    lines = [
        f"{run.id}: {run.n} samples",
        f"target {run.target}, from {run.started_at} to {run.finished_at or '(not finished)'}, commit {_commit(run)}",
        f"settings: {settings}; seed {run.seed}",
        *nested,
        f"{run.cpu}, {run.cores} cores, {run.kernel}, Python {run.python}, {versions}",
        f"load {_load(run.load_before)} before, {_load(run.load_after)} after; clock {run.clock or 'not recorded'}",
        *busy("this run", run),
        *_invalid("this run", run),
    ]
    for (what, where), group in by_group(samples).items():
        taken = [sample.latency for sample in group if sample.ok]
        failed = len(group) - len(taken)
        lines += ["", f"{_name(what, where)}: n {len(group)}, {failed} failed"]
        if failed:
            outcomes = sorted({sample.outcome for sample in group if not sample.ok})
            counts = (f"{each} {sum(sample.outcome == each for sample in group)}" for each in outcomes)
            lines.append(f"  outcomes: {', '.join(counts)}")
        lines += [f"  {estimate(taken, q).text()}" for q in QUANTILES if taken]
        late = [sample.lateness for sample in group]
        lines.append(f"  sent late, at most: {1000 * max(late):.3g} ms")
    if run.results:
        lines += ["", *_found(run, samples)]
    return lines


def _found(run: Run, samples: list[Sample]) -> list[str]:
    """What was concluded when it was made; effects of variants are computed anew from what was stored."""
    if {sample.detail.get(VARIANT) for sample in samples} & {AGAIN, B}:
        return report(run, samples)
    if "knee" in run.results:
        return [f"knee: {run.results['knee']}, bound {run.results.get('bound')} s"]
    return [f"{name}: {value}" for name, value in run.results.items() if isinstance(value, int | float | str)]


def compared(a: tuple[Run, list[Sample]], b: tuple[Run, list[Sample]], *, rng: Random) -> list[str]:
    """What two runs have both measured, as effects of B on A; what differs around them is named first."""
    one, other = a[0], b[0]
    lines = [f"A: {one.id}", f"B: {other.id}"]
    unlike = [name for name in SAME if getattr(one, name) != getattr(other, name)]
    if unlike:
        lines.append(f"they differ in {', '.join(unlike)} as well")
    lines += [*busy("A", one), *busy("B", other), *_invalid("A", one), *_invalid("B", other)]
    lines.append("Taken apart, so what changed on the computer meanwhile is in every effect below.")
    first, second = by_group(a[1]), by_group(b[1])
    for group in dict.fromkeys([*first, *second]):
        lines += ["", _name(*group)]
        if group not in first or group not in second:
            lines.append(f"  only in {'A' if group in first else 'B'}")
            continue
        left, right = ([sample.latency for sample in side[group] if sample.ok] for side in (first, second))
        failed = len(first[group]) - len(left), len(second[group]) - len(right)
        if any(failed):
            lines.append(f"  failed: {failed[0]} of {len(first[group])} → {failed[1]} of {len(second[group])}")
        if not left or not right:
            lines.append("  no success to compare")
            continue
        fewer = min(left, right, key=len)
        for q in QUANTILES:
            enough = len(fewer) >= least_n(q)
            lines.append(f"  {compare(left, right, q, rng=rng).text() if enough else estimate(fewer, q).text()}")
    return lines


def by_group(samples: Iterable[Sample]) -> dict[Group, list[Sample]]:
    """Samples of each kind at each place, in the order in which they were first seen; variants of a run apart."""
    groups: dict[Group, list[Sample]] = {}
    for sample in samples:
        variant = sample.detail.get(VARIANT)
        where = f"{sample.where}, {variant}" if variant else sample.where
        groups.setdefault((sample.what, where), []).append(sample)
    return groups


def _name(what: str, where: str) -> str:
    return f"{what}, {where}" if where else what


def _commit(run: Run) -> str:
    if not run.commit:
        return "unknown"
    return run.commit[:9] + (" with changes" if run.dirty else "")


def _load(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1f}"


def busy(name: str, run: Run) -> list[str]:
    """A line that says so when a run began on a busy computer."""
    if run.load_before is None or run.load_before <= BUSY * run.cores:
        return []
    return [f"{name} began on a busy computer: load {run.load_before:.1f} on {run.cores} cores"]


def _invalid(name: str, run: Run) -> list[str]:
    if run.valid is not False:
        return []
    return [f"{name} is INVALID: the generator was late, or it did not come to its end; it says nothing of the target"]
