"""Draws the trace of one exchange, hop by hop, with the configured delays set apart from our own time."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flylab.kit.figures import SERIES, Basis, Figure, Provenance, Sheet
from flylab.kit.figures.palette import GREY
from flylab.kit.figures.sheet import area

Trace = Mapping[str, Any]
_PITCH = 38  # pixels of a row of the small picture: its name, and its bar below


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A piece of a hop: ``out`` and ``back`` are configured, ``own`` and ``wake`` measured; ms from the start."""

    hop: int
    label: str
    kind: str
    start_ms: float
    ms: float


NAMES = {
    "out": "way there (configured)",
    "wake": "waking the machine (measured)",
    "own": "our own time (measured)",
    "back": "way back (configured)",
}


def segments(trace: Trace) -> list[Segment]:
    """Fold a trace into pieces: half of the configured round trip, the wake, our own time, the other half.

    The configured part of a hop is never shown longer than the hop itself took.
    """
    pieces = []
    for hop in trace["hops"]:
        took = max(0.0, hop["ended_ms"] - hop["started_ms"])
        way = min(hop["configured_ms"] / 2, took / 2)
        woke = hop.get("woke") or {}
        wake = max(0.0, woke.get("reachable_ms", 0.0) - woke.get("requested_ms", 0.0)) if woke else 0.0
        wake = min(wake, took - 2 * way)
        at = hop["started_ms"]
        label = f"hop {hop['n']} → {hop['region']} ({hop['outcome']})"
        for kind, ms in (("out", way), ("wake", wake), ("own", took - 2 * way - wake), ("back", way)):
            if ms > 0:
                pieces.append(Segment(hop=hop["n"], label=label, kind=kind, start_ms=at, ms=ms))
            at += ms
    return pieces


def own_ms(trace: Trace) -> float:
    """The exchange without its configured delays: what this computer spent."""
    return float(trace["total_ms"]) - sum(float(hop["configured_ms"]) for hop in trace["hops"])


def waterfall(title: str, traces: Mapping[str, Trace], about: Basis) -> Figure:
    """One row per hop of one or more exchanges, named by who sent them; time runs to the right."""
    rows = [(name, piece) for name, trace in traces.items() for piece in segments(trace)]
    labels = list(dict.fromkeys(_row(name, piece) for name, piece in rows))
    sheet = Sheet(about.of(n=len(traces)), area=0, x="ms since the request reached the edge")
    sheet.named_rows(labels, pitch=32)
    for kind, name in NAMES.items():
        mine = [(who, piece) for who, piece in rows if piece.kind == kind]
        if not mine:
            continue
        configured = kind in ("out", "back")
        drawn = Provenance.CONFIGURED if configured else Provenance.MEASURED
        color = GREY if configured else SERIES[1] if kind == "wake" else SERIES[0]
        # One entry of the legend for both ways: they are drawn alike and mean the same.
        key = "on the way (configured)" if configured else name
        sheet.plot.add_bar(
            y=[labels.index(_row(who, piece)) for who, piece in mine],
            x=[piece.ms for _, piece in mine],
            base=[piece.start_ms for _, piece in mine],
            width=0.6,
            orientation="h",
            marker=area(drawn, color),
            customdata=[_row(who, piece) for who, piece in mine],
            hovertemplate=f"%{{customdata}}<br>{name}: %{{x:.1f}} ms<extra></extra>",
            **sheet.key(key, color=color, kind=drawn),
        )
    if not rows:
        sheet.say("No hop to show.")
    sheet.plot.update_layout(barmode="overlay").update_xaxes(rangemode="tozero")
    pieces = [
        {"exchange": name, "hop": piece.label, "piece": NAMES[piece.kind], "from ms": piece.start_ms, "ms": piece.ms}
        for name, piece in rows
    ]
    says = [
        f"{row['visitor']}: {row['hops']} hops, {row['total_ms']} ms, of which {row['configured_ms']} configured"
        for row in table(traces)
    ]
    return sheet.done("Hops of requests", title, pieces, says)


def _row(name: str, piece: Segment) -> str:
    return f"{name} · {piece.label}" if name else piece.label


def svg(trace: Trace) -> str:
    """The same picture as a small SVG for a control panel; colours follow the page's own text colour."""
    pieces = segments(trace)
    labels = list(dict.fromkeys(piece.label for piece in pieces))
    end = max([float(trace["total_ms"]), *(piece.start_ms + piece.ms for piece in pieces), 0.001])
    fills = {"out": "url(#hatch)", "back": "url(#hatch)", "own": SERIES[0], "wake": SERIES[1]}
    body = [
        _bar(piece, labels.index(piece.label), 100 / end, fills[piece.kind])
        for piece in sorted(pieces, key=lambda piece: piece.start_ms)
    ]
    names = [
        f'<text x="0" y="{_PITCH * row + 13}" fill="currentColor" font-size="12">{html.escape(label)}</text>'
        for row, label in enumerate(labels)
    ]
    summary = html.escape(f"{len(labels)} hops, {trace['total_ms']:.1f} ms in all", quote=True)
    hatch = (
        '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="2.4" height="6" fill="currentColor" opacity="0.55"/></pattern></defs>'
    )
    return (
        f'<svg role="img" aria-label="{summary}" width="100%" height="{_PITCH * len(labels) + 4}" '
        f'style="max-width:640px;font-family:system-ui,sans-serif">{hatch}{"".join(names + body)}</svg>'
    )


def _bar(piece: Segment, row: int, scale: float, fill: str) -> str:
    # Shares of the width, so that letters keep their size on a phone; nothing that happened is too thin to be seen.
    left, width = piece.start_ms * scale, max(0.2, piece.ms * scale)
    hint = html.escape(f"{NAMES[piece.kind]}: {piece.ms:.1f} ms")
    return (
        f'<rect x="{left:.2f}%" y="{_PITCH * row + 18}" width="{width:.2f}%" height="14" fill="{fill}" '
        f'stroke="currentColor" stroke-opacity="0.4" stroke-width="0.5"><title>{hint}</title></rect>'
    )


def table(traces: Mapping[str, Trace]) -> list[dict[str, Any]]:
    """One row per exchange: hops, total, configured share and our own, in milliseconds."""
    return [
        {
            "visitor": name,
            "hops": len(trace["hops"]),
            "total_ms": round(float(trace["total_ms"]), 1),
            "configured_ms": round(sum(float(hop["configured_ms"]) for hop in trace["hops"]), 1),
            "own_ms": round(own_ms(trace), 1),
        }
        for name, trace in traces.items()
    ]


def path(trace: Trace) -> Sequence[tuple[str, str]]:
    """The pairs of regions that an exchange went between, for the map: every hop starts at the visitor's edge."""
    return [(trace["edge"], hop["region"]) for hop in trace["hops"]]
