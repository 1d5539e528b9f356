"""Ports that behave badly, to which requests are sent instead of to a machine: refused, dropped, broken, deaf."""

import asyncio
import contextlib
import socket

_HEAD = 65_536  # bytes that are read of a request; our choice
_PATIENCE = 1.0  # seconds for the rest of a request; our choice
Address = tuple[str, int]


class Traps:
    """All of one platform; each is opened when it is first needed."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._found: dict[object, Address] = {}

    def closed(self) -> Address:
        """Nobody listens: a port that is taken and never listened on."""
        if "closed" not in self._found:
            taken = self._bound()
            self._found["closed"] = taken.getsockname()
        return self._found["closed"]

    def deaf(self) -> Address:
        """A connection is neither refused nor made: a listener whose queue is full and never emptied."""
        if "deaf" not in self._found:
            listener = self._bound()
            listener.listen(0)
            for _ in range(2):  # Linux lets one more wait than the queue is long
                waiting = socket.socket()
                waiting.setblocking(False)
                waiting.connect_ex(listener.getsockname())
                self._sockets.append(waiting)
            self._found["deaf"] = listener.getsockname()
        return self._found["deaf"]

    async def open_dropping(self) -> None:
        """Have a port that takes connections and drops them without an answer."""
        if "dropping" not in self._found:
            self._found["dropping"] = await self._serve(b"")

    def dropping(self) -> Address:
        return self._found["dropping"]

    async def open_broken(self, status: int) -> None:
        """Have a port that answers every request with this status."""
        if status not in self._found:
            said = b"a fault of flylab: target_5xx\n"
            head = b"HTTP/1.1 %d Fault\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
            self._found[status] = await self._serve(head % (status, len(said)) + said)

    def broken(self, status: int) -> Address:
        return self._found[status]

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for each in self._sockets:
            each.close()

    def _bound(self) -> socket.socket:
        found = socket.socket()
        self._sockets.append(found)
        found.bind(("127.0.0.1", 0))
        return found

    async def _serve(self, said: bytes) -> Address:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(said)
                await writer.drain()
                if said:
                    writer.write_eof()
                    async with asyncio.timeout(_PATIENCE):  # closed with something unread, the answer would be lost
                        while await reader.read(_HEAD):
                            pass
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=_HEAD)
        self._servers.append(server)
        found: Address = server.sockets[0].getsockname()
        return found
