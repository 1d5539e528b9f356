"""When a machine with a ``schedule`` is started by the platform, counted from its creation (machines-resource).

A run that falls into a time when the machine is up, or the platform is not, is left out: nothing runs twice at once
and nothing is made up for.
"""

import math

from flylab.errors import RuleError
from flylab.rules.life import Life
from flylab.wire.machine import MachineConfig, MachineState

# In hours. That a month is 30 days is our choice: nothing says what a month counted from the 31st is.
HOURS = {"hourly": 1, "daily": 24, "weekly": 7 * 24, "monthly": 30 * 24}
_RESTING = frozenset({MachineState.STOPPED, MachineState.FAILED})


def schedule_of(config: MachineConfig) -> str:
    """The schedule, empty without one."""
    return str(config.extra.get("schedule") or "")


def check_schedule(config: MachineConfig) -> None:
    """Raise ``RuleError`` when there is no such schedule."""
    schedule = schedule_of(config)
    if schedule and schedule not in HOURS:
        raise RuleError("invalid_argument", f"config.schedule '{schedule[:80]}' is none of {', '.join(HOURS)}")


def next_run(life: Life, now: float, *, hour: float) -> float | None:
    """The first moment after ``now`` at which the machine is to run, in seconds since the epoch; None without one.

    ``hour`` is how many seconds an hour has. Once destroyed, it runs no more.
    """
    period = HOURS.get(schedule_of(life.config), 0) * hour
    if not period or life.state in (MachineState.DESTROYING, MachineState.DESTROYED):
        return None
    return life.created_at + period * (math.floor(max(0.0, now - life.created_at) / period) + 1)


def runs_now(life: Life) -> bool:
    """Whether a run that is due starts the machine.

    One that was created with ``skip_launch`` and never started since is not run (REPORTED: it never runs).
    """
    return life.state in _RESTING and life.spawns > 0
