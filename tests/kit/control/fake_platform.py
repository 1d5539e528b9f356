"""A server that speaks as a platform does below ``/_flylab/``, and says whatever a test wants at any rate."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

Json = dict[str, Any]


@dataclass
class FakePlatform:
    """``machines`` are those it lists; ``tell`` says something to all who follow."""

    regions: list[str]
    machines: list[Json] = field(default_factory=list)
    faults: list[Json] = field(default_factory=list)
    port: int = 0
    asked: list[str] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _followers: dict[str, set[asyncio.StreamWriter]] = field(
        default_factory=lambda: {"events": set(), "exchanges": set()}
    )

    async def open(self) -> None:
        """Listen, at the same port as before if there was one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Be gone, as a platform that was killed."""
        assert self._server is not None
        self._server.close()
        self.drop()
        await self._server.wait_closed()

    def drop(self) -> None:
        """End all streams, as for a follower that is too slow."""
        for followers in self._followers.values():
            for writer in followers:
                writer.close()
            followers.clear()

    @property
    def lab(self) -> Any:
        """What a feed needs of a lab."""
        address = SimpleNamespace(api=f"http://127.0.0.1:{self.port}", token="t")
        return SimpleNamespace(platform=SimpleNamespace(address=address))

    @property
    def followed(self) -> bool:
        return all(self._followers.values())

    def tell(self, stream: str, item: Json) -> None:
        line = b"data: " + json.dumps(item).encode() + b"\n\n"
        for writer in self._followers[stream]:
            writer.write(line)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                path = head.split()[1]
                self.asked.append(path)
                name = path.removeprefix("/_flylab/")
                if name in self._followers:
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
                    writer.write(b": following\n\n")
                    self._followers[name].add(writer)
                    await reader.read()  # until it leaves
                    break
                body = json.dumps(self._answer(name)).encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            for followers in self._followers.values():
                followers.discard(writer)
            writer.close()

    def _answer(self, name: str) -> Any:
        told: Json = {
            "platform": {
                "regions": self.regions,
                "edges": dict.fromkeys(self.regions, "http://127.0.0.1:1"),
                "latency": "measured",
                "rtt_ms": {a: {b: 0.0 if a == b else 80.0 for b in self.regions} for a in self.regions},
                "faults": self.faults,
            },
            "machines": self.machines,
            "faults": {"faults": self.faults, "past": [], "known": []},
        }
        return told[name]


@asynccontextmanager
async def fake_platform(*regions: str, **options: Any) -> AsyncIterator[FakePlatform]:
    platform = FakePlatform(list(regions), **options)
    await platform.open()
    try:
        yield platform
    finally:
        await platform.close()
