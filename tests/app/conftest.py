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
    """A member as a program: sends operations, keeps everything it is told."""

    def __init__(self, socket: ClientConnection, key: str) -> None:
        self.socket = socket
        self.key = key
        self.heard: list[dict[str, Any]] = []
        self.welcome: dict[str, Any] = {}

    async def send(self, t: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"t": t, **fields}))

    async def hear(self, t: str, **fields: Any) -> dict[str, Any]:
        """The next message of this kind with these fields; what comes before it is kept in ``heard``."""
        async with asyncio.timeout(DEADLINE):
            while True:
                message: dict[str, Any] = json.loads(await self.socket.recv())
                self.heard.append(message)
                if message["t"] == t and all(message.get(name) == value for name, value in fields.items()):
                    return message


Enter = Callable[..., Awaitable[Visitor]]


@pytest.fixture
async def enter() -> AsyncIterator[Enter]:
    """Enter a room as a member: ``await enter(served, "blue", name="Ada", since=3, log=…)``."""
    sockets: list[ClientConnection] = []
    numbers = itertools.count(1)

    async def open_socket(
        served: Served, room: str, *, name: str = "", key: str = "", headers: dict[str, str] | None = None, **hello: Any
    ) -> Visitor:
        number = next(numbers)
        socket = await connect(f"{served.ws}/rooms/{room}/ws", additional_headers=headers or {}, close_timeout=1)
        sockets.append(socket)
        visitor = Visitor(socket, key or f"secret-of-visitor-{number:04d}")
        await visitor.send("hello", v=1, key=visitor.key, name=name or f"visitor {number}", **hello)
        visitor.welcome = await visitor.hear("welcome")
        return visitor

    yield open_socket
    await asyncio.gather(*(socket.close() for socket in sockets), return_exceptions=True)
