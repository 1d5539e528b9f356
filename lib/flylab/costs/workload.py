"""What a month of rooms is, and how machines are used for it: the quantities that bills are made of, all assumed."""

import math
from dataclasses import dataclass, fields

from flylab.errors import UsageError

MONTH = 30 * 86_400.0  # seconds; Fly's own unit, and what all others are reckoned with here
GB = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A month of rooms; all of it assumed by whoever asks.

    Rates are for each member, bytes for each message on the wire. ``peak`` is how many times as many rooms are awake
    in the busiest moment as on average: what always-on machines have to be made for.
    """

    rooms: float = 1_000.0
    visits: float = 20.0  # times a room is opened in the month
    visit_seconds: float = 1_200.0  # from the first member's coming to the last one's going
    members: float = 3.0  # on average, while it is open
    sent: float = 2.0  # messages each second and member
    kept: float = 1.0  # share of the messages that are stored; cursors, for one, are not
    message_bytes: float = 200.0
    stored_bytes: float = 200_000.0  # of a room, for the whole month
    peak: float = 3.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value >= 0):
                raise UsageError(f"{field.name} is {value:g}; a workload has no negative or endless quantities")
        if self.kept > 1:
            raise UsageError(f"kept is {self.kept:g}; it is a share of the messages, at most 1")
        if self.peak < 1:
            raise UsageError(f"peak is {self.peak:g}; the busiest moment is at least the average, 1")

    @property
    def opened(self) -> float:
        """Visits in the month."""
        return self.rooms * self.visits

    @property
    def awake_seconds(self) -> float:
        """Seconds of rooms with somebody in them."""
        return self.opened * self.visit_seconds

    @property
    def member_seconds(self) -> float:
        return self.awake_seconds * self.members

    @property
    def messages_in(self) -> float:
        return self.member_seconds * self.sent

    @property
    def messages_out(self) -> float:
        """Each message goes to every other member."""
        return self.messages_in * max(self.members - 1, 0)

    @property
    def egress_gb(self) -> float:
        return self.messages_out * self.message_bytes / GB

    @property
    def awake(self) -> float:
        """Rooms open at the same time, on average."""
        return self.awake_seconds / MONTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How machines are used; the same for all providers that have machines."""

    rooms_per_machine: float = 50.0  # rooms that one small machine holds awake
    linger: float = 60.0  # seconds that a machine stays up after its last member
    pool: float = 1.0  # machines that wait, started, in each region (Fly's pool)
    regions: tuple[str, ...] = ("ams", "iad", "nrt")
    rootfs_gb: float = 0.5  # of a stopped machine
    millis: float = 5.0  # of a function for each message, and of a Worker for each connection
    continent: str = "North America, Europe"

    def __post_init__(self) -> None:
        for name in ("rooms_per_machine", "linger", "pool", "rootfs_gb", "millis"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise UsageError(f"{name} is {value:g}; a setup has no negative or endless quantities")
        if self.rooms_per_machine < 1:
            raise UsageError(f"rooms_per_machine is {self.rooms_per_machine:g}; a machine holds at least one room")
        if not self.regions:
            raise UsageError("a setup names at least one region")
