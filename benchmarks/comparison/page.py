"""The rooms' section of docs/performance.md, from what a run stored; pure."""

import shlex
from typing import Any

import frame

from comparison.figures import OURS
from comparison.tables import aside, ratios, table, unkept

READING = """\
**What it shows.** Each server is pinned to one core, the load generator is a process of its own on another, and
both are on one machine and talk over loopback. Rounds are interleaved: each load asks every server in turn, in
another order in each round, and ratios are taken within a round. The load is an open loop: what is to be sent when
is fixed beforehand, latency counts from the planned moment, and falling behind does not slow the plan. Rates and
members rise until the 99th percentile passes 100 ms or anything is lost, doubled or out of order; the last value
before that is shown. "?" is a run in which one send in a hundred was more than 10 ms late: it says more about the
generator than about the server and counts for nothing. "≥": the generator could do no more. "–": not asked, or
there is nothing of the kind.

**What it does not show.** The other servers are small programs of ours in the way their documentation begins, not
what an expert would make of them; batching would help each. They keep no history, number nothing and take nobody
back after a lost connection; only our rooms and workerd store, and of those only ours say when. ws, Socket.IO,
workerd and Quart send a message for each move of each cursor, so that 100 and 400 cursors would be several times
what they can do: those two loads are left to Colyseus, which sends state every 50 ms. Networks, TLS and several
cores are not part of it, and on loopback bandwidth costs nothing. Nor is a disk: {store} What our rooms write to a
folder they do not force to a disk ([rooms.md](rooms.md)), workerd does; on a disk it would be slower than here.
Memory is resident memory, shared pages counted in part."""

STORES = (
    "the store of every server is in a file system in memory, so that code is compared and not who waits for a disk."
)
NO_MEMORY = "the store of every server is in the folder for temporary files."


def section(run: dict[str, Any]) -> str:
    """Everything between the marks."""
    parts = [
        "## Rooms, beside other room servers",
        f"One run on {run['at'][:10]}, {_rounds(run)}. A cell is the median and, in parentheses, least and most "
        f"of the rounds; a cold start is made {run['starts']} times a round. What is promised is promised of our rooms "
        f"alone. Equal terms: {_store(run)}",
        table(run),
        ratios(run),
        "\n".join(["**Promised and not kept in this run:**", "", *(f"- {one}" for one in missed)])
        if (missed := unkept(run))
        else "Everything that is promised was kept in this run.",
        "\n".join(["**Set aside:**", "", *(f"- {one}" for one in late)]) if (late := aside(run)) else "",
        "\n".join(["**Left out:**", "", *(f"- {one}" for one in run["left_out"])]) if run["left_out"] else "",
        "**Conditions.**\n\n" + _conditions(run),
        f"**Again:**\n\n```\n{command(run)}\npython benchmarks/page.py\n```",
        READING.format(store=_store(run)),
    ]
    return "\n\n".join(part for part in parts if part)


def command(run: dict[str, Any]) -> str:
    return shlex.join(["python", "benchmarks/rooms.py", *run["asked"]])


def _store(run: dict[str, Any]) -> str:
    return STORES if run["store"] else NO_MEMORY


def _rounds(run: dict[str, Any]) -> str:
    rounds = run["rounds"]
    return f"{rounds} round{'' if rounds == 1 else 's'}, steps of {run['seconds']:g} s"


def _conditions(run: dict[str, Any]) -> str:
    before, after = (" / ".join(f"{one:.2f}" for one in run[name]) for name in ("load_before", "load_after"))
    lines = [
        f"{run['at'].replace('T', ' ').replace('+00:00', ' UTC')}, {run['minutes']:.0f} minutes",
        f"{run['cpu']}, {run['cores']} cores, {run['memory_gb']} GB of memory, {run['kernel']}",
        f"load average over 1, 5 and 15 minutes before: {before}; after, with the run itself in it: {after}."
        + frame.favoured(run),
        f"load generator: Python {run['python']}, {run['generator']}",
        f"{run['titles'][OURS]}: {run['versions'][OURS]}" + (f", commit {run['commit']}" if run["commit"] else ""),
        *(f"{run['titles'][name]}: {run['versions'][name]}" for name in run["titles"] if name != OURS),
    ]
    return "\n".join(f"- {line}" for line in lines)
