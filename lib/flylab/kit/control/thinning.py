"""Makes a recording smaller: frames that lie close together become one, and less is kept of each; pure."""

import json
from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]

# Seconds of one frame, exchanges kept in it and arcs: tried in this order until the whole is small enough (our choice).
LEVELS = ((0.1, 12, 24), (0.2, 8, 24), (0.4, 6, 18), (0.8, 4, 12), (1.6, 2, 12), (3.2, 1, 8), (6.4, 0, 6))
_HOP = (
    "n",
    "machine",
    "app",
    "region",
    "cause",
    "started_ms",
    "ended_ms",
    "configured_ms",
    "woke",
    "outcome",
    "status",
)
_RECORD = ("id", "edge", "app", "method", "path", "status", "started_at", "total_ms", "code", "open", "opened_ms")
_GAUGES = ("machines", "running", "usd_per_hour", "open", "requests_per_s", "errors", "n", "p50_ms", "p99_ms")
_MORE = ("p50_configured_ms", "p99_needs", "span_s", "unpriced")


def thin(frames: Sequence[Json], most: int) -> list[Json] | None:
    """Frames whose JSON has no more bytes than ``most``; None when even the least has more."""
    for seconds, exchanges, arcs in LEVELS:
        made = [_slim(frame, exchanges, arcs) for frame in gather(frames, seconds)]
        if size(made) <= most:
            return made
    return None


def size(value: object) -> int:
    """Bytes of its JSON as it is saved."""
    return len(dump(value).encode())


def dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def gather(frames: Sequence[Json], seconds: float) -> list[Json]:
    """What happened within so many seconds as one frame, at the time of its first; a whole picture stays alone."""
    made: list[Json] = []
    alone = True
    for frame in frames:
        if frame["batch"].get("whole") or alone or frame["at"] - made[-1]["at"] >= seconds:
            made.append(frame)
            alone = bool(frame["batch"].get("whole"))
        else:
            made[-1] = {"at": made[-1]["at"], "batch": merge(made[-1]["batch"], frame["batch"])}
    return made


def merge(one: Json, other: Json) -> Json:
    """Two batches that follow each other as one."""
    machines = {machine["id"]: machine for machine in [*one["machines"], *other["machines"]]}
    there = {machine["id"] for machine in other["machines"]}
    for machine_id in other["gone"]:
        machines.pop(machine_id, None)
    exchanges = {record["id"]: record for record in [*one["exchanges"], *other["exchanges"]]}
    return {
        **one,
        **other,
        "machines": list(machines.values()),
        "gone": [machine_id for machine_id in dict.fromkeys([*one["gone"], *other["gone"]]) if machine_id not in there],
        "arcs": _ways([*one["arcs"], *other["arcs"]]),
        "exchanges": list(exchanges.values()),
    }


def _ways(arcs: Sequence[Json]) -> list[Json]:
    ways: dict[tuple[str, str, str], Json] = {}
    for arc in arcs:
        way = arc["kind"], arc["from"], arc["to"]
        ways[way] = {**arc, "n": arc.get("n", 1) + (ways[way].get("n", 1) if way in ways else 0)}
    return list(ways.values())


def _slim(frame: Json, exchanges: int, arcs: int) -> Json:
    batch = frame["batch"]
    kept = batch["exchanges"][-exchanges:] if exchanges else []
    # What is as usual goes first.
    drawn = sorted(batch["arcs"], key=lambda arc: arc["kind"] == "serve")[:arcs]
    gauges = {key: batch["gauges"][key] for key in (*_GAUGES, *_MORE) if key in batch["gauges"]}
    slim = {
        "at": batch["at"],
        "platform": batch["platform"],
        **{key: batch[key] for key in ("whole", "about", "machines", "gone", "faults") if batch.get(key)},
        **({"arcs": drawn} if drawn else {}),
        **({"exchanges": [_record(record) for record in kept]} if kept else {}),
        "gauges": gauges,
    }
    return {"at": round(frame["at"], 2), "batch": slim}


def _record(record: Json) -> Json:
    hops = [{key: hop[key] for key in _HOP if hop.get(key) is not None} for hop in record.get("hops") or []]
    return {**{key: record[key] for key in _RECORD if record.get(key) is not None}, "hops": hops}
