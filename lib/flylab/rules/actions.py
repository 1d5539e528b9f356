"""What the fleet's rules ask the platform to do: values handed out by ``life.py`` and ``fleet.py``, done in order."""

from dataclasses import dataclass

from flylab.wire.machine import Event


@dataclass(frozen=True, slots=True)
class Spawn:
    """Make a process of the machine."""

    machine: str


@dataclass(frozen=True, slots=True)
class Terminate:
    """Send the signal, and SIGKILL to everything of the machine once ``timeout`` is over."""

    machine: str
    signal: str
    timeout: float


@dataclass(frozen=True, slots=True)
class Freeze:
    """Stop the machine's processes where they are; ``Suspended`` is expected back."""

    machine: str


@dataclass(frozen=True, slots=True)
class Thaw:
    """Let frozen processes go on; ``Started`` is expected back."""

    machine: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove the machine's folder and whatever else is left; ``Removed`` is expected back."""

    machine: str


@dataclass(frozen=True, slots=True)
class RestartLater:
    """Feed ``RestartDue(spawns)`` after that pause."""

    machine: str
    spawns: int
    pause: float


@dataclass(frozen=True, slots=True)
class Noted:
    """An event was added to the machine's log; ``version`` is the one it happened to."""

    machine: str
    name: str
    app: str
    region: str
    event: Event
    version: str


@dataclass(frozen=True, slots=True)
class Changed:
    """Something about the machine is different: write it down, tell the edges."""

    machine: str


@dataclass(frozen=True, slots=True)
class CheckTold:
    """A check of the machine has another status: tell the edges and whoever follows; it is not written down."""

    machine: str
    name: str
    status: str
    output: str


@dataclass(frozen=True, slots=True)
class LaunchNext:
    """Feed ``Start`` in a step of its own, so that ``created`` is seen by whoever created the machine."""

    machine: str


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The machine is not to be found any more; delete what is written of it."""

    machine: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A record of a collection of ``Fleet.records`` is different or gone: write that down."""

    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class MakeFolder:
    """Make the empty folder of a volume."""

    volume: str


@dataclass(frozen=True, slots=True)
class CopyFolder:
    """Fill the folder of a volume or snapshot from that of another; ``Copied`` is expected back. Kinds are records'."""

    kind: str
    key: str
    from_kind: str
    from_key: str


@dataclass(frozen=True, slots=True)
class DropFolder:
    """Remove the folder of a volume or snapshot; a copy into it ends first."""

    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class AppChanged:
    app: str


@dataclass(frozen=True, slots=True)
class AppDropped:
    app: str


MachineAction = Spawn | Terminate | Freeze | Thaw | Remove | RestartLater | Noted | Changed
FolderAction = MakeFolder | CopyFolder | DropFolder
Action = MachineAction | CheckTold | LaunchNext | Forgotten | Kept | FolderAction | AppChanged | AppDropped
