"""HTTP/2 without TLS towards a machine (``h2_backend``): between its socket and an ``Upstream``, which speaks HTTP/1.1.

    Upstream ──► Backend ──► h2 ──► frames        frames ──► h2 ──► Backend ──► Upstream

One connection carries one request at a time, as those of HTTP/1.1 do, so that pooling, limits and delays are the same.
"""

import asyncio
from collections import deque
from typing import Any, cast

import h2.events as ev
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings

from flylab.local.h2_heads import Headers, framed, last_chunk, response_head
from flylab.local.h2_messages import Data, End, Head, RequestReader
from flylab.local.http1 import BadMessage
from flylab.local.upstream import Upstream

_HIGH, _LOW = 65_536, 16_384  # bytes of a request that wait for a window; our choice
_WINDOW = 1_048_576  # bytes of an answer under way; our choice


class Backend(asyncio.Protocol):
    """The socket's protocol; ``ready`` says whether the machine has sent settings, and so speaks HTTP/2."""

    def __init__(self, upstream: Upstream) -> None:
        self._loop = asyncio.get_running_loop()
        self._upstream = upstream
        self._h2 = H2Connection(
            # Of requests this proxy has read every line itself; te and the order of the headers are ours.
            H2Configuration(client_side=True, header_encoding=None, validate_outbound_headers=False)
        )
        values = {SettingCodes.ENABLE_PUSH: 0, SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW}
        self._h2.local_settings = Settings(client=True, initial_values=values)
        self.ready: asyncio.Future[bool] = self._loop.create_future()
        self._joined = False  # the upstream has been told of the connection
        self._side = Side(self)
        self._stream = 0
        self._method = b""
        self._request: RequestReader | None = None
        self._outbox: deque[bytes] = deque()
        self._waiting = 0
        self._blocked = False  # the upstream has been told to wait
        self._full = False  # the socket takes no more
        self._end: Headers | None = None  # the request is complete but for what is in the outbox
        self._chunked = False
        self._began = False  # the answer's own head has come
        self._held: deque[tuple[bytes, int]] = deque()  # of an answer that nobody reads now
        self._reading = True

    # ── asyncio ─────────────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(_WINDOW)
        self._flush()

    def data_received(self, data: bytes) -> None:
        try:
            for event in self._h2.receive_data(data):
                self._handle(event)
        except (ProtocolError, BadMessage):
            self._settle(ready=False)
            self.transport.abort()
            return
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._settle(ready=False)
        if self._joined:
            self._upstream.connection_lost(exc)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._pump()

    # ── for the upstream, by its side of the transport ──────────────────────────────────────────────────────────

    def join(self) -> None:
        """Let the upstream have the connection."""
        self._joined = True
        self._upstream.connection_made(self._side)

    def write(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._request is None or self._request.done:
            self._request = RequestReader()
        for event in self._request.feed(data):
            match event:
                case Head(headers):
                    self._ask(headers)
                case Data(payload):
                    self._outbox.append(payload)
                    self._waiting += len(payload)
                case End(trailers):
                    self._end = trailers
        self._pump()
        if self._waiting > _HIGH and not self._blocked:
            self._blocked = True
            self._loop.call_soon(self._upstream.pause_writing)

    def read(self, *, on: bool) -> None:
        """Hand answers on, or keep them; then the window stays closed and the machine waits."""
        self._reading = on
        if on and self._held:
            self._loop.call_soon(self._hand_on)

    # ── frames ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _ask(self, headers: Headers) -> None:
        self._method = headers[0][1]
        self._began = False
        try:
            self._stream = self._h2.get_next_available_stream_id()
            self._h2.send_headers(self._stream, headers)
        except ProtocolError:  # the machine takes no more requests on this connection
            self._loop.call_soon(self.transport.abort)

    def _pump(self) -> None:
        try:
            while self._outbox and not self._full:
                room = min(self._h2.local_flow_control_window(self._stream), self._h2.max_outbound_frame_size)
                if not room:
                    break
                piece = self._outbox.popleft()
                if len(piece) > room:
                    self._outbox.appendleft(piece[room:])
                    piece = piece[:room]
                self._waiting -= len(piece)
                self._h2.send_data(self._stream, piece)
            if not self._outbox and (end := self._end) is not None:
                self._end = None
                if end:
                    self._h2.send_headers(self._stream, end, end_stream=True)
                else:
                    self._h2.end_stream(self._stream)
        except ProtocolError:  # the machine has ended the stream: it does not want the rest
            self._outbox.clear()
            self._waiting, self._end = 0, None
        if self._blocked and self._waiting <= _LOW:
            self._blocked = False
            self._loop.call_soon(self._upstream.resume_writing)
        self._flush()

    def _handle(self, event: ev.Event) -> None:
        match event:
            case ev.RemoteSettingsChanged():
                self._settle(ready=True)
                self._pump()
            case ev.WindowUpdated():
                self._pump()
            case ev.InformationalResponseReceived(headers=headers):
                self._hear(response_head(_pairs(headers), self._method, ended=False)[0], 0)
            case ev.ResponseReceived(headers=headers):
                ended = event.stream_ended is not None
                head, self._chunked = response_head(_pairs(headers), self._method, ended=ended)
                self._began = True
                self._hear(head, 0)
            case ev.DataReceived(data=data):
                self._hear(framed(data or b"", chunked=self._chunked), event.flow_controlled_length or 0)
            case ev.TrailersReceived(headers=headers):
                if self._chunked:
                    self._hear(last_chunk(_pairs(headers)), 0)
                    self._chunked = False
            case ev.StreamEnded():
                if self._chunked:
                    self._hear(last_chunk([]), 0)
            case ev.StreamReset(error_code=code):
                # After a whole answer NO_ERROR only says that the rest of the request is not wanted.
                if code != ErrorCodes.NO_ERROR or not self._began:
                    self.transport.abort()
            case ev.ConnectionTerminated():
                self._loop.call_soon(self.transport.close)
            case _:
                pass

    def _hear(self, data: bytes, size: int) -> None:
        self._held.append((data, size))
        self._hand_on()

    def _hand_on(self) -> None:
        while self._reading and self._held:
            data, size = self._held.popleft()
            if data:
                self._upstream.data_received(data)
            if size and not self.transport.is_closing():
                try:
                    self._h2.acknowledge_received_data(size, self._stream)
                except ProtocolError:  # the stream is over
                    continue
        self._flush()

    def _settle(self, *, ready: bool) -> None:
        if not self.ready.done():
            self.ready.set_result(ready)

    def _flush(self) -> None:
        if not self.transport.is_closing() and (data := self._h2.data_to_send()):
            self.transport.write(data)


class Side(asyncio.Transport):
    """The transport that an upstream sees."""

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self._backend = backend

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._backend.transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self._backend.transport.is_closing()

    def pause_reading(self) -> None:
        self._backend.read(on=False)

    def resume_reading(self) -> None:
        self._backend.read(on=True)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._backend.write(bytes(data))

    def can_write_eof(self) -> bool:
        return False

    def write_eof(self) -> None:
        """Requests say where they end."""

    def close(self) -> None:
        self._backend.transport.close()

    def abort(self) -> None:
        self._backend.transport.abort()


def _pairs(headers: object) -> Headers:
    return [(bytes(name), bytes(value)) for name, value in cast("Headers", headers or [])]
