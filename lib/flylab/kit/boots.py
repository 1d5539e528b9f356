"""Where the time of a wake goes, from the edge's trace and the process's own clock marks, on one computer's clock."""

from collections.abc import Mapping
from typing import Any

# "configured: pause until used" is the time until the edge's next try finds the port open. The pauses between tries are
# a setting of ours (rules/limits.py), so that step is an input and drawn as one.
STEPS = {
    "start accepted → process spawned": ("requested", "spawned"),
    "interpreter": ("spawned", "python"),
    "imports": ("python", "imported"),
    "server set-up → port open": ("imported", "listening"),
    "configured: pause until used": ("listening", "reachable"),
    "first byte": ("reachable", "answered"),
}


def phases(trace: Mapping[str, Any], boot: Mapping[str, float]) -> dict[str, float]:
    """Milliseconds of each step of the wake that the last hop of ``trace`` caused; they add up to the exchange.

    The configured round trip lies half before the wake and half after it and is its own step. A step that the process
    did not mark (``spawned`` is known on Linux only, to 10 ms) is joined with the one after it.
    """
    hop = trace["hops"][-1]
    woke = hop["woke"]
    if woke is None:
        raise ValueError("this exchange woke no machine")
    zero = trace["started_at"]
    at = {
        "requested": woke["requested_ms"],
        **{name: 1000 * (wall - zero) for name, wall in boot.items()},
        "reachable": woke["reachable_ms"],
        "answered": trace["total_ms"] - hop["configured_ms"] / 2,
    }
    found, reached, waiting = {}, at["requested"], ""
    for step, (_, end) in STEPS.items():
        if end not in at:
            waiting = f"{waiting}{step}, "
            continue
        # The kernel counts in ticks of 10 ms, so "spawned" may seem to come before the request; time never runs back.
        moment = min(max(at[end], reached), at["answered"])
        found[waiting + step] = moment - reached
        reached, waiting = moment, ""
    found["configured round trip"] = trace["total_ms"] - (at["answered"] - at["requested"])
    return found
