"""How fast the rooms are, beside other room servers, in one run: `python benchmarks/rooms.py`.

Each server runs pinned to the first core, the load generator (`roomload`) in a process of its own on the second. Rounds
are interleaved: every load asks every server in turn, so that a noisy neighbour disturbs all alike. Our rooms store in
a folder, and acknowledge; the folders of all servers are in memory where the system has a file system for that. Latency
counts from the moment that was planned; a run whose generator was late itself is marked `?` and counts for nothing.

The table goes to stdout, the run to build/data (`flylab runs show bench-rooms`; of some loads or servers:
`bench-rooms-some`); `benchmarks/page.py` makes the page.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

import frame
from comparison.conditions import conditions, load, our_versions
from comparison.figures import FIGURES, LOADS, OURS, Result, Results, value
from comparison.page import NO_MEMORY, STORES
from comparison.tables import ratios, table, unkept
from peers.dialects import DIALECTS as THEIRS
from peers.servers import PEERS as OTHERS
from peers.servers import TITLES as THEIR_TITLES
from peers.servers import prepare, versions
from roomload.dialect import DIALECTS
from roomload.loads import LOADS as GENERATED
from roomload.peer import FLYLAB, Peer, first_message, pinned, sweep, wait_until_open

from flylab.local.descendants import die_with_parent

SERVER_CORE, GENERATOR_CORE = 0, 1
STARTS = 3  # of each server in a round of "cold"
LONGEST = 240.0  # seconds that one load may take with one server
TITLES = {OURS: "our rooms", **THEIR_TITLES}


def measure(peer: Peer, load: str, seconds: float) -> Result:
    """One load on a server of its own."""
    try:
        with peer.running(SERVER_CORE) as (port, pid, spawned):
            if load == "cold":
                first_message(port, (DIALECTS | THEIRS)[peer.dialect]())
                return {"ms": 1e3 * (time.perf_counter() - spawned)}
            wait_until_open(port)
            return _generate(peer, load, port, pid, seconds)
    except (OSError, ValueError, subprocess.TimeoutExpired) as exc:
        return {"valid": False, "failed": f"failed ({type(exc).__name__})"}


def _generate(peer: Peer, load: str, port: int, pid: int, seconds: float) -> Result:
    words = [load, peer.dialect, str(port), str(pid), str(seconds)]
    asked = subprocess.run(
        [*pinned(GENERATOR_CORE), sys.executable, "-m", "roomload", *words],
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        timeout=LONGEST,
        check=False,
        preexec_fn=die_with_parent,
    )
    if asked.returncode:
        return {"valid": False, "failed": f"the load generator ended with {asked.returncode}"}
    result: Result = json.loads(asked.stdout)
    return result


def run_all(peers: list[Peer], loads: list[str], rounds: int, seconds: float) -> Results:
    """Round by round, load by load, server by server; who comes first changes with each round."""
    results: Results = {load: {peer.name: [] for peer in peers if peer.can(load)} for load in loads}
    for number in range(rounds):
        first = number % len(peers)
        turns = [(load, peer) for load in loads for _ in range(STARTS if load == "cold" else 1)
                 for peer in (*peers[first:], *peers[:first]) if peer.can(load)]  # fmt: skip
        for what, peer in turns:
            began = time.monotonic()
            result = measure(peer, what, seconds)
            results[what][peer.name].append(result)
            took = time.monotonic() - began
            print(f"{number + 1} {what} {peer.name} ({took:.0f} s): {brief(result, what)}", file=sys.stderr)
    return results


def brief(result: Result, load: str) -> str:
    """One line while one waits."""
    if not result.get("valid", True):
        return str(result.get("failed", "the generator was late: does not count"))
    shown = [
        f"{figure.name.removeprefix('best.')} {value(result, figure.name) * figure.scale:.{figure.digits}f}"
        for figure in FIGURES
        if figure.load == load
    ]
    return ", ".join(shown) + (" (as much as the generator can)" if result.get("bound") == "generator" else "")


def chosen(names: str) -> list[str]:
    """What ``--peers`` says: all, none or names."""
    if names in ("all", "none"):
        return list(OTHERS) if names == "all" else []
    return [name for name in names.split(",") if name != OURS]


def available(names: list[str]) -> tuple[list[Peer], list[str]]:
    """Our rooms and those of the peers that can be had here; a sentence for each of the others."""
    peers, left_out = [FLYLAB], []
    for name in names:
        if why := prepare(name):
            print(why, file=sys.stderr)
            left_out.append(why)
        else:
            peers.append(OTHERS[name])
    return peers, left_out


def compare(asked: argparse.Namespace) -> dict[str, Any]:
    """The whole run, with its conditions."""
    sweep()
    peers, left_out = available(chosen(asked.peers))
    before, began = conditions() | frame.favour(asked), time.monotonic()
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {GENERATOR_CORE})  # what asks whether a server listens must not take its core
    results = run_all(peers, asked.loads.split(","), asked.rounds, asked.seconds)
    return {
        **before,
        "load_after": load(),
        "minutes": (time.monotonic() - began) / 60,
        "rounds": asked.rounds,
        "seconds": asked.seconds,
        "starts": STARTS,
        "asked": ["--rounds", str(asked.rounds), "--seconds", f"{asked.seconds:g}"]
        + ([] if is_whole(asked) else ["--loads", asked.loads, "--peers", asked.peers])
        + (["--for-page"] if asked.for_page else [])
        + (["--favoured"] if asked.favoured else []),
        "titles": {peer.name: TITLES[peer.name] for peer in peers},
        "versions": {peer.name: our_versions() if peer is FLYLAB else versions(peer.name) for peer in peers},
        "left_out": left_out,
        "results": results,
    }


def is_whole(asked: argparse.Namespace) -> bool:
    return set(asked.loads.split(",")) == set(LOADS) and set(chosen(asked.peers)) == set(OTHERS)


def report(run: dict[str, Any]) -> str:
    """What is printed."""
    heading = f"Medians of {run['rounds']} (least–most); {STORES if run['store'] else NO_MEMORY}"
    missed = "\n".join(f"- not kept: {one}" for one in unkept(run))
    return "\n\n".join(part for part in (heading, table(run), ratios(run), missed) if part)


def parse(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Our rooms beside other room servers, one load after the other.")
    parser.add_argument("--loads", default=",".join(LOADS), help=f"of {', '.join(LOADS)}")
    parser.add_argument("--peers", default="all", help=f"all, none, or of {', '.join(OTHERS)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="how long a step takes (default: 3)")
    parser.add_argument("--name", default="rooms", help="of the stored run; chapter 10 keeps one that is called rivals")
    parser.add_argument("--for-page", action="store_true", help="let the page have it, though it is of some parts only")
    parser.add_argument("--favoured", action="store_true", help="prefer these processes to neighbours (root)")
    asked = parser.parse_args(words)
    unknown = [name for name in asked.loads.split(",") if name not in LOADS]
    unknown += [name for name in chosen(asked.peers) if name not in OTHERS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    if asked.rounds < 1 or asked.seconds <= 0:
        parser.error("there must be a round, and it must take time")
    return asked


def end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)  # through every `finally`: servers end and their folders go


def main() -> int:
    asked = parse()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    kept = frame.begin(asked.name, vars(asked), whole=is_whole(asked) or asked.for_page)
    run = compare(asked)
    samples = frame.of_rounds(run["results"])  # takes the latencies out of the results
    print(report(run))
    frame.keep(kept, run, samples, valid=any(sample.ok for sample in samples))
    return 0


assert set(LOADS) == {*GENERATED, "cold"}

if __name__ == "__main__":
    sys.exit(main())
