"""Backpressure: reading from one side stops while any reason to wait stands."""

import asyncio
from typing import Final


class Hold:
    """Reasons not to read, one bit each; plain numbers, because an ``enum.Flag`` costs a microsecond an operation."""

    NONE: Final = 0
    PEER: Final = 1  # the other side's buffer is full
    LINE: Final = 2  # enough is on its way already (latency.DelayLine)
    TURN: Final = 4  # not this request's turn, or nobody to hand it to yet


class Gate:
    """Pauses and resumes one transport's reading as reasons come and go."""

    __slots__ = ("_transport", "reasons")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.reasons: int = Hold.NONE  # why nothing is read at present

    @property
    def closed(self) -> bool:
        """Whether nothing is read at present."""
        return bool(self.reasons)

    def set(self, reason: int, *, on: bool) -> None:
        before = self.reasons
        after = before | reason if on else before & ~reason
        if after == before:
            return
        self.reasons = after
        if (before and after) or self._transport.is_closing():
            return
        if after:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
