"""Random schedules of faults in virtual time, against the product's own pure rules: `app.tenure`, `app.history`,
`app.room` and `app.placement`.

    python -m tests.app.reliability.virtual --runs 10000 --seed 0
    python -m tests.app.reliability.virtual --trace 4711
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable

from tests.app.reliability.schedule import Outcome, explain, run


def table(outcomes: list[Outcome], seconds: float) -> str:
    """What docs/reliability.md shows."""
    faults: Counter[str] = sum((one.faults for one in outcomes), Counter())
    wrong = Counter(kind for one in outcomes for kind, _ in one.wrong)
    rows = [
        ("schedules", len(outcomes)),
        ("operations acknowledged", faults["acknowledged"]),
        ("epochs", faults["epochs"]),
        *((name.removeprefix("fault: "), faults[name]) for name in sorted(faults) if name.startswith("fault: ")),
        *((name, faults[name]) for name in OCCURRENCES),
        ("**lost**", wrong["lost"]),
        ("**duplicated**", wrong["duplicated"]),
        ("**diverged**", wrong["diverged"] + wrong["order"] + wrong["stream"]),
        ("**acknowledged by two or too early**", wrong["two writers"] + wrong["fenced"] + wrong["early"]),
        ("**not settled in the end**", wrong["unsettled"] + wrong["pending"] + wrong["unreadable"] + wrong["hole"]),
    ]
    lines = ["| | |", "|---|---:|", *(f"| {name} | {number:,} |" for name, number in rows)]
    return "\n".join([*lines, "", f"{seconds:.0f} s of one core, {1_000 * seconds / len(outcomes):.1f} ms a schedule"])


OCCURRENCES = (
    "store error",
    "store unreachable",
    "store too slow",
    "answer lost",
    "request held back",
    "proxy wrong",
    "nights",
    "snapshots",
    "numbers written again after deletion",
    "lost: fenced",
    "lost: storage",
    "released",
    "refused",
    "refused by a stale holder, yet there",
)


def main(arguments: list[str] | None = None, *, schedule: Callable[[int], Outcome] = run) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.app.reliability.virtual", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0, help="the first one; the others follow")
    parser.add_argument("--trace", type=int, metavar="SEED", help="tell everything that happens in one schedule")
    options = parser.parse_args(arguments)
    if options.trace is not None:
        print(explain(options.trace))
        return 0
    began = time.process_time()
    outcomes = [schedule(seed) for seed in range(options.seed, options.seed + options.runs)]
    print(table(outcomes, time.process_time() - began))
    for outcome in outcomes:
        for kind, text in outcome.wrong[:3]:
            print(f"seed {outcome.seed}: {kind}: {text}", file=sys.stderr)
    return 1 if any(outcome.wrong for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
