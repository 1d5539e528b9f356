"""One visitor: asks at an edge over a connection of their own, and notes when what came back by the client's clocks."""

import base64
import json
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from flylab.clock import Clock
from flylab.measure.frames import masked, pong
from flylab.measure.load import TRACE
from flylab.measure.sample import OK

PREFER = "fly-prefer-instance-id"
FORCE = "fly-force-instance-id"
WITHIN = 60.0  # seconds until an answer or a room's first message; the platform gives up a wake after as many
LONGEST = 1 << 20  # bytes of a room's first message; ours have some kilobytes, the rest is our choice
SENDING = "http11.send_request_headers.started"  # what httpcore calls the moments that are noted
HEAD = "http11.receive_response_headers.complete"


@dataclass(slots=True)
class Visited:
    """How a visit went: ``seen`` holds wall-clock seconds by name, ``finished`` is monotonic like ``sent``."""

    sent: float
    finished: float
    outcome: str = OK
    seen: dict[str, float] = field(default_factory=dict)
    trace: dict[str, object] = field(default_factory=dict)


class Notes:
    """Turns moments of the monotonic clock into those of the wall clock, as it was when the visitor asked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.wall, self.now = clock.wall(), clock.now()
        self.seen = {"asked": self.wall}

    def note(self, name: str) -> None:
        self.seen.setdefault(name, self.wall + self._clock.now() - self.now)

    def drift(self) -> None:
        """Note by how much the wall clock has left the monotonic one since."""
        elapsed = self._clock.now() - self.now
        self.seen["drift"] = self._clock.wall() - self.wall - elapsed


@asynccontextmanager
async def visiting(
    http: httpx.AsyncClient, path: str, *, machine: str, room: bool, clock: Clock
) -> AsyncIterator[Visited]:
    """Ask for ``path`` and, in a ``room``, say hello and hear its first message; the visitor stays for the block.

    Whatever goes wrong is the visit's outcome and not an exception.
    """
    notes = Notes(clock)
    visited = Visited(sent=notes.now, finished=notes.now, seen=notes.seen)

    async def noted(name: str, _: Mapping[str, object]) -> None:
        if name in (SENDING, HEAD):
            notes.note("sent" if name == SENDING else "answered")

    def over() -> None:
        visited.finished = clock.now()
        notes.drift()

    headers = {PREFER: machine} if machine else {}
    request = http.build_request(
        "GET", path, headers=headers | (_upgrade() if room else {}), extensions={"trace": noted}
    )
    try:
        response = await http.send(request, stream=True)
    except httpx.HTTPError as exc:  # every way of not getting an answer is an outcome, named by its kind
        visited.outcome = type(exc).__name__
        over()
        yield visited
        return
    try:
        notes.note("answered")  # where a transport does not tell of moments of its own
        visited.trace = _object(response.headers.get(TRACE, ""))
        visited.outcome = await _heard(response, notes, room=room)
        over()
        yield visited
    finally:
        await response.aclose()


async def _heard(response: httpx.Response, notes: Notes, *, room: bool) -> str:
    try:
        if not room:
            await response.aread()
            return OK if response.status_code < 400 else str(response.status_code)
        if response.status_code != 101:
            return str(response.status_code)
        return await _welcomed(response.extensions["network_stream"], notes)
    except (httpx.HTTPError, OSError) as exc:
        return type(exc).__name__
    except Exception as exc:
        # What httpx's network stream raises is of httpcore, which httpx keeps to itself, and is not translated.
        if not type(exc).__module__.startswith("httpcore"):
            raise
        return type(exc).__name__


async def _welcomed(stream: Any, notes: Notes) -> str:
    await stream.write(masked(_hello()))
    rest = b""
    while len(rest) <= LONGEST:
        more = await stream.read(65_536, timeout=WITHIN)
        if not more:
            return "closed"
        heard, rest = frames(rest + more)
        for first, payload in heard:
            if first == 0x89:
                await stream.write(pong(payload))
            elif first == 0x88:
                return f"closed {int.from_bytes(payload[:2])}"
            elif b'"welcome"' in payload[:40]:
                notes.note("welcomed")
                return OK
            else:
                return "not welcomed"
    return "too long"


def frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The first byte and the payload of each whole frame of a server, which masks none, and what is left."""
    found, at = [], 0
    while at + 2 <= len(data):
        first, size, head = data[at], data[at + 1], 2
        if size >= 126:
            head += 2 if size == 126 else 8
            size = int.from_bytes(data[at + 2 : at + head])
        if at + head + size > len(data):
            break
        found.append((first, data[at + head : at + head + size]))
        at += head + size
    return found, data[at:]


def _upgrade() -> dict[str, str]:
    key = base64.b64encode(os.urandom(16)).decode()
    return {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-key": key, "sec-websocket-version": "13"}


def _hello() -> bytes:
    key, client = secrets.token_urlsafe(18), secrets.token_hex(8)
    return json.dumps({"t": "hello", "v": 2, "key": key, "client": client, "name": "wakes"}).encode()


def _object(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
