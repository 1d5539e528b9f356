"""A machine that speaks HTTP/2 without TLS, of the h2 library: says what it was asked, with trailers on request."""

import asyncio
import json
from typing import Any

import h2.events as ev
from h2.config import H2Configuration
from h2.connection import H2Connection


class Server:
    """Answers each request when it is complete; paths beginning with ``/break``, ``/big``, ``/early`` are special.

    ``/echo`` is answered at once with what comes as it comes, as a gRPC method that streams both ways.
    """

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []
        self.connections = 0
        self.waits: asyncio.Queue[int] = asyncio.Queue()  # bytes that are left whenever the window has closed

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        conn = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        conn.initiate_connection()
        bodies: dict[int, bytearray] = {}
        asked: dict[int, dict[str, str]] = {}
        left: dict[int, int] = {}
        while True:
            writer.write(conn.data_to_send())
            await writer.drain()
            data = await reader.read(65_536)
            if not data:
                return
            for event in conn.receive_data(data):
                number: Any = getattr(event, "stream_id", None)
                match event:
                    case ev.RequestReceived(headers=headers):
                        asked[number], bodies[number] = dict(headers or []), bytearray()  # type: ignore[arg-type]
                        self.seen.append(asked[number])
                        if asked[number][":path"] == "/early":
                            conn.send_headers(number, [(":status", "413"), ("content-length", "2")])
                            conn.send_data(number, b"no", end_stream=True)
                            conn.reset_stream(number)
                        elif asked[number][":path"] == "/echo":
                            conn.send_headers(number, [(":status", "200"), ("content-type", "application/grpc")])
                    case ev.DataReceived(data=piece):
                        if number in bodies and asked[number][":path"] == "/echo":
                            conn.send_data(number, piece or b"")
                        elif number in bodies:
                            bodies[number] += piece or b""
                        conn.acknowledge_received_data(event.flow_controlled_length or 0, number)
                    case ev.StreamEnded():
                        path = asked[number][":path"]
                        if path == "/echo":
                            conn.send_headers(number, [("grpc-status", "0"), ("x-by", "h2")], end_stream=True)
                        elif path == "/break":
                            conn.send_headers(number, [(":status", "200")])
                            conn.reset_stream(number, 2)
                        elif path.startswith("/big"):
                            conn.send_headers(number, [(":status", "200")])
                            left[number] = int(path[4:])
                        elif path == "/empty":
                            conn.send_headers(number, [(":status", "200"), ("grpc-status", "5")], end_stream=True)
                        else:
                            self._answer(conn, number, path, asked[number], bytes(bodies[number]))
                    case _:
                        pass
            for number in list(left):
                while left[number] and (room := min(conn.local_flow_control_window(number), 16_384, left[number])):
                    left[number] -= room
                    conn.send_data(number, b"x" * room, end_stream=not left[number])
                if left[number]:
                    self.waits.put_nowait(left[number])
                else:
                    del left[number]

    def _answer(self, conn: H2Connection, number: int, path: str, asked: dict[str, str], body: bytes) -> None:
        said = json.dumps([asked, len(body)]).encode()
        conn.send_headers(number, [(":status", "200"), ("content-type", "application/json"), ("x-by", "h2")])
        if asked[":method"] == "HEAD":
            conn.end_stream(number)
        elif path == "/trailers":
            conn.send_data(number, said)
            conn.send_headers(number, [("grpc-status", "0")], end_stream=True)
        else:
            conn.send_data(number, said, end_stream=True)
