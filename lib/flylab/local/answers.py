"""Whom a connection to a machine tells of what comes; it reads nothing itself."""

from typing import Protocol

from flylab.local.http1 import ResponseHead
from flylab.local.repeat import Repeat


class Answers(Protocol):
    """Who hears what a machine sends."""

    __slots__ = ()

    def on_head(self, head: ResponseHead) -> None: ...

    def on_body(self, payload: bytes) -> None: ...

    def on_flush(self) -> None:
        """All that has come so far has been told."""

    def on_end(self) -> None:
        """The answer is complete; of a pipe: the machine will send no more."""

    def on_lost(self) -> None:
        """The connection ended before the answer did; of a pipe: it is over."""

    def on_blocked(self, blocked: bool) -> None:
        """The machine takes no more for now, or takes more again."""


class Straight(Answers, Protocol):
    """Who takes an answer whole, when it came whole and means little or nothing to the proxy."""

    def on_whole(self, known: Repeat, payload: bytes) -> None:
        """The answer; the connection is in the pool again."""
