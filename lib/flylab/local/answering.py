"""What comes from a machine: answers, one after the other, each told as it comes or as a whole.

bytes ──► a whole answer to a straight request ──► Straight
      ──► head, body, end ──► Answers              after a 101: bytes ──► Answers
"""

import asyncio
from typing import TYPE_CHECKING

from flylab.local.answers import Answers, Straight
from flylab.local.body import ChunkedReader, LengthReader, Reader, UntilCloseReader
from flylab.local.http1 import BadMessage, ResponseHead, read_response
from flylab.local.repeat import HEAD_LIMIT, Repeat, repeated

if TYPE_CHECKING:
    from flylab.local.pool import Line


class Answering(asyncio.Protocol):
    """Half of a connection to a machine; the other half asks, waits and ends."""

    __slots__ = (
        "_answers",
        "_buffer",
        "_drain",
        "_ended",
        "_found",
        "_head",
        "_method",
        "_piped",
        "_reader",
        "_sent",
        "_straight",
        "_transport",
        "heard",
        "idle_since",
        "key",
        "known",
        "line",
        "trailers",
        "trouble",
    )

    # Set by who extends it.
    key: object
    heard: bool  # bytes have come since the request began
    trouble: str  # why what came is no answer
    idle_since: float
    line: "Line | None"  # where it waits in the pool
    known: Repeat  # the last answer that came whole
    trailers: bytes  # of the last answer
    _transport: asyncio.Transport
    _answers: Answers | None
    _straight: Straight | None  # who takes the answer that is waited for if it comes whole
    _found: tuple[ResponseHead, int] | None  # of the bytes that are being read
    _method: bytes
    _buffer: bytes
    _head: ResponseHead | None
    _reader: Reader | None
    _piped: bool
    _sent: bool  # the whole request is on its way
    _drain: int
    _ended: bool

    def close(self) -> None:
        """End the connection; nobody is told."""
        raise NotImplementedError

    def hold(self, *, on: bool) -> None:
        """Stop or go on reading, as the client keeps up."""
        raise NotImplementedError

    def _rest(self) -> None:
        """Nothing to do from now on."""
        raise NotImplementedError

    def _read(self, data: bytes) -> None:
        """What is no whole answer to somebody who wants it whole."""
        self.heard = True
        if self._piped:
            if self._answers is not None:
                self._answers.on_body(data)
            return
        try:
            self._read_answer(data)
        except BadMessage as exc:
            self.trouble = str(exc)
            self._break()
        if self._answers is not None:
            self._answers.on_flush()

    def _is_whole(self, data: bytes) -> bool:
        """Whether it is an answer that a straight way ends with; it is known then."""
        known, self._found = repeated(data, self._method, self.known)
        if known is None:
            return False
        self.known, self._found = known, None
        return True

    def _read_answer(self, data: bytes) -> None:
        while self._reader is None:
            rest = self._read_head(data)
            if rest is None:
                return
            data = rest
        self._read_body(self._reader, data)

    def _read_head(self, data: bytes) -> bytes | None:
        before = self._buffer
        buffer, self._buffer = before + data if before else data, b""
        if self._answers is None:
            self.close()  # a machine that speaks without being asked
            return None
        found, self._found = self._found, None
        if found is None:
            found = read_response(buffer, limit=HEAD_LIMIT, seen=len(before))
        if found is None:
            self._buffer = buffer
            return None
        head, size = found
        rest = buffer[size:]
        if head.status < 200 and head.status != 101:
            self._answers.on_head(head)
            return rest
        self._head = head
        self._reader = self._reader_of(head)
        if head.status == 101:
            self._buffer = rest
            self._answers.on_head(head)
            return None
        self._answers.on_head(head)
        # Discarded meanwhile, the connection may be closed, waiting, or already carry the next request.
        return None if self._ended or self._reader is None else rest

    def _reader_of(self, head: ResponseHead) -> Reader:
        fields = head.fields
        if not head.has_body(self._method):
            return LengthReader(0)
        if fields.chunked:
            return ChunkedReader()
        return UntilCloseReader() if fields.length is None else LengthReader(fields.length)

    def _read_body(self, reader: Reader, data: bytes) -> None:
        payload = reader.feed(data) if data else b""
        answers = self._answers
        if answers is None:
            self._drain -= len(data)
            if reader.done:
                self._free()
            elif self._drain < 0:
                self.close()
            return
        if payload:
            answers.on_body(payload)
        if reader.done and self._answers is not None:
            # What follows an answer that nobody asked for again cannot be told apart: such a connection is not kept.
            self._answers = None
            self.trailers = reader.trailers
            if reader.rest:
                self.close()
            else:
                self._free()
            answers.on_end()

    def _read_eof(self) -> None:
        if self._answers is not None:
            self._answers.on_end()

    def _read_lost(self) -> None:
        self._ended = True
        answers, self._answers = self._answers, None
        if answers is None:
            return
        if self._reader is not None and not self._piped and self._reader.end():
            self.trailers = self._reader.trailers
            answers.on_end()
        else:
            answers.on_lost()

    def _break(self) -> None:
        answers = self._answers
        self.close()
        if answers is not None:
            answers.on_lost()

    def _free(self) -> None:
        head = self._head
        if (
            self.key is not None
            and self._sent
            and head is not None
            and head.keep_alive
            and not self._transport.is_closing()
        ):
            self._head, self._reader, self._buffer, self.heard = None, None, b"", False
            self.hold(on=False)
            self._rest()
        else:
            self.close()
