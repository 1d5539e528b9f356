"""The section of the page about many machines, from what `benchmarks/machines.py` has stored; pure."""

import frame

from flylab.measure.sample import Sample
from flylab.measure.stats import estimate

STARTED = 50  # machines at once
# What each list of milliseconds is of, and who did it.
TIMES = {
    "list": ("list", "platform"), "list_floor": ("list", "bare Quart"), "create": ("create", "platform"),
    "commit": ("create", "bare SQLite commit"), "large_change": ("change of 5 MB", "platform"),
    "meanwhile": ("get during starts", "platform"),
}  # fmt: skip


def samples(found: frame.Found) -> list[Sample]:
    """Every single time; what stands beside each other was taken in turn."""
    return [one for name, (what, where) in TIMES.items() for one in frame.in_turn(what, where, found[name])]


def summed(found: frame.Found) -> frame.Found:
    """What was found, with each list of times summed up."""
    return found | {name: spread(found[name]) for name in TIMES}


def spread(values: list[float]) -> frame.Found:
    """Median and 95th percentile with intervals, and how many; a tail only where ten values lie beyond it."""
    found: frame.Found = {"n": len(values)}
    for q in (0.5, 0.95):
        one = estimate(values, q)
        if one.value is not None and one.interval is not None:
            found[f"p{100 * q:g}"] = [one.value, one.interval.low, one.interval.high]
    return found


def shown(found: frame.Found) -> str:
    """``4.33 (4.20–4.51); 12.91``: the median with its interval, and the 95th percentile where it is known."""
    value, low, high = found["p50"]
    tail = f"; {found['p95'][0]:.2f}" if "p95" in found else ""
    return f"{value:.2f} ({low:.2f}–{high:.2f}){tail}"


def rows(run: frame.Found) -> list[tuple[str, str, str]]:
    """What, what was promised, what was found."""
    n = f"{run['machines']:,}"
    more = run["create"]["p50"][0] - run["commit"]["p50"][0]
    return [
        (f"list of {n} stopped machines, {run['bytes'] / 1e6:.1f} MB, ms", "≤ 50", shown(run["list"])),
        ("… a bare Quart answer of the same size, ms", "", shown(run["list_floor"])),
        ("… CPU of the platform for each, ms", "", f"{run['list_cpu']:.2f}"),
        ("… CPU for the first one, in ten pages, when all have changed, ms", "≤ 50", f"{run['first_cpu']:.0f}"),
        (f"create, up to {n} machines, ms", "", shown(run["create"])),
        ("… a bare SQLite commit of that size, ms", "", shown(run["commit"])),
        ("… CPU of the platform for each, ms", "", f"{run['create_cpu']:.2f}"),
        ("… the difference of the medians, ms", "≤ 5", f"{more:.2f}"),
        ("memory of a machine, KB", "≤ 5", f"{run['memory'] / 1024:.1f}"),
        ("… and once it was listed, in pages, KB", "≤ 5", f"{run['memory_listed'] / 1024:.1f}"),
        ("create with 5 MB of files, ms", "", f"{run['large_create']:.0f}"),
        ("… cordon of that machine, ms", "", shown(run["large_change"])),
        (f"{STARTED} starts at once: started", f"= {STARTED}", str(run["started"])),
        ("… from the first request until the last is `started`, s", "", f"{run['starts_s']:.2f}"),
        ("… another client's GET of a machine meanwhile, ms", "", shown(run["meanwhile"])),
    ]


def table(run: frame.Found) -> str:
    lines = ["| median (95 % interval); 95th percentile | promised | found |", "|---|---:|---:|"]
    return "\n".join([*lines, *(f"| {what} | {promised} | {found} |" for what, promised, found in rows(run))])


def unkept(run: frame.Found) -> list[str]:
    """What was promised and not found; the number of a cell is the one that it begins with."""
    missed, above = [], ""
    for what, promised, found in rows(run):
        title = f"{above}, {what[2:]}" if what.startswith("… ") else what
        above = above if what.startswith("… ") else what.partition(", ")[0]
        word, _, bound = promised.partition(" ")
        number = float(found.partition(" ")[0])
        if promised and not (number <= float(bound) if word == "≤" else number == float(bound)):
            missed.append(f"{title}: promised {promised}, found {found}")
    return missed


def section(run: frame.Found) -> str:
    """Everything between the marks."""
    before, after = (" / ".join(f"{one:.2f}" for one in run[name]) for name in ("load_before", "load_after"))
    counts = f"{run['list']['n']} lists, {run['create']['n']} creations, {run['meanwhile']['n']} answers meanwhile"
    return "\n\n".join([
        "## Many machines on the local platform",
        f"One run on {run['at'][:10]}; n: {counts}. Requests go over one kept connection, so HTTP and Quart are in "
        "every figure; the floors were measured in turn with what they stand beside. CPU is that of the platform's "
        "process, in which no neighbour on the computer shows. Memory is what that process alone has more of after "
        "the machines were made.",
        table(run),
        *(["**Promised and not kept in this run:**\n\n" + "\n".join(f"- {one}" for one in missed)]
          if (missed := unkept(run)) else ["Everything that is promised was kept in this run."]),
        f"{run['cpu']}, {run['cores']} cores, {run['memory_gb']} GB of memory, {run['kernel']}, "
        f"Python {run['python']}; load average before: {before}; after: {after}."
        + frame.favoured(run),
        f"**Again:** `python benchmarks/machines.py --machines {run['machines']}"
        f"{' --favoured' if run.get('favoured') else ''}`, then `python benchmarks/page.py`.",
    ])  # fmt: skip
