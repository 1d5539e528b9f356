"""The hops of one exchange as JSON, for the ``x-flylab-trace`` header and the stream of exchanges."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from flylab.local.latency import Latency
from flylab.rules.hops import Hop, Wakening
from flylab.wire import headers

Json = dict[str, object]
_TRACE = headers.TRACE.encode()


@dataclass(slots=True)
class Record:
    """What is remembered of an exchange that is over; called, it becomes JSON, which mostly nobody wants."""

    request_id: str
    edge: str
    app: str | None
    method: bytes
    target: bytes
    status: int | None
    started_at: float
    began: float
    now: float
    hops: list[Hop]
    latency: Latency
    code: str | None
    notes: Mapping[str, object]  # as they were when it ended

    def __call__(self) -> Json:
        return exchange_json(
            request_id=self.request_id,
            edge=self.edge,
            app=self.app,
            method=self.method.decode("latin-1"),
            path=self.target.decode("utf-8", "replace"),
            status=self.status,
            started_at=self.started_at,
            began=self.began,
            now=self.now,
            hops=self.hops,
            latency=self.latency,
            code=self.code,
            notes=self.notes,
        )


def exchange_json(
    *,
    request_id: str,
    edge: str,
    app: str | None,
    method: str,
    path: str,
    status: int | None,
    started_at: float,
    began: float,
    now: float,
    hops: list[Hop],
    latency: Latency,
    code: str | None = None,
    notes: Mapping[str, object] | None = None,
) -> Json:
    """One record; times are milliseconds from ``began``, ``started_at`` is seconds since the epoch.

    ``configured_ms`` is the round trip that the latency table put between the edge and the machine: an input.
    """
    record: Json = {
        "id": request_id,
        "edge": edge,
        "app": app,
        "method": method,
        "path": path,
        "status": status,
        "started_at": round(started_at, 6),
        "total_ms": _ms(began, now),
        "hops": [_hop_json(number, hop, began, now, edge, latency) for number, hop in enumerate(hops, 1)],
    }
    if code:
        record["code"] = code
    if notes:  # the faults that were armed
        record.update(notes)
    return record


def line(record: Json) -> bytes:
    """The header line that tells a client of its request's hops."""
    return b"%b: %b\r\n" % (_TRACE, json.dumps(record, separators=(",", ":")).encode("ascii"))


class Lines:
    """The same for requests that went straight to one machine and got one status: all but a few values is the same."""

    __slots__ = ("_form",)

    def __init__(self, record: Json) -> None:
        """``record`` is that of any of them."""
        (hop,) = cast("list[Json]", record["hops"])
        marked = record | {name: f"\0{name}" for name in _VARYING} | {"hops": [hop | {"ended_ms": "\0total_ms"}]}
        form = line(marked).replace(b"%", b"%%")
        for name, value in _VARYING.items():
            form = form.replace(b'"\\u0000%b"' % name.encode(), value)
        self._form = form

    def of(self, request_id: bytes, about: tuple[bytes, bytes], started_at: float, began: float, ended: float) -> bytes:
        """``about`` is what ``quoted`` gives for the request's head."""
        took = b"%.3f" % (1000 * (ended - began))
        return self._form % (request_id, *about, started_at, took, took)


# The values that differ, in the order in which they are written. A digit more or less is all that tells the numbers
# from those of ``exchange_json``; they are the same ones.
_VARYING = {"id": b'"%b"', "method": b"%b", "path": b"%b", "started_at": b"%.6f", "total_ms": b"%b"}


def quoted(method: bytes, target: bytes) -> tuple[bytes, bytes]:
    """Method and target as a record has them."""
    texts = method.decode("latin-1"), target.decode("utf-8", "replace")
    return json.dumps(texts[0]).encode(), json.dumps(texts[1]).encode()


def _hop_json(number: int, hop: Hop, began: float, now: float, edge: str, latency: Latency) -> Json:
    record: Json = {
        "n": number,
        "machine": hop.machine,
        "app": hop.app,
        "region": hop.region,
        "cause": str(hop.cause),
        "wanted": hop.wanted,
        "started_ms": _ms(began, hop.started),
        # The header is written when the last answer's head is there, before its body has ended.
        "ended_ms": _ms(began, now if hop.ended is None else hop.ended),
        "configured_ms": latency.round_trip_ms(edge, hop.region),
        "woke": _woke_json(hop.woke, began),
        "tries": hop.tries,
        "outcome": hop.outcome and str(hop.outcome),
        "status": hop.status,
        "code": hop.code,
    }
    return record | {"ignored": list(hop.ignored)} if hop.ignored else record


def _woke_json(woke: Wakening | None, began: float) -> Json | None:
    if woke is None:
        return None
    return {
        "requested_ms": _ms(began, woke.requested),
        "started_ms": _ms(began, woke.started),
        "reachable_ms": _ms(began, woke.reachable),
    }


def _ms(began: float, at: float | None) -> float | None:
    return None if at is None else round((at - began) * 1000, 3)
