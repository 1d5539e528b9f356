"""Cuts what a member sends into messages; pure.

bytes ──► whole, final, masked text or binary frame ──► Message      (all that members send in practice)
    └───► ping, close, fragments, whatever breaks a rule ──► websockets' protocol ──► Message or Answer
"""

import enum
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from app import masking
from app.framing import HEAD_BYTES, IMPROPER, INCOMPLETE, measure, short_reason

if TYPE_CHECKING:
    from websockets.frames import Frame
    from websockets.server import ServerProtocol

_log = logging.getLogger("app.inbound")

_BINARY, _PONG = 0x82, 0x8A
_CONTINUATION, _FIRST_CONTROL = 0x0, 0x8  # opcodes
_DATA = frozenset((0x81, _BINARY))  # whole messages


@dataclass(frozen=True, slots=True)
class Message:
    """Something for the room; text is valid UTF-8."""

    payload: bytes
    binary: bool


class End(enum.Enum):
    """Why nothing more is to be read."""

    CLOSED = enum.auto()  # both sides said goodbye
    FAILED = enum.auto()  # the member broke a rule


@dataclass(frozen=True, slots=True)
class Answer:
    """A frame that is no whole message came: bytes for the member that the protocol asks for, and whether it ends it.

    Nearly always a pong of the member's, or the beginning of a message in pieces: then there is nothing to send.
    """

    frames: bytes
    end: End | None = None


_NOTHING = Answer(b"")


class Inbound:
    """What has come from one member and is not a message yet: nearly always nothing."""

    __slots__ = ("_at", "_conn", "_data", "_most_bytes", "_need", "_pieces")

    def __init__(self, most_bytes: int, early: bytes = b"") -> None:
        self._most_bytes = most_bytes
        self._data = bytearray(early) if early else None
        self._at = 0
        self._need = 0  # bytes without which the next frame is not whole
        self._conn: ServerProtocol | None = None  # only while there is something for it to remember
        self._pieces: list[bytes] | None = None

    @property
    def empty(self) -> bool:
        """Whether the next bytes begin a frame, and no message is in pieces."""
        return self._data is None and self._conn is None

    def feed(self, data: bytes) -> None:
        """Take bytes as they come; `next` says what they are."""
        if self._data is None:
            self._data = bytearray(data)
        else:
            del self._data[: self._at]
            self._data += data
        self._at = 0

    def next(self) -> Message | Answer | None:
        """What the next frame that came is, one frame a call, or None until more comes."""
        if self._data is None or (have := len(self._data) - self._at) < self._need:
            return None
        self._need = 0
        size = measure(self._data, self._at, most_bytes=self._most_bytes)
        if size == INCOMPLETE:
            return None
        if size > have:
            self._need = size
            return None
        proper = size != IMPROPER
        frame = bytes(self._data[self._at : self._at + size] if proper else self._data[self._at :])
        self._at += len(frame)
        if self._at == len(self._data):
            self._data, self._at = None, 0
        return self._take(frame, proper=proper)

    def goodbye(self, code: int, reason: str) -> bytes:
        """The frame that ends the conversation from our side; `next` tells when the member has answered it."""
        conn = self._library()
        conn.send_close(code, short_reason(reason))
        return b"".join(conn.data_to_send())

    def forget(self) -> None:
        """Free everything; nothing more comes."""
        self._data = self._pieces = None
        self._let_go()

    def _take(self, frame: bytes, *, proper: bool) -> Message | Answer:
        first = frame[0]
        if proper and first == _PONG:
            return _NOTHING
        if not proper or first not in _DATA or self._conn is not None:
            return self._judge(frame)
        head = 6 if frame[1] < 254 else 8 if frame[1] == 254 else HEAD_BYTES
        return self._message(masking.apply_mask(frame[head:], frame[head - 4 : head]), binary=first == _BINARY)

    def _message(self, payload: bytes, *, binary: bool) -> Message | Answer:
        if not binary and not payload.isascii():
            try:
                payload.decode()
            except UnicodeDecodeError:
                conn = self._library()
                conn.fail(1007, "text must be UTF-8")
                return Answer(b"".join(conn.data_to_send()), End.FAILED)
        return Message(payload, binary)

    def _judge(self, frame: bytes) -> Message | Answer:
        """Let the library look at one frame, or at something that is none."""
        conn = self._library()
        conn.receive_data(frame)
        whole = None
        for event in conn.events_received():
            piece = cast("Frame", event)  # the opening was long ago
            if piece.opcode < _FIRST_CONTROL:
                whole = self._gather(piece)
        output = b"".join(conn.data_to_send())
        if conn.parser_exc is not None:
            return Answer(output, End.FAILED)
        if conn.close_rcvd is not None:
            return Answer(output, End.CLOSED)
        if conn.current_size is None and conn.close_sent is None:
            self._let_go()
        if whole is not None:
            return whole
        return Answer(output) if output else _NOTHING

    def _gather(self, piece: "Frame") -> Message | Answer | None:
        if piece.opcode != _CONTINUATION:
            self._pieces = [bytes((piece.opcode,))]
        assert self._pieces is not None
        if piece.data:  # any number of empty ones may come
            self._pieces.append(bytes(piece.data))
        if not piece.fin:
            return None
        (kind, *parts), self._pieces = self._pieces, None
        return self._message(b"".join(parts), binary=kind[0] == _BINARY & 0x0F)

    def _library(self) -> "ServerProtocol":
        if self._conn is None:
            from websockets.protocol import OPEN  # late: see app/masking.py
            from websockets.server import ServerProtocol

            self._conn = ServerProtocol(state=OPEN, max_size=self._most_bytes, logger=_log)
        return self._conn

    def _let_go(self) -> None:
        """Free the library's protocol, which is a cycle through its parser."""
        if self._conn is not None:
            self._conn.parser.close()
            self._conn = None
