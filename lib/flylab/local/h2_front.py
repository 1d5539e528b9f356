"""HTTP/2 with one client: each stream becomes a request of HTTP/1.1 to a ``Downstream``; h2 has the protocol itself.

    frames ──► h2 ──► Stream ──► Downstream        Downstream ──► Stream ──► h2 ──► frames

Extended CONNECT is not announced, so that browsers open WebSockets over HTTP/1.1 (RFC 8441, section 3).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import h2.events as ev
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError, StreamClosedError
from h2.settings import SettingCodes, Settings

from flylab.local.downstream import Downstream
from flylab.local.front import Front
from flylab.local.h2_heads import Headers, request_head
from flylab.local.h2_stream import Stream
from flylab.local.http1 import BadMessage
from flylab.rules.floods import Patience

if TYPE_CHECKING:
    from flylab.local.edge import Edge

_LAST_WORDS = 0.02  # seconds for a GOAWAY to leave before the connection is cut; our choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Http2Settings:
    """What one connection may ask for; Fly publishes none of it, so all are our choice."""

    streams: int = 100  # at a time, what most servers allow
    head_limit: int = 65_536  # bytes of a request's head, as ``edge.head_limit``; h2 takes 64 continuations at most
    stream_window: int = 262_144  # bytes of a body under way, by stream
    connection_window: int = 1_048_576  # and for all of them, which bounds what a slow app makes us hold
    idle_frames: int = 500  # at once: requests taken back, pings, settings and other frames without content
    idle_rate: float = 50.0  # and a second after that
    linger: float = (
        2.0  # seconds in which a client may send the rest of a request that has its answer, as over HTTP/1.1
    )


class Http2(asyncio.Protocol):
    """Speaks HTTP/2 to one client of an edge; ``deadline`` is when it is told that its time is out."""

    def __init__(self, edge: "Edge", front: Front) -> None:
        self._edge = edge
        self._front = front
        self._settings = settings = edge.settings.http2
        self._loop = asyncio.get_running_loop()
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        # From the start: what is changed later holds only once the client has said that it knows.
        self._h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: settings.streams,
                SettingCodes.INITIAL_WINDOW_SIZE: settings.stream_window,
                SettingCodes.MAX_HEADER_LIST_SIZE: settings.head_limit,
            },
        )
        self._h2.decoder.max_header_list_size = settings.head_limit
        self._patience = Patience(settings.idle_frames, settings.idle_rate, self._loop.time())
        self._streams: dict[int, Stream] = {}
        self._lingering: dict[int, asyncio.TimerHandle] = {}  # answered while their clients still send
        self._weight: ev.PriorityUpdated | None = None  # came with a request, as those of browsers do
        self._blocked = False
        self._flushing = False
        self._closing = False
        self.peer: Any = None
        self.deadline: float | None = None

    # ── asyncio ─────────────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.peer = transport.get_extra_info("peername")
        self._edge.connected(self)
        self.deadline = self._loop.time() + self._edge.settings.head_timeout
        self._h2.initiate_connection()
        # Windows begin with 65,535 bytes (RFC 9113, section 6.9.2).
        self._h2.increment_flow_control_window(max(self._settings.connection_window - 65_535, 1))
        self._flush()

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        try:
            for event in self._h2.receive_data(data):
                self._handle(event)
        except ProtocolError:
            self._part(None)  # h2 has said why
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self.deadline = None
        self._edge.disconnected(self)
        for timer in self._lingering.values():
            timer.cancel()
        self._lingering.clear()
        for stream in list(self._streams.values()):
            stream.lost()

    def pause_writing(self) -> None:
        # Who does not read what we say is not heard either, so that answers to its frames cannot pile up.
        self._blocked = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._blocked = False
        self._transport.resume_reading()
        self._pump()

    # ── for the edge ────────────────────────────────────────────────────────────────────────────────────────────

    def time_out(self) -> None:
        """Nothing has been asked for too long."""
        self._part(ErrorCodes.NO_ERROR)

    def abort(self) -> None:
        """Say goodbye and close."""
        self._part(ErrorCodes.NO_ERROR)

    # ── for streams ─────────────────────────────────────────────────────────────────────────────────────────────

    def room(self, number: int) -> int:
        """How many bytes of a body may go out now."""
        if self._blocked or self._closing:
            return 0
        try:
            return min(self._h2.local_flow_control_window(number), self._h2.max_outbound_frame_size)
        except ProtocolError:  # the client has just ended the stream, and we are about to hear of it
            return 0

    def send_headers(self, number: int, headers: Headers, *, last: bool = False) -> None:
        self._try(self._h2.send_headers, number, headers, end_stream=last)

    def send_data(self, number: int, payload: bytes) -> None:
        self._try(self._h2.send_data, number, payload)

    def send_end(self, number: int, trailers: Headers) -> None:
        if trailers:
            self._try(self._h2.send_headers, number, trailers, end_stream=True)
        else:
            self._try(self._h2.end_stream, number)

    def break_off(self, number: int) -> None:
        """End a stream whose answer cannot be completed."""
        self._try(self._h2.reset_stream, number, ErrorCodes.INTERNAL_ERROR)

    def linger(self, number: int) -> None:
        """Take and forget what a client still sends after its answer, but not for ever.

        To reset at once with NO_ERROR is allowed (RFC 9113, section 8.1), but curl 7.88 and httpx 0.28 then lose the
        answer.
        """
        self._lingering[number] = self._loop.call_later(self._settings.linger, self._linger_no_more, number)

    def _linger_no_more(self, number: int) -> None:
        del self._lingering[number]
        self._try(self._h2.reset_stream, number, ErrorCodes.NO_ERROR)

    def taken(self, number: int, size: int) -> None:
        """So much of what came has been handed on, and may come again."""
        if size:
            self._try(self._h2.acknowledge_received_data, size, number)

    def gone(self, stream: Stream) -> None:
        self._streams.pop(stream.number, None)
        if not self._streams:
            self.deadline = self._loop.time() + self._edge.settings.idle_timeout

    def later(self, call: Callable[..., object], *arguments: object) -> None:
        self._loop.call_soon(call, *arguments)

    # ── frames ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _handle(self, event: ev.Event) -> None:
        if self._closing:
            return
        match event:
            case ev.RequestReceived():
                self._request(event)
            case ev.DataReceived():
                size = event.flow_controlled_length or 0
                if not event.data and event.stream_ended is None:
                    self._idle()
                if stream := self._streams.get(event.stream_id or 0):
                    stream.received(event.data or b"", size)
                else:
                    self.taken(event.stream_id or 0, size)
            case ev.TrailersReceived(stream_id=number, headers=headers):
                if stream := self._streams.get(number or 0):
                    stream.complete([(bytes(name), bytes(value)) for name, value in headers or []])
            case ev.StreamEnded(stream_id=number):
                # After trailers it has ended already.
                self._sent(number or 0)
                if (stream := self._streams.get(number or 0)) and not stream.ended:
                    stream.complete([])
            case ev.StreamReset(stream_id=number):
                self._idle()
                self._sent(number or 0)
                if stream := self._streams.get(number or 0):
                    stream.lost()
            case ev.WindowUpdated() | ev.RemoteSettingsChanged():
                if isinstance(event, ev.RemoteSettingsChanged):
                    self._idle()
                self._pump()
            case ev.ConnectionTerminated():
                self._part(ErrorCodes.NO_ERROR)
            case ev.PingReceived() | ev.PriorityUpdated() | ev.UnknownFrameReceived():
                if event is not self._weight:
                    self._idle()
            case _:
                pass

    def _request(self, event: ev.RequestReceived) -> None:
        number, self._weight = event.stream_id or 0, event.priority_updated
        headers = [(bytes(name), bytes(value)) for name, value in event.headers or []]
        ended = event.stream_ended is not None
        try:
            head, chunked = request_head(headers, ended=ended)
        except BadMessage:
            self._idle()
            self._try(self._h2.reset_stream, number, ErrorCodes.PROTOCOL_ERROR)
            return
        method = next(value for name, value in headers if name == b":method")
        self._streams[number] = stream = Stream(self, number, method, chunked=chunked)
        self.deadline = None
        stream.begin(Downstream(self._edge, self._front), head, ended=ended)

    def _sent(self, number: int) -> None:
        if timer := self._lingering.pop(number, None):
            timer.cancel()

    def _idle(self) -> None:
        if not self._patience.spend(self._loop.time()):
            self._part(ErrorCodes.ENHANCE_YOUR_CALM)

    def _pump(self) -> None:
        for stream in list(self._streams.values()):
            stream.pump()
        self._flush_soon()

    def _try(self, call: Callable[..., object], *arguments: object, **more: object) -> None:
        """One frame on its way; a stream that the client has closed meanwhile needs none."""
        if self._closing:
            return
        try:
            call(*arguments, **more)
        except (StreamClosedError, ProtocolError, KeyError):
            return
        self._flush_soon()

    def _flush_soon(self) -> None:
        if not self._flushing and not self._closing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if not self._transport.is_closing() and (data := self._h2.data_to_send()):
            self._transport.write(data)

    def _part(self, why: ErrorCodes | None) -> None:
        """Send GOAWAY, with a reason unless h2 has written it, and close."""
        if self._closing:
            return
        if why is not None:
            self._try(self._h2.close_connection, why)
        self._flush()
        self._closing = True
        self.deadline = None
        for stream in list(self._streams.values()):
            stream.lost()
        self._loop.call_later(_LAST_WORDS, self._transport.abort)
