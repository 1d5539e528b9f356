"""What the proxy writes into an app's log when it stops or starts a machine by itself, in Fly's words.

The words are those of public logs (2023-09 to 2026-08); the process group is left out where a machine has none.
"""

from flylab.wire.duration import format_duration


def stops(app: str, machine: str, *, suspend: bool, running: int, region: str, process_group: str) -> str:
    """``running`` counts the machines that ran in this region and group, this one among them."""
    what = "autosuspending" if suspend else "autostopping"
    group = f", process group={process_group}" if process_group else ""
    left = f"{running - 1} out of {running} machines left running"
    return f"App {app} has excess capacity, {what} machine {machine}. {left} (region={region}{group})"


STARTS = "Starting machine"


def started(seconds: float) -> str:
    """Since the proxy asked for it."""
    return f"machine started in {format_duration(seconds)}"


def reachable(seconds: float) -> str:
    """Since it was started: the app takes connections."""
    return f"machine became reachable in {format_duration(seconds)}"
