"""A member's connection as the room sees it, and the room as the connection sees it; not how either does it."""

from typing import Protocol

# Why nothing is read from a member for now. Each reason has its own end, and only without any is it read on.
RATE = 1  # it sends too fast
BACKLOG = 2  # the room has too much to store


class Wire(Protocol):
    """One member's connection as the room sees it."""

    binary: bool  # messages are msgpack in binary frames; set by whoever reads the member's hello

    def write(self, frames: bytes) -> None:
        """Send whole WebSocket frames (`app.framing`); after the end of the connection this does nothing."""

    def buffered(self) -> int:
        """Bytes that the kernel has not taken yet."""

    def untaken(self) -> int:
        """Bytes that the other side has not acknowledged: also those that the kernel has taken, where it tells."""

    def pause(self, why: int) -> None:
        """Read nothing more for now, for this reason; `Receiver.received` is not called until `resume`."""

    def resume(self, why: int) -> None:
        """Read on, unless there is another reason not to; without this one it does nothing."""

    def close(self, code: int, reason: str = "") -> None:
        """End the connection after what was written; nothing more is received."""

    def drop(self, code: int, reason: str = "") -> None:
        """End the connection soon, whether the member reads or not."""


class Receiver(Protocol):
    """Who is told what happens on a wire, always from the event loop; an exception ends the connection with 1011."""

    def begin(self, wire: Wire) -> None:
        """The connection is open; the first call."""

    def received(self, frame: bytes, binary: bool) -> None:
        """A message; text is valid UTF-8."""

    def drained(self) -> None:
        """All that was written has been taken by the kernel, after some of it had to wait."""

    def lost(self) -> None:
        """The connection is over, whoever ended it; the last call, and exactly one."""


class _Nobody:
    """In place of the receiver after the end, so that the two do not keep each other."""

    def begin(self, wire: Wire) -> None: ...
    def received(self, frame: bytes, binary: bool) -> None: ...
    def drained(self) -> None: ...
    def lost(self) -> None: ...


NOBODY: Receiver = _Nobody()
