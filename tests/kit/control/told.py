"""Records and events as a platform tells them, for tests of what is made of them."""

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def hop(region: str = "ams", machine: str = "m1", *, cause: str = "route", **more: Any) -> Json:
    """A hop that took 20 ms, of which 8 were configured."""
    times = {"started_ms": 0.0, "ended_ms": 20.0, "configured_ms": 8.0, "woke": None, "tries": 1}
    named = {"n": 1, "machine": machine, "app": "app", "region": region, "cause": cause, "wanted": ""}
    return {**named, **times, "outcome": "response", "status": 200, "code": None, **more}


def exchange(name: str = "x", *, edge: str = "ams", hops: Sequence[Json] | None = None, **more: Any) -> Json:
    """One that was answered by one machine, 20 ms after second 1000."""
    told = {"id": name, "edge": edge, "app": "app", "method": "GET", "path": "/", "status": 200}
    return {**told, "started_at": 1000.0, "total_ms": 20.0, "hops": [hop()] if hops is None else list(hops), **more}


def event(machine: str = "m1", state: str = "started", *, region: str = "ams", **more: Any) -> Json:
    named = {"machine": machine, "name": machine, "app": "app", "region": region}
    return {"type": "start", **named, "state": state, "source": "user", "at": 1000.0, **more}


def listed(machine: str = "m1", state: str = "started", *, region: str = "ams", memory_mb: int = 256) -> Json:
    guest = {"cpu_kind": "shared", "cpus": 1, "memory_mb": memory_mb}
    return {"id": machine, "name": machine, "app": "app", "region": region, "state": state, "guest": guest}
