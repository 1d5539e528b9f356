"""Real room servers for the tests: `python -m app` as a process, and members with a real WebSocket client."""

import asyncio
import itertools
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

try:
    import uvloop
except ImportError:  # not on Windows
    uvloop = None

ROOT = Path(__file__).parents[2]
DEADLINE = 10.0


@dataclass
class Served:
    """One running room server."""

    process: asyncio.subprocess.Process
    address: str
    machine: str
    region: str

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Signal it and return its exit status."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(DEADLINE):
            return await self.process.wait()


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve(nothing_left: None) -> AsyncIterator[Serve]:
    """Start a room server: ``await serve("m1", "ams", ROOMS_URL=…)``; all of them end with the test."""
    running: list[asyncio.subprocess.Process] = []

    async def start(machine: str = "", region: str = "", **env: str) -> Served:
        # A coverage run measures the servers too.
        measured = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        fly = {"FLY_APP_NAME": "rooms", "FLY_MACHINE_ID": machine, "FLY_REGION": region} if machine else {}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app",
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PORT": "0", **measured, **fly, **env},
            stdout=asyncio.subprocess.PIPE,
        )
        running.append(process)
        assert process.stdout is not None
        async with asyncio.timeout(DEADLINE):
            line = (await process.stdout.readline()).decode()
        assert line.startswith("room server: http"), f"the room server did not start: {line!r}"
        return Served(process, line.split()[2], machine or "local", region or "local")

    yield start
    for process in running:
        if process.returncode is None:
            process.terminate()
    for process in running:
        async with asyncio.timeout(DEADLINE):
            await process.communicate()


class Visitor:
    """A member as a program: sends operations, keeps everything it is told in order."""

    def __init__(self, socket: ClientConnection, key: str, client: str) -> None:
        self.socket = socket
        self.key = key
        self.client = client
        self.op = 0
        self.heard: list[dict[str, Any]] = []
        self.welcome: dict[str, Any] = {}
        self._waiting: list[dict[str, Any]] = []

    async def send(self, t: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"t": t, **fields}))

    async def operate(self, t: str, **fields: Any) -> int:
        """Send a numbered operation and return its number."""
        self.op += 1
        await self.send(t, op=self.op, **fields)
        return self.op

    async def next(self) -> dict[str, Any]:
        """The next message, whatever it is."""
        while not self._waiting:
            async with asyncio.timeout(DEADLINE):
                self._waiting = json.loads(await self.socket.recv())
        message = self._waiting.pop(0)
        self.heard.append(message)
        return message

    async def hear(self, t: str, **fields: Any) -> dict[str, Any]:
        """The next message of this kind with these fields; what comes before it is kept in ``heard``."""
        async with asyncio.timeout(DEADLINE):
            while True:
                message = await self.next()
                if message["t"] == t and all(message.get(name) == value for name, value in fields.items()):
                    return message

    async def stored(self, seq: int) -> None:
        """Return when everything up to ``seq`` is acknowledged."""
        while (await self.hear("stored"))["seq"] < seq:
            pass


Enter = Callable[..., Awaitable[Visitor]]


@pytest.fixture
async def enter() -> AsyncIterator[Enter]:
    """Enter a room as a member: ``await enter(served, "blue", name="Ada", since=3, epoch=1)``."""
    sockets: list[ClientConnection] = []
    numbers = itertools.count(1)

    async def open_socket(
        served: Served,
        room: str,
        *,
        name: str = "",
        key: str = "",
        client: str = "",
        link: str = "",
        headers: dict[str, str] | None = None,
        **hello: Any,
    ) -> Visitor:
        number = next(numbers)
        query = f"?k={link}" if link else ""
        socket = await connect(f"{served.ws}/rooms/{room}/ws{query}", additional_headers=headers or {}, close_timeout=1)
        sockets.append(socket)
        visitor = Visitor(socket, key or f"secret-of-visitor-{number:04d}", client or f"page{number:04d}")
        await visitor.send(
            "hello", v=2, key=visitor.key, client=visitor.client, name=name or f"visitor {number}", **hello
        )  # fmt: skip
        visitor.welcome = await visitor.hear("welcome")
        return visitor

    yield open_socket
    await asyncio.gather(*(socket.close() for socket in sockets), return_exceptions=True)


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests of connections run on both loops: they treat full buffers and closing transports differently."""
    both = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop} if uvloop is not None else {}
    if item.path.name in ("test_opening.py", "test_transport.py") and both:
        return both
    return {"asyncio": asyncio.new_event_loop}
