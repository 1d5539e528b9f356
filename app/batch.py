"""Messages that wait to go to everybody together, and how they and single ones become frames; pure."""

from collections.abc import Sequence
from struct import pack
from typing import Any

import msgspec

from app.framing import json_frame, msgpack_frame
from app.protocol import Cursors, ServerMessage

_NOWHERE = -32_768


class Batch:
    """One flush: each message is encoded once per encoding, and msgpack only if somebody wants it."""

    __slots__ = ("_lines", "_messages", "_packed", "_places", "_text", "held_bytes", "people")

    def __init__(self) -> None:
        self._messages: list[ServerMessage] = []
        self._lines: list[bytes] = []
        self._places: list[int] = []  # of the entries of the log among them
        self._text: bytes | None = None
        self._packed: bytes | None = None
        self.held_bytes = 0
        self.people = False  # whether it tells who is here

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, message: ServerMessage, line: bytes | None = None, *, entry: bool = False) -> None:
        """Let this go along; ``line`` is its JSON, where that is known already."""
        if entry:
            self._places.append(len(self._lines))
        line = msgspec.json.encode(message) if line is None else line
        self._messages.append(message)
        self._lines.append(line)
        self.held_bytes += len(line)

    def upto(self, entries: int) -> int:
        """How many messages there are up to the last of so many entries."""
        return self._places[entries - 1] + 1 if entries > 0 else 0

    def frame(self, *, binary: bool) -> bytes:
        """All of it; the very same bytes for everybody."""
        if binary:
            if self._packed is None:
                self._packed = self.rest(0, binary=True)
            return self._packed
        if self._text is None:
            self._text = self.rest(0, binary=False)
        return self._text

    def rest(self, known: int, *, binary: bool) -> bytes:
        """What comes after the first ``known`` messages."""
        if binary:
            return msgpack_frame([_pack(message) for message in self._messages[known:]])
        return json_frame(self._lines[known:])


def encode(messages: Sequence[ServerMessage], *, binary: bool) -> bytes:
    """One frame for one member with these messages."""
    if binary:
        return msgpack_frame([_pack(message) for message in messages])
    return json_frame([msgspec.json.encode(message) for message in messages])


def encode_lines(lines: Sequence[bytes], *, binary: bool) -> bytes:
    """One frame with entries that are JSON already."""
    if binary:
        return msgpack_frame([msgspec.msgpack.encode(msgspec.json.decode(line)) for line in lines])
    return json_frame(lines)


def _pack(message: ServerMessage) -> bytes:
    if type(message) is not Cursors:
        return msgspec.msgpack.encode(message)
    flat: list[int] = []
    for cursor in message.c:
        flat.extend(cursor if len(cursor) == 3 else (cursor[0], _NOWHERE, 0))
    packed: dict[str, Any] = {"t": "cursors", "c": pack("<" + "Hhh" * len(message.c), *flat)}
    if message.whole:
        packed["whole"] = True
    return msgspec.msgpack.encode(packed)
