"""A wake as its four sources saw it, with round numbers; each test changes what it is about."""

from dataclasses import replace
from typing import Any

from flylab.measure.wakes import Seen

ASKED = 1_800_000_000.0


def at(ms: float) -> float:
    return ASKED + ms / 1000


def event(status: str, ms: float, **more: Any) -> dict[str, Any]:
    return {"type": "start", "status": status, "source": "proxy", "timestamp": round(1000 * at(ms)), **more}


def hop(**more: Any) -> dict[str, Any]:
    woke = {"requested_ms": 0.5, "started_ms": 13.0, "reachable_ms": 198.0}
    return {"n": 1, "machine": "m1", "region": "ams", "configured_ms": 20.0, "woke": woke, "tries": 4} | more


def trace(*hops: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"started_at": at(2), "total_ms": 238.0, "hops": list(hops) or [hop()], **more}


# asked 0 · sent 1 · edge 2 · accepted 3 · spawned 15 · listening 150 · reachable 200 · answered 240 · welcomed 300
STOP = Seen(
    client={"asked": at(0), "sent": at(1), "answered": at(240), "welcomed": at(300), "drift": 0.0},
    trace=trace(),
    events=[event("starting", 3), event("started", 15)],
    app={"python": at(40), "imported": at(120), "listening": at(150)},
)
RUNNING = replace(
    STOP, trace=trace(hop(woke=None, tries=1)), events=[], app={"python": at(-5000), "listening": at(-4000)}
)
SUSPEND = replace(STOP, app=RUNNING.app)
