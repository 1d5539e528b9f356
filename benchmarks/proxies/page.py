"""The edge's section of docs/performance.md, from what a run stored; pure."""

import statistics
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Line:
    """One row: a figure of a load, how it is shown, and what is promised of it."""

    load: str
    figure: str
    title: str
    scale: float = 1.0
    digits: int = 0
    compare: str = ""  # nginx: divide by nginx's of the same round; added: minus direct's; else nothing
    target: float | None = None
    most: bool = False  # the target is an upper bound


LINES = (
    Line("plain", "per_s", "200-byte JSON, 32 connections: requests/s", compare="nginx", target=0.9),
    Line("plain", "per_s", "… in times what Envoy answers", compare="envoy", target=2.0),
    Line("plain", "per_s", "… in times what Caddy answers", compare="caddy", target=3.0),
    Line("plain", "cpu_us", "… µs of processor time each", digits=1, compare="nginx"),
    Line("differing", "per_s", "the same, each head another: requests/s", compare="nginx", target=0.75),
    Line("differing", "cpu_us", "… µs of processor time each", digits=1, compare="nginx"),
    Line("replayed", "per_s", "replayed once, 32 connections: requests/s", compare="nginx", target=0.85),
    Line("replayed", "cpu_us", "… µs of processor time each", digits=1, compare="nginx"),
    Line("posted", "per_s", "POST of 100 kB, 32 connections: requests/s", compare="nginx", target=1.0),
    Line("posted", "cpu_us", "… µs of processor time each", digits=1, compare="nginx"),
    Line("traced", "per_s", "200-byte JSON with a trace: requests/s", compare="plain", target=0.85),
    Line("traced", "cpu_us", "… µs of processor time each", digits=1, compare="plain"),
    Line("one", "p50", "one connection: p50, µs", 1e6, compare="added", target=100, most=True),
    Line("one_replayed", "p50", "one connection, replayed once: p50, µs", 1e6, compare="one", target=90, most=True),
    Line("down", "mb_per_s", "answer of 100 MB: MB/s", compare="nginx", target=0.5),
    Line("down", "growth", "… memory it grew by, MB", 1e-6, 1, target=8, most=True),
    Line("up", "mb_per_s", "request of 100 MB: MB/s", compare="nginx", target=0.5),
    Line("up", "growth", "… memory it grew by, MB", 1e-6, 1, target=8, most=True),
    Line("pipe", "p50", "WebSocket, one message at a time: p50, µs", 1e6, compare="added/nginx", target=1.4, most=True),
    Line("pipes", "per_s", "WebSocket, 32 connections: messages/s", compare="nginx", target=0.9),
    Line("pipes", "cpu_us", "… µs of processor time each", digits=1, compare="nginx"),
    Line("idle", "bytes", "an idle WebSocket: KB", 1e-3, 1, target=4, most=True),
)
OTHERS = ("envoy", "caddy")  # how many times as fast as they the edge is


def values(run: dict[str, Any], load: str, who: str, figure: str) -> list[float | None]:
    """One of each round; None where it failed."""
    return [found and found.get(figure) for found in run["results"].get(load, {}).get(who, [])]


def median(found: list[float | None]) -> float | None:
    good = [one for one in found if one is not None]
    return statistics.median(good) if good else None


def compared(run: dict[str, Any], line: Line, who: str) -> float | None:
    """The figure as the promise means it, taken within each round; None when there is nothing to compare with."""
    own = values(run, line.load, who, line.figure)

    def other(name: str, load: str = line.load) -> list[float | None]:
        return values(run, load, name, line.figure)

    def each(against: list[float | None], how: Any) -> float | None:
        pairs = zip(own, against, strict=False)
        return median([None if a is None or not b else how(a, b) for a, b in pairs])

    match line.compare:
        case "nginx" | "envoy" | "caddy":
            return each(other(line.compare), lambda a, b: a / b)
        case "plain":
            return each(other(who, "plain"), lambda a, b: a / b)
        case "added":
            return each(other("direct"), lambda a, b: (a - b) * line.scale)
        case "one":
            return each(other(who, "one"), lambda a, b: (a - b) * line.scale)
        case "added/nginx":
            direct = other("direct")
            added = [None if a is None or b is None else a - b for a, b in zip(own, direct, strict=False)]
            theirs = [None if a is None or b is None else a - b for a, b in zip(other("nginx"), direct, strict=False)]
            return median([None if not a or not b else a / b for a, b in zip(added, theirs, strict=False)])
    found = median(own)
    return None if found is None else found * line.scale


def table(run: dict[str, Any]) -> str:
    """Medians, and in parentheses what the promise is about."""
    titles = run["titles"]
    rows = [f"| | {' | '.join(titles.values())} | promised |", f"|---|{'---|' * len(titles)}---|"]
    for line in LINES:
        if line.load in run["results"] and (line.compare not in OTHERS or line.compare in titles):
            cells = [_cell(run, line, who) for who in titles]
            rows.append(f"| {line.title} | {' | '.join(cells)} | {_promise(line)} |")
    return "\n".join(rows)


def unkept(run: dict[str, Any]) -> list[str]:
    """What is promised of the edge and was not reached."""
    found = []
    for line in LINES:
        for who in ("edge", "up"):
            got = compared(run, line, who)
            if line.target is None or got is None or who not in run["titles"]:
                continue
            if got > line.target if line.most else got < line.target:
                found.append(f"{run['titles'][who]}, {line.title.lstrip('… ')}: {got:.2f}, promised {_promise(line)}")
    return found


def section(run: dict[str, Any]) -> str:
    """Everything between the marks."""
    missed, left_out = unkept(run), run["left_out"]
    before, after = (" / ".join(f"{one:.2f}" for one in run[name]) for name in ("load_before", "load_after"))
    parts = [
        "## The edge, beside other proxies",
        f"One run on {run['at'][:10]}, {run['rounds']} rounds of {run['seconds']:g} s for each load and proxy. A cell"
        " is the median; in parentheses what the promise is about: the ratio to nginx, or the microseconds added."
        " Ratios and differences are taken within a round, then the median of them.",
        table(run),
        "**Promised and not kept in this run:**\n\n" + "\n".join(f"- {one}" for one in missed)
        if missed
        else "Everything that is promised was kept in this run.",
        "**Left out:**\n\n" + "\n".join(f"- {one}" for one in left_out) if left_out else "",
        "**Conditions.**\n\n"
        + "\n".join(
            [
                f"- {run['at'].replace('T', ' ').replace('+00:00', ' UTC')}, {run['minutes']:.0f} minutes",
                f"- {run['cpu']}, {run['cores']} cores, {run['memory_gb']} GB of memory, {run['kernel']}",
                f"- load average over 1, 5 and 15 minutes before: {before}; after: {after}",
                f"- the edge: Python {run['python']}, {run['generator']}"
                + (f", commit {run['commit']}" if run["commit"] else ""),
                *(f"- {said}" for said in run["versions"].values()),
            ]
        ),
        f"**Again:**\n\n```\npython benchmarks/edge.py --rounds {run['rounds']} --seconds {run['seconds']:g}\n"
        "python benchmarks/page.py\n```",
        READING,
    ]
    return "\n\n".join(part for part in parts if part)


READING = """\
**What it shows.** One proxy at a time works, on a core of its own; the machine behind it and the load generator share
another one. All on loopback, no latency between regions added, no log. Heads are those of a browser, some 500 bytes.
"Each head another" changes the target and a cookie with every request, so that nothing that was read before can be
used again. nginx replays by `X-Accel-Redirect`; its buffers are large enough that no body goes through a file, and it
keeps its connections to the machine. The edge in `flylab up` has everything switched on that a new platform has:
routing, limits, the stream of exchanges; the edge alone has fixed rows. Its service counts `requests`: with
`connections`, Fly's default, the proxy opens a connection for each request, and so does this one, which costs more.
Rates come from `wrk`, a closed loop; latencies count from the planned moment, at 500 a second on one connection.

**What it does not show.** Networks, TLS and several cores. A neighbour on the same computer disturbs rates more than
processor time, so the latter is shown too."""


def _cell(run: dict[str, Any], line: Line, who: str) -> str:
    found = median(values(run, line.load, who, line.figure))
    if line.compare in OTHERS:
        ratio = compared(run, line, who) if who in ("edge", "up") else None
        return "–" if ratio is None else f"{ratio:.2f}"
    if found is None:
        return "–"
    shown = f"{found * line.scale:,.{line.digits}f}"
    if who in ("direct",) or (who == "nginx" and line.compare == "nginx") or not line.compare:
        return shown
    ratio = compared(run, line, who)
    if ratio is None:
        return shown
    return f"{shown} (+{ratio:.0f})" if line.compare in ("added", "one") else f"{shown} ({ratio:.2f})"


def _promise(line: Line) -> str:
    if line.target is None:
        return ""
    unit = " more" if line.compare in ("added", "one") else "" if not line.compare else " ×"
    return f"{'≤' if line.most else '≥'} {line.target:g}{unit}"
