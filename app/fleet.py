"""The machines of the rooms app as a lobby needs them, and what can go wrong with them; app/machines.py does it."""

from typing import Protocol

from flylab.errors import FlylabError
from flylab.wire.machine import Machine, MachineConfig


class FleetDown(FlylabError):
    """The Machines API does not answer, or refuses everything; rooms that exist need it for nothing."""


class NotMade(FlylabError):
    """No machine could be had in this region; another one may have room."""


class Fleet(Protocol):
    """The Machines API for one app; every method raises `FleetDown` when it does not answer in time."""

    async def machines(self) -> list[Machine]:
        """All machines of the app; the list may lag behind, and an empty one proves nothing."""

    async def make(self, name: str, region: str, config: MachineConfig) -> str:
        """Make a machine and return its id, or that of the one that has the name; raises `NotMade`."""

    async def started(self, machine: str) -> None:
        """Return once requests can be sent to the machine; raises `NotMade` when that takes too long."""

    async def close(self) -> None:
        """Close the connections."""
