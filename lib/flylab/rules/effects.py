"""What an exchange wants done next; each names the event that its performer reports back."""

from dataclasses import dataclass

from flylab.rules.routing import Row
from flylab.wire.machine import Service
from flylab.wire.transform import Transform


@dataclass(frozen=True, slots=True)
class Wake:
    """Start the machine, then report ``woke`` or ``wake_failed``."""

    machine: str
    deadline: float


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the request from its beginning with these headers added, on a new connection if ``fresh``."""

    row: Row
    service: Service
    headers: tuple[tuple[str, str], ...] = ()
    fresh: bool = False
    deadline: float | None = None
    transform: Transform | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait, then report ``paused``."""

    seconds: float
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """Wait until a place is given back somewhere, then report ``paused``."""

    deadline: float


@dataclass(frozen=True, slots=True)
class Collect:
    """Read the rest of the body, up to the replay limit, then report ``collected``."""


@dataclass(frozen=True, slots=True)
class Relay:
    """Send this answer to the client, then report ``finished``."""


@dataclass(frozen=True, slots=True)
class Splice:
    """Send the 101 to the client and join both sides as byte pipes, then report ``finished``."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with an error of the proxy's own; the exchange is over."""

    status: int
    code: str
    text: str


Effect = Wake | Forward | Pause | Queue | Collect | Relay | Splice | Refuse
