"""What a simulated day costs on Fly, reckoned like ``flylab.costs``: each line a quantity times a published price."""

from datetime import date

from flylab.costs import MONTH, TODAY, Bill, Line
from flylab.published.prices import asked, multiplier
from flylab.sim.day import Day
from flylab.wire.machine import MachineState as S

ROOTFS_GB = 0.5  # of a machine that does not run; our choice, what the room server's image takes with its overhead
_SIZE = "shared-cpu-1x 512 MB started"  # that of the room server's fly.toml, and of ``Plan.config``


def fly_bill(day: Day, *, rootfs_gb: float = ROOTFS_GB, on: date = TODAY) -> Bill:
    """Started machines by the second and region, the root file systems of the others; traffic is left out."""
    started = asked("Fly.io", "Machines", _SIZE, on)
    resting = asked("Fly.io", "Machines", "stopped or suspended Machine, root file system", on)
    lines = []
    for region, seconds in day.seconds_in(S.STARTED).items():
        usd = seconds * started.price * multiplier(region, on).price
        lines.append(Line(f"machines that run in {region}, seconds", seconds, started, usd))
    quantity = sum(day.seconds_in(S.STOPPED, S.SUSPENDED).values()) * rootfs_gb / MONTH
    lines.append(
        Line("root file systems of machines that rest, GB-months", quantity, resting, quantity * resting.price)
    )
    return Bill(day.plan.name, tuple(lines), ("traffic", "object storage for the rooms' logs"))
