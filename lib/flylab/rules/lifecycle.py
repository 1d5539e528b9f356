"""The transition table of one machine: which state follows which event, and how a refused event is answered.

The states and their order are Fly's (machines/machine-states); ``life.py`` says what must be done on the way.

    creating → created → starting → started ⇄ restarting        started → suspending → suspended → starting
                             ↑         ↓                        started → replacing → started        (update)
                          stopped ← stopping                    any rest state → destroying → destroyed
                          starting → launch_failed → destroyed  (the first start)
"""

from dataclasses import dataclass

from flylab.errors import RuleError
from flylab.wire.fields import Json
from flylab.wire.machine import MachineConfig
from flylab.wire.machine import MachineState as S


@dataclass(frozen=True, slots=True)
class Prepared:
    """The machine's image is there; it can be launched."""


@dataclass(frozen=True, slots=True)
class Start:
    """Somebody wants it to run; ``source`` is ``user`` for the API and ``proxy`` for a request that woke it."""

    source: str = "user"


@dataclass(frozen=True, slots=True)
class Started:
    """The driver has its process; its port may open later."""


@dataclass(frozen=True, slots=True)
class StartFailed:
    """The driver could not make a process of it."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class LaunchFailed:
    """The driver could not even make the machine ready: its image or its files cannot be put there."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """Somebody wants it to stop; unset signal and timeout come from the machine's configuration."""

    signal: str | None = None
    timeout: float | None = None
    source: str = "user"


@dataclass(frozen=True, slots=True)
class Exited:
    """Its process has ended: ``code`` is the exit status, ``signal`` the signal's number or 0.

    ``oom`` when one of its processes was killed for want of memory.
    """

    code: int = 0
    signal: int = 0
    oom: bool = False


@dataclass(frozen=True, slots=True)
class Restart:
    """Somebody wants its process replaced by a new one of the same version."""

    signal: str | None = None
    timeout: float | None = None
    source: str = "user"


@dataclass(frozen=True, slots=True)
class RestartDue:
    """The pause before a restart is over; ``spawns`` says which restart was meant, a stale one is ignored."""

    spawns: int


@dataclass(frozen=True, slots=True)
class Suspend:
    source: str = "user"


@dataclass(frozen=True, slots=True)
class Suspended:
    """The driver has frozen its processes."""


@dataclass(frozen=True, slots=True)
class Update:
    """A whole new configuration under a new version."""

    config: MachineConfig
    version: str
    image_ref: Json
    source: str = "user"
    skip_secrets: bool = False
    launch: bool = True  # what the request said with ``skip_launch``; see ``LifeSettings.update_starts``


@dataclass(frozen=True, slots=True)
class Destroy:
    """Destroy it if it does not run."""

    source: str = "user"


@dataclass(frozen=True, slots=True)
class ForceDestroy:
    """Destroy it whatever it does."""

    source: str = "user"


@dataclass(frozen=True, slots=True)
class Removed:
    """The driver has removed what was left of it."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """The platform came back after an end of its own; no process of before is alive."""


Happening = (
    Prepared | Start | Started | StartFailed | LaunchFailed | Stop | Exited | Restart | RestartDue | Suspend | Suspended
    | Update | Destroy | ForceDestroy | Removed | Recovered
)  # fmt: skip

TABLE: dict[tuple[S, type[Happening]], S] = {
    (S.CREATING, Prepared): S.CREATED,
    (S.CREATING, Recovered): S.CREATED,
    (S.CREATING, ForceDestroy): S.DESTROYING,
    (S.CREATED, Start): S.STARTING,
    (S.CREATED, Update): S.CREATED,
    (S.CREATED, Destroy): S.DESTROYING,
    (S.CREATED, ForceDestroy): S.DESTROYING,
    (S.CREATED, Recovered): S.CREATED,
    (S.STARTING, Started): S.STARTED,
    (S.STARTING, StartFailed): S.FAILED,
    (S.STARTING, LaunchFailed): S.LAUNCH_FAILED,  # or failed, when it has run before
    (S.STARTING, Exited): S.STOPPED,
    (S.STARTING, Stop): S.STOPPING,
    (S.STARTING, ForceDestroy): S.DESTROYING,
    (S.STARTING, Recovered): S.STOPPED,
    (S.STARTED, Stop): S.STOPPING,
    (S.STARTED, Exited): S.STOPPED,  # or restarting or destroying, as `life.py` decides by policy
    (S.STARTED, Restart): S.RESTARTING,
    (S.STARTED, Suspend): S.SUSPENDING,
    (S.STARTED, Update): S.REPLACING,
    (S.STARTED, ForceDestroy): S.DESTROYING,
    (S.STARTED, Recovered): S.STOPPED,
    (S.STOPPING, Started): S.STOPPING,  # the stop overtook the start
    (S.STOPPING, StartFailed): S.STOPPED,
    (S.STOPPING, LaunchFailed): S.STOPPED,
    (S.STOPPING, Stop): S.STOPPING,
    (S.STOPPING, Exited): S.STOPPED,
    (S.STOPPING, ForceDestroy): S.DESTROYING,
    (S.STOPPING, Recovered): S.STOPPED,
    (S.STOPPED, Start): S.STARTING,
    (S.STOPPED, Stop): S.STOPPED,
    (S.STOPPED, Update): S.STOPPED,  # not started, against the documentation but as people see it
    (S.STOPPED, Destroy): S.DESTROYING,
    (S.STOPPED, ForceDestroy): S.DESTROYING,
    (S.STOPPED, Recovered): S.STOPPED,
    (S.RESTARTING, Exited): S.RESTARTING,
    (S.RESTARTING, RestartDue): S.RESTARTING,
    (S.RESTARTING, Started): S.STARTED,
    (S.RESTARTING, StartFailed): S.FAILED,
    (S.RESTARTING, LaunchFailed): S.FAILED,
    (S.RESTARTING, Stop): S.STOPPING,  # or stopped at once, in the pause between two processes
    (S.RESTARTING, Update): S.REPLACING,
    (S.RESTARTING, ForceDestroy): S.DESTROYING,
    (S.RESTARTING, Recovered): S.STOPPED,
    (S.REPLACING, Exited): S.REPLACING,
    (S.REPLACING, Started): S.STARTED,
    (S.REPLACING, StartFailed): S.FAILED,
    (S.REPLACING, LaunchFailed): S.FAILED,
    (S.REPLACING, ForceDestroy): S.DESTROYING,
    (S.REPLACING, Recovered): S.STOPPED,
    (S.SUSPENDING, Suspended): S.SUSPENDED,
    (S.SUSPENDING, Exited): S.STOPPED,  # what cannot be suspended is stopped, see `life.py`
    (S.SUSPENDING, ForceDestroy): S.DESTROYING,
    (S.SUSPENDING, Recovered): S.STOPPED,
    (S.SUSPENDED, Start): S.STARTING,
    (S.SUSPENDED, Stop): S.STOPPING,
    (S.SUSPENDED, Suspend): S.SUSPENDED,
    (S.SUSPENDED, Exited): S.STOPPED,
    (S.SUSPENDED, Update): S.STOPPING,  # the snapshot is lost (reference/suspend-resume)
    (S.SUSPENDED, Destroy): S.DESTROYING,
    (S.SUSPENDED, ForceDestroy): S.DESTROYING,
    (S.SUSPENDED, Recovered): S.STOPPED,
    (S.FAILED, Start): S.STARTING,
    (S.FAILED, Stop): S.STOPPED,
    (S.FAILED, Update): S.STOPPED,
    (S.FAILED, Destroy): S.DESTROYING,
    (S.FAILED, ForceDestroy): S.DESTROYING,
    (S.FAILED, Recovered): S.FAILED,
    (S.LAUNCH_FAILED, Destroy): S.DESTROYING,
    (S.LAUNCH_FAILED, ForceDestroy): S.DESTROYING,
    (S.LAUNCH_FAILED, Removed): S.DESTROYED,
    (S.LAUNCH_FAILED, Recovered): S.DESTROYING,
    (S.DESTROYING, Started): S.DESTROYING,
    (S.DESTROYING, StartFailed): S.DESTROYING,
    (S.DESTROYING, LaunchFailed): S.DESTROYING,
    (S.DESTROYING, Exited): S.DESTROYING,
    (S.DESTROYING, Destroy): S.DESTROYING,
    (S.DESTROYING, ForceDestroy): S.DESTROYING,
    (S.DESTROYING, Removed): S.DESTROYED,
    (S.DESTROYING, Recovered): S.DESTROYING,
}

# How the API answers a request that the table does not list; the rest of them are `wrong_state`.
REFUSALS: dict[tuple[S, type[Happening]], str] = {
    (S.STARTING, Start): "already_starting",
    (S.STARTED, Start): "already_starting",
    (S.RESTARTING, Start): "already_starting",
    (S.REPLACING, Start): "being_replaced",
    (S.STOPPING, Start): "still_active",
    (S.SUSPENDING, Start): "still_active",
    (S.REPLACING, Update): "concurrent_update",
    (S.STARTING, Destroy): "not_stopped",
    (S.STARTED, Destroy): "not_stopped",
    (S.STOPPING, Destroy): "not_stopped",
    (S.RESTARTING, Destroy): "not_stopped",
    (S.REPLACING, Destroy): "not_stopped",
    (S.SUSPENDING, Destroy): "not_stopped",
    (S.STOPPED, Suspend): "not_running",
    (S.STOPPED, Restart): "not_running",
    **{
        (S.DESTROYED, kind): "machine_not_found"
        for kind in (Start, Stop, Restart, Suspend, Update, Destroy, ForceDestroy)
    },
}

_SAID = {
    "already_starting": "the machine is {state}, still attempting to start or running",
    "being_replaced": "the machine is getting replaced",
    "still_active": "the machine is {state} and still active",
    "concurrent_update": "concurrent update of this machine",
    "not_stopped": "the machine is {state}, not currently stopped; stop it or use force",
    "not_running": "the machine is {state}, not running",
    "machine_not_found": "machine not found",
}


class IllegalTransition(RuleError):
    """An event that the machine's state does not allow; nothing has changed."""

    def __init__(self, machine: str, state: S, event: Happening) -> None:
        self.machine = machine
        self.state = state
        self.event = event
        code = REFUSALS.get((state, type(event)), "wrong_state")
        said = _SAID.get(code, f"cannot {type(event).__name__.lower()} the machine, current state: '{{state}}'")
        super().__init__(code, said.format(state=state))


def following(machine: str, state: S, event: Happening) -> S:
    """The state after ``event``; raises ``IllegalTransition`` when the table does not list it."""
    try:
        return TABLE[state, type(event)]
    except KeyError:
        raise IllegalTransition(machine, state, event) from None
