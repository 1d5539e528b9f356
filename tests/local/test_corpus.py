"""The cases of tests/local/corpus over real sockets: what is refused, and to the byte what is passed on."""

import asyncio
import tomllib
from pathlib import Path
from typing import Any

from tests.local.world import Machine, Request, World, answer, open_door

CORPUS = Path(__file__).parent / "corpus"


def cases(name: str) -> list[Any]:
    found: list[Any] = tomllib.loads((CORPUS / f"{name}.toml").read_text())["case"]
    return found


def never(machine: Machine, request: Request) -> bytes:
    raise AssertionError("the machine has a script")


def check(case: dict[str, Any], got: bytes) -> None:
    head, _, body = got.partition(b"\r\n\r\n")
    start, *lines = head.decode("latin-1").split("\r\n")
    lines = [line.lower() for line in lines]
    assert start == case["start"]
    assert [line for line in case.get("has", ()) if line not in lines] == []
    assert [line for line in case.get("hasnt", ()) if line in lines] == []
    assert body == case.get("body", "").encode("latin-1")


async def test_every_request_of_the_corpus():
    world = World()
    machine = await world.add("m1", never)
    got = b""
    whole = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal got
        while True:  # the edge keeps its connections
            raw = await reader.readuntil(b"\r\n\r\n")
            if b"chunked" in raw:
                raw += await reader.readuntil(b"0\r\n")
                while not raw.endswith(b"\r\n\r\n"):
                    raw += await reader.readuntil(b"\r\n")
            elif b"ontent-Length: 1" in raw:
                raw += await reader.readexactly(1)
            got = raw
            whole.set()
            writer.write(answer(200, "ok"))

    machine.script = script
    wrong = []
    async with open_door(world) as door:
        for case in cases("requests"):
            got = b""
            whole.clear()
            client = await door.client()
            await client.send(case["send"])
            status = (await client.response())[0]
            if "refused" in case:
                if status != case["refused"] or whole.is_set():
                    wrong.append(f"{case['rule']}: {status}, and the machine got {got!r}")
            else:
                assert status == 200, case["rule"]
                check(case, got)
            await client.close()
    assert wrong == []


async def test_every_answer_of_the_corpus():
    world = World()
    machine = await world.add("m1", never)
    said = b""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()

    machine.script = script
    async with open_door(world) as door:
        for case in cases("answers"):
            said = case["send"].encode("latin-1")
            client = await door.client()
            method = case.get("method", "GET")
            await client.send(f"{method} / HTTP/1.1\r\nHost: rooms.localhost\r\nConnection: close\r\n\r\n")
            got = await client.ended()
            if "refused" in case:
                assert got.startswith(b"HTTP/1.1 %d " % case["refused"]), case["rule"]
            else:
                check(case, got)
