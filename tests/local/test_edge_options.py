"""``http_options`` at an edge over real sockets."""

import asyncio
import gzip
from dataclasses import replace
from typing import Any

from flylab.wire.machine import Port
from tests.local.world import World, answer, open_door, service

PAGE = b"<p>" + b"hello " * 1000


def with_options(**options: Any):
    port = Port.from_json({"port": 80, "handlers": ["http"], "http_options": options})
    return replace(service(), ports=(port,))


async def test_answers_are_shaped_and_coded_as_the_port_says():
    """DOCUMENTED reference/configuration: http_options.response and compress."""
    world = World()
    of = with_options(
        compress=True, response={"pristine": True, "headers": {"X-Frame-Options": "DENY", "X-Old": False}}
    )
    await world.add("m1", lambda *_: answer(200, PAGE, content_type="text/html", x_old="1"), service_of=of)
    async with open_door(world) as door:
        client = await door.client()
        for _ in range(2):
            status, headers, body = await client.ask(Accept_Encoding="gzip")
            assert (status, gzip.decompress(body)) == (200, PAGE)
            assert headers["content-encoding"] == "gzip"
            assert headers["x-frame-options"] == "DENY"
            assert not {"via", "server", "fly-request-id", "x-old", "content-length"} & set(headers)
        assert (await client.ask())[2] == PAGE


async def test_another_app_on_the_same_connection_has_its_own_options():
    world = World()
    of = with_options(response={"headers": {"X-A": "1"}})
    await world.add("m1", lambda *_: answer(200), service_of=of)
    await world.add("m2", lambda *_: answer(200), app="other")
    async with open_door(world) as door:
        client = await door.client()
        assert "x-a" in (await client.ask())[1]
        assert "x-a" not in (await client.ask(host="other.localhost"))[1]


async def test_a_silent_answer_and_a_silent_connection_are_closed():
    """DOCUMENTED reference/configuration: http_options.idle_timeout, in seconds."""
    world = World()
    machine = await world.add("m1", lambda *_: answer(200), service_of=with_options(idle_timeout=1))

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/quick" in head:
            writer.write(answer(200, b"ok"))
        else:
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n")
        await reader.read()

    machine.script = silent
    async with open_door(world) as door:
        waiting = [await door.client() for _ in range(2)]
        await waiting[0].send("GET / HTTP/1.1\r\nHost: rooms.localhost\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n")
        assert (await waiting[0].head())[0] == 101
        assert (await waiting[1].ask("/quick"))[2] == b"ok"
        # Two seconds and a sweep; the edge's own time-out is 60 s.
        assert await asyncio.gather(*(client.ended() for client in waiting)) == [b"", b""]


async def test_a_slow_head_after_the_first_request_has_the_apps_time():
    """DOCUMENTED openapi: headers_read_timeout, an integer."""
    world = World()
    await world.add("m1", lambda *_: answer(200), service_of=with_options(headers_read_timeout=1))
    async with open_door(world) as door:
        client = await door.client()
        assert (await client.ask())[0] == 200
        await client.send("GET / HTT")
        assert (await client.response())[0] == 408  # the edge's own time is 15 s
