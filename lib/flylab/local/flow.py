"""Backpressure: reading from one side stops while any reason to wait stands."""

import asyncio
from enum import Flag, auto


class Hold(Flag):
    """Reasons not to read."""

    NONE = 0
    PEER = auto()  # the other side's buffer is full
    LINE = auto()  # enough is on its way already (latency.DelayLine)
    TURN = auto()  # not this request's turn, or nobody to hand it to yet


class Gate:
    """Pauses and resumes one transport's reading as reasons come and go."""

    __slots__ = ("_reasons", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._reasons = Hold.NONE

    def set(self, reason: Hold, *, on: bool) -> None:
        before = self._reasons
        self._reasons = before | reason if on else before & ~reason
        if self._transport.is_closing() or bool(before) == bool(self._reasons):
            return
        if self._reasons:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
