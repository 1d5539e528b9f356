"""One visitor: whatever an edge does is an outcome with the moments that were seen, and never an exception."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flylab.clock import SystemClock
from flylab.measure.wakes.visit import Visited, frames, visiting

SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
TRACE = b'x-flylab-trace: {"started_at": 5, "hops": []}\r\n\r\n'


def frame(payload: bytes, first: int = 0x81) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes([first, size]) + payload
    return bytes([first, 126 if size < 1 << 16 else 127]) + size.to_bytes(2 if size < 1 << 16 else 8) + payload


WELCOME = frame(b'[{"t":"welcome","n":1}]')


@asynccontextmanager
async def server(*chunks: bytes) -> AsyncIterator[str]:
    """Says the first chunk once it was asked, and each other one once it was written to again."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for chunk in chunks:
            await reader.read(65_536)
            writer.write(chunk)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def visit(url: str, *, room: bool = True) -> Visited:
    async with (
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=10) as http,
        visiting(http, "/rooms/r/ws", machine="m1", room=room, clock=SystemClock()) as visited,
    ):
        return visited


@pytest.mark.parametrize(
    ("chunks", "outcome"),
    [
        ([SWITCH + TRACE, WELCOME], "ok"),
        ([SWITCH + TRACE, frame(b"?", 0x89), WELCOME], "ok"),
        ([SWITCH + TRACE, frame(b"?", 0x89) + WELCOME], "ok"),
        ([SWITCH + TRACE, frame(b"\x0f\xa7gone", 0x88)], "closed 4007"),
        ([SWITCH + TRACE, frame(b'[{"t":"error"}]')], "not welcomed"),
        ([SWITCH + TRACE, b""], "closed"),
        ([b"HTTP/1.1 503 no\r\ncontent-length: 0\r\n" + TRACE], "503"),
        ([b"HTTP/1.1 200 ok\r\ncontent-length: 0\r\n" + TRACE], "200"),
        ([b""], "RemoteProtocolError"),
        ([b"no HTTP at all\r\n\r\n"], "RemoteProtocolError"),
    ],
)
async def test_a_room_that_is_entered_or_not(chunks: list[bytes], outcome: str) -> None:
    async with server(*chunks) as url:
        visited = await visit(url)
    assert visited.outcome == outcome
    assert visited.finished >= visited.sent
    assert {"asked", "sent", "drift"} <= set(visited.seen)
    assert ("welcomed" in visited.seen) == (outcome == "ok")
    answered = chunks[0].startswith(b"HTTP/1.1")
    assert ("answered" in visited.seen) == answered
    assert visited.trace == ({"started_at": 5, "hops": []} if answered else {})
    moments = [visited.seen[name] for name in ("asked", "sent", "answered", "welcomed") if name in visited.seen]
    assert moments == sorted(moments)


async def test_a_page_is_over_with_its_last_byte() -> None:
    async with server(b"HTTP/1.1 200 ok\r\ncontent-length: 2\r\nx-flylab-trace: [\r\n\r\nhi") as url:
        visited = await visit(url, room=False)
    assert (visited.outcome, visited.trace) == ("ok", {})
    async with server(b"HTTP/1.1 404 no\r\ncontent-length: 0\r\n\r\n") as url:
        assert (await visit(url, room=False)).outcome == "404"


async def test_nobody_there_is_an_outcome() -> None:
    async with server() as url:
        pass
    assert (await visit(url)).outcome == "ConnectError"


@settings(max_examples=40)
@given(st.lists(st.binary(max_size=300), max_size=4), st.integers(0, 2000))
def test_frames_are_cut_wherever_the_stream_is(payloads: list[bytes], cut: int) -> None:
    data = b"".join(frame(payload) for payload in payloads)
    first, rest = frames(data[:cut])
    second, left = frames(rest + data[cut:])
    assert [payload for _, payload in first + second] == payloads
    assert left == b""


def test_a_large_frame_is_cut_too() -> None:
    found, left = frames(frame(b"x" * 70_000) + b"\x81")
    assert (len(found[0][1]), left) == (70_000, b"\x81")
