"""An HTTP server that answers each request after a while and once stands still.

``python -m flylab.measure.stalling BASE AT FOR``, all in seconds. It prints its port, counts ``AT`` from the first
request, and ends with its standard input.
"""

import asyncio
import sys

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server(asyncio.Protocol):
    first: float | None = None  # when it was asked first

    def __init__(self, base: float, at: float, for_: float) -> None:
        self._base, self._at, self._for = base, at, for_
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        now = self._loop.time()
        if Server.first is None:
            Server.first = now
        start = Server.first + self._at
        due = now + self._base
        if due > start and now < start + self._for:
            # Whatever is under way waits for the end; what comes meanwhile is begun then.
            due = start + self._for + (self._base if now > start else due - start)
        self._loop.call_at(due, self._transport.write, ANSWER)  # type: ignore[attr-defined]


async def serve(base: float, at: float, for_: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(base, at, for_), "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    base, at, for_ = (float(word) for word in sys.argv[1:])
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(base, at, for_))
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(base, at, for_))


if __name__ == "__main__":
    main()
