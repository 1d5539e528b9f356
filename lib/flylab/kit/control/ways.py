"""What a map draws of one exchange: an arc for each hop, and what became of the whole; pure."""

from collections.abc import Mapping
from typing import Any

Record = Mapping[str, Any]

FAILED_FROM = 500  # statuses that count as errors, from here on


def arcs(record: Record) -> list[dict[str, Any]]:
    """One arc for each hop; every hop starts at the visitor's edge, also that of a replay (docs/replay.md).

    ``wake``: the machine had to be started first; ``replay``: another machine sent the request there; ``refuse``: it
    came to nothing there; ``serve``: all others.
    """
    edge, hops = record["edge"], record.get("hops") or []
    drawn = [
        {"kind": _kind(hop), "from": edge, "to": hop["region"], "machine": hop["machine"], "exchange": record["id"]}
        for hop in hops
    ]
    if not hops:  # refused before it came to any machine
        drawn.append({"kind": "refuse", "from": edge, "to": edge, "machine": "", "exchange": record["id"]})
    elif record.get("code"):  # refused by the proxy, whatever the last machine said
        drawn[-1]["kind"] = "refuse"
    return drawn


def _kind(hop: Record) -> str:
    if hop.get("outcome") == "error":
        return "refuse"
    if hop.get("woke"):
        return "wake"
    return "serve" if hop.get("cause") == "route" else "replay"


def failed(record: Record) -> bool:
    """Whether a visitor saw an error: one of the proxy's codes, or a status that says so."""
    status = record.get("status")
    return bool(record.get("code")) or (isinstance(status, int) and status >= FAILED_FROM)


def plain(record: Record) -> bool:
    """Whether nothing of it is worth looking at twice: one hop to a machine that ran, and an answer."""
    return not failed(record) and all(arc["kind"] == "serve" for arc in arcs(record)) and record.get("status") != 101


def configured_ms(record: Record) -> float:
    """How much of its time were delays that somebody typed in."""
    return sum(float(hop.get("configured_ms") or 0.0) for hop in record.get("hops") or [])
