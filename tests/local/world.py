"""A small platform for tests of the edge: real sockets and answers, machines that start when woken, no processes."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random

from flylab.clock import SystemClock
from flylab.errors import RuleError
from flylab.local.edge import Edge, EdgeSettings
from flylab.local.latency import Latency
from flylab.published.network import rtt
from flylab.rules.routing import AppRow, Loads, Row, View
from flylab.wire.machine import Concurrency, MachineState, Port, Service


@dataclass
class Request:
    """What a machine received."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    raw_head: bytes


Handler = Callable[["Machine", Request], Awaitable[bytes] | bytes]


def answer(status: int = 200, body: bytes | str = b"", **headers: str) -> bytes:
    """A response with a length; underscores in names become hyphens."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Because", f"Content-Length: {len(data)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def service(
    *, autostart: bool = True, soft: int | None = None, hard: int | None = None, kind: str = "requests"
) -> Service:
    return Service(
        internal_port=8080,
        autostart=autostart,
        ports=(Port(port=80, handlers=("http",)), Port(port=443, handlers=("tls", "http"))),
        concurrency=Concurrency(type=kind, soft_limit=soft, hard_limit=hard),
    )


@dataclass
class Machine:
    """One machine: a listener on loopback and what it does with each connection."""

    id: str
    app: str
    region: str
    handler: Handler
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    starts: int = 0
    server: asyncio.Server | None = None
    port: int = 0
    script: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] | None = None
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    async def listen(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        if self.server is not None:
            self.server.close()
            for task in self.serving:
                task.cancel()
            await asyncio.gather(*self.serving)
            await self.server.wait_closed()
            self.server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        try:
            if self.script is not None:
                await self.script(reader, writer)
            else:
                while await self._one(reader, writer):
                    pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.serving.discard(task)
            self.lost.set()
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = await read_request(reader)
        if request is None:
            return False
        self.requests.append(request)
        said = self.handler(self, request)
        data = said if isinstance(said, bytes) else await said
        writer.write(data)
        await writer.drain()
        if data.startswith(b"HTTP/1.1 101"):
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
            return False
        return True


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    line, *lines = raw.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = line.split(" ")
    headers = {name.lower(): value.strip() for name, value in (one.split(":", 1) for one in lines)}
    body = b""
    if "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    elif headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    return Request(method, target, headers, body, raw)


class World:
    """Implements ``edge.Waker``."""

    def __init__(self) -> None:
        self.view = View()
        self.loads = Loads()
        self.machines: dict[str, Machine] = {}
        self.exchanges: list[dict[str, object]] = []
        self.opened: list[dict[str, object]] = []
        self.wakes: list[str] = []
        self.refuse_wake: RuleError | None = None
        self.may_start: asyncio.Event | None = None
        self._starting: dict[str, asyncio.Task[None]] = {}

    async def add(
        self,
        machine_id: str,
        handler: Handler,
        *,
        app: str = "rooms",
        region: str = "ams",
        state: MachineState = MachineState.STARTED,
        listens: bool = True,
        service_of: Service | None = None,
        organization: str = "personal",
    ) -> Machine:
        machine = Machine(machine_id, app, region, handler)
        self.machines[machine_id] = machine
        self.view.put_app(AppRow(name=app, organization=organization))
        self.view.put(
            Row(
                id=machine_id,
                app=app,
                region=region,
                state=state,
                version="v1",
                services=(service_of or service(),),
            )
        )
        if listens and state is MachineState.STARTED:
            await machine.listen()
        elif not listens:
            machine.port = unused_port()
        return machine

    def set_state(self, machine_id: str, state: MachineState) -> None:
        row = self.view.row(machine_id)
        assert row is not None
        self.view.put(
            Row(id=row.id, app=row.app, region=row.region, state=state, version=row.version, services=row.services)
        )

    async def wake(self, machine_id: str) -> None:
        self.wakes.append(machine_id)
        if self.refuse_wake is not None:
            raise self.refuse_wake
        row = self.view.row(machine_id)
        if row is not None and row.state is MachineState.STARTED:
            return
        task = self._starting.get(machine_id)
        if task is None:
            task = self._starting[machine_id] = asyncio.create_task(self._start(machine_id))
        await asyncio.shield(task)

    async def _start(self, machine_id: str) -> None:
        self.set_state(machine_id, MachineState.STARTING)
        if self.may_start is not None:
            await self.may_start.wait()
        machine = self.machines[machine_id]
        machine.starts += 1
        if machine.port == 0:
            await machine.listen()
        self.set_state(machine_id, MachineState.STARTED)
        del self._starting[machine_id]

    def address(self, machine_id: str, internal_port: int) -> tuple[str, int] | None:
        row = self.view.row(machine_id)
        if row is None or row.state is not MachineState.STARTED:
            return None
        return "127.0.0.1", self.machines[machine_id].port

    def total_load(self) -> int:
        return sum(self.loads.of(machine) for machine in self.machines)


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Client:
    """A client that speaks bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes | str) -> None:
        self.writer.write(data.encode("latin-1") if isinstance(data, str) else data)
        await self.writer.drain()

    async def head(self) -> tuple[int, dict[str, str]]:
        raw = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)
        line, *lines = raw.decode("latin-1").split("\r\n")[:-2]
        headers = {name.lower(): value.strip() for name, value in (one.split(":", 1) for one in lines)}
        return int(line.split(" ")[1]), headers

    async def response(self, *, head_only: bool = False) -> tuple[int, dict[str, str], bytes]:
        status, headers = await self.head()
        while 100 < status < 200 and status != 101:
            status, headers = await self.head()
        if head_only or status in (101, 204, 304):
            return status, headers, b""
        if "content-length" in headers:
            return status, headers, await self._exactly(int(headers["content-length"]))
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(await asyncio.wait_for(self.reader.readline(), 10), 16):
                body += await self._exactly(size)
                await self._exactly(2)
            await self._exactly(2)
            return status, headers, body
        return status, headers, await asyncio.wait_for(self.reader.read(), 10)

    async def _exactly(self, size: int) -> bytes:
        return await asyncio.wait_for(self.reader.readexactly(size), 10)

    async def ask(
        self, target: str = "/", *, host: str = "rooms.localhost", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        await self.send(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n")
        return await self.response()

    async def ended(self) -> bytes:
        """What comes until the connection ends."""
        return await asyncio.wait_for(self.reader.read(), 10)

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


@dataclass
class Door:
    """A running edge and the way in."""

    edge: Edge
    world: World
    port: int
    clients: list[Client] = field(default_factory=list)

    async def client(self) -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        client = Client(reader, writer)
        self.clients.append(client)
        return client


@asynccontextmanager
async def open_door(
    world: World, *, region: str = "ams", settings: EdgeSettings | None = None, latency: Latency | None = None
) -> AsyncIterator[Door]:
    """An edge in front of a world; afterwards nothing is left open and nothing is reserved."""
    edge = Edge(
        region,
        world,
        rtt=rtt(),
        latency=latency or Latency(None),
        clock=SystemClock(),
        rng=Random(7),
        settings=settings,
        on_exchange=lambda record: world.exchanges.append(record()),
        on_opened=lambda record: world.opened.append(record()),
    )
    listener = socket.create_server(("127.0.0.1", 0))
    await edge.serve(listener)
    door = Door(edge, world, listener.getsockname()[1])
    try:
        yield door
    finally:
        for client in door.clients:
            await client.close()
        await edge.close()
        for machine in world.machines.values():
            await machine.shut()
        await until(lambda: world.total_load() == 0)


async def until(true: Callable[[], bool], *, seconds: float = 5.0) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 -- what is waited for lies in several places
            await asyncio.sleep(0.005)
