"""The machine behind every proxy: answers at once, replays once, swallows and gives bodies, echoes after a 101.

    python -m proxies.machine [PORT]        without: $PORT, as a machine of the local platform is told

It is as small as a server can be in this language, because it shares its core with the load generator. It reads no
heads but for the few bytes that tell its paths apart, and takes a request for complete as its generator sends them.
"""

import asyncio
import contextlib
import os
import sys
from typing import cast

JSON = b'{"room": "blue", "members": "' + b"m" * 169 + b'"}'  # 200 bytes
BIG = 100_000_000  # bytes of the long bodies
_PIECE = bytes(262_144)


def _answer(status: bytes, body: bytes = b"", more: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%b\r\n%b" % (
        status, len(body), more, body,
    )  # fmt: skip


OK = _answer(b"200 OK", JSON)
# The same decision in the words of each proxy: ours is told where to by a machine's id, nginx by a path of its own.
REPLAY = _answer(
    b"409 Conflict", more=b"fly-replay: %b\r\n" % os.environ.get("REPLAY", "app=other;instance=target").encode()
)
ACCEL = _answer(b"200 OK", more=b"x-accel-redirect: /again\r\n")
UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"


class Machine(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by name
        self._left = 0  # bytes of a request's body
        self._piped = False
        self._giving = 0
        self._blocked = False

    def data_received(self, data: bytes) -> None:
        if self._piped:
            self._transport.write(data)
        elif self._left:
            self._swallow(len(data))
        elif data.startswith(b"GET / "):
            self._transport.write(OK)
        elif data.startswith(b"POST"):
            head, _, body = data.partition(b"\r\n\r\n")
            self._left = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            self._swallow(len(body))
        elif data.startswith(b"GET /replay "):
            self._transport.write(OK if b"fly-replay-src:" in data else REPLAY)
        elif data.startswith(b"GET /accel "):
            self._transport.write(ACCEL)
        elif data.startswith(b"GET /big "):
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % BIG)
            self._giving = BIG
            self._give()
        elif data.startswith(b"GET /ws "):
            self._piped = True
            self._transport.write(UPGRADED)
        else:
            self._transport.write(OK)

    def pause_writing(self) -> None:
        self._blocked = True

    def resume_writing(self) -> None:
        self._blocked = False
        self._give()

    def _give(self) -> None:
        while self._giving and not self._blocked:
            piece = _PIECE if self._giving >= len(_PIECE) else _PIECE[: self._giving]
            self._giving -= len(piece)
            self._transport.write(piece)

    def _swallow(self, size: int) -> None:
        self._left -= size
        if self._left <= 0:
            self._left = 0
            self._transport.write(OK)


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Machine, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


def main() -> None:
    import uvloop

    port = int(sys.argv[1]) if len(sys.argv) > 1 else int(os.environ["PORT"])
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(port))


if __name__ == "__main__":
    main()
