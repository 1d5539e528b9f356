"""The DNS server for ``.internal`` and ``.flycast``, over UDP and TCP on loopback.

On Fly the asker is known by its address. On loopback everybody has the same one, so every region of every network has a
door of its own, a port: a machine is told the one of its region and network (``FLYLAB_DNS``), and the door that
``--dns-port`` names is the first region's in the default network. That keeps names apart, not programs: one that tries
other ports reaches other doors.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from flylab.local.dns_wire import LONGEST, respond
from flylab.local.sockets import LOOPBACK, listen_names
from flylab.rules.names import Answer, Asker, Question

_IDLE = 10.0  # seconds; our choice: after that a TCP connection without a question is closed
_CONNECTIONS = 64  # our choice: more at a time are closed at once, one door with many idle ones shall not eat the files
_LENGTH = struct.Struct("!H")

Resolve = Callable[[Question, Asker], Answer]


@dataclass(slots=True)
class _Door:
    """Where the askers of one region and network come in."""

    tcp: socket.socket
    udp: socket.socket
    opening: asyncio.Task[None] | None = None
    server: asyncio.Server | None = None
    transport: asyncio.DatagramTransport | None = None
    connections: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.tcp.getsockname()[1]}"


class NameServer:
    """``networks`` are those that have apps; doors of others are shut when a new one is opened."""

    def __init__(
        self,
        sockets: tuple[socket.socket, socket.socket],
        region: str,
        resolve: Resolve,
        networks: Callable[[], set[str]],
    ) -> None:
        self._main = Asker(region)
        self._resolve = resolve
        self._networks = networks
        self._doors = {self._main: _Door(*sockets)}

    @property
    def address(self) -> str:
        """Host and port of the first door."""
        return self._doors[self._main].address

    async def start(self) -> None:
        await self._open(self._main)

    def door(self, region: str, network: str) -> str:
        """Host and port for the machines of a region and network; raises ``LocalError`` when none can be opened."""
        asker = Asker(region, network)
        if asker not in self._doors:
            wanted = self._networks() | {"", network}
            for old in [old for old in self._doors if old.network not in wanted]:
                self._shut(self._doors.pop(old))
            self._doors[asker] = door = _Door(*listen_names(0))
            # What comes before it is open waits in the sockets.
            door.opening = asyncio.create_task(self._open(asker))
        return self._doors[asker].address

    async def close(self) -> None:
        doors = list(self._doors.values())
        for door in doors:
            self._shut(door)
        waiting = [task for door in doors for task in (door.opening, *door.connections) if task is not None]
        await asyncio.gather(*waiting, return_exceptions=True)

    async def _open(self, asker: Asker) -> None:
        door = self._doors[asker]

        def answer(data: bytes, *, udp: bool) -> bytes | None:
            return respond(data, lambda question: self._resolve(question, asker), udp=udp)

        door.transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Datagrams(lambda data: answer(data, udp=True)), sock=door.udp
        )
        door.server = await asyncio.start_server(
            lambda reader, writer: _converse(door, reader, writer, lambda data: answer(data, udp=False)), sock=door.tcp
        )

    def _shut(self, door: _Door) -> None:
        for task in (door.opening, *door.connections):
            if task is not None:
                task.cancel()
        if door.transport is not None:
            door.transport.close()
        if door.server is not None:
            door.server.close()
        for each in (door.tcp, door.udp):
            each.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self._answer = answer
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # asyncio's own is no subclass of it in 3.11

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        said = self._answer(data)
        if said is not None and self._transport is not None:
            self._transport.sendto(said, addr)


async def _converse(
    door: _Door,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    answer: Callable[[bytes], bytes | None],
) -> None:
    """Questions of one TCP connection, one after the other, each with its length before it."""
    task = asyncio.current_task()
    assert task is not None
    door.connections.add(task)
    try:
        while len(door.connections) <= _CONNECTIONS:
            async with asyncio.timeout(_IDLE):
                (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
                if length > LONGEST:
                    return
                said = answer(await reader.readexactly(length))
                if said is None:
                    return
                writer.write(_LENGTH.pack(len(said)) + said)
                await writer.drain()
    except (OSError, EOFError, TimeoutError, asyncio.CancelledError):
        return
    finally:
        door.connections.discard(task)
        with contextlib.suppress(OSError):
            writer.close()
