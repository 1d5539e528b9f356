"""What the platform asks of whatever makes machines real, and what it hears back."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Protocol

from flylab.local.census import Process
from flylab.rules.commands import Command, Ran
from flylab.rules.lifecycle import Happening
from flylab.wire.machine import Machine

Report = Callable[
    [str, Happening], None
]  # (machine id, Started | StartFailed | LaunchFailed | Exited | Suspended | Removed)


class Driver(Protocol):
    """Makes and ends what a machine runs; orders return at once, results come as reports."""

    def spawn(self, machine: Machine, app: str, secrets: Mapping[str, str]) -> None:
        """Start it from a fresh folder with these secrets; reports ``Started``, ``StartFailed`` or ``LaunchFailed``.

        ``Exited`` follows later.
        """

    def terminate(self, machine_id: str, signal: str, timeout: float) -> None:
        """Send the signal, then SIGKILL to all of the machine after ``timeout`` seconds; ``Exited`` follows."""

    def send(self, machine_id: str, signal: str) -> None:
        """Send one signal to the main process."""

    async def execute(self, machine_id: str, command: Command, limit: int) -> Ran:
        """Run a command beside the machine's process, in its folder and environment, and return how it ended.

        ``limit`` bytes are kept of each stream. Raises ``not_running`` when the process has ended meanwhile.
        """

    async def processes(self, machine_id: str) -> list[Process]:
        """Every process of the machine, commands and what they left behind included."""

    def freeze(self, machine_id: str) -> None:
        """Stop all its processes where they are; reports ``Suspended``."""

    def thaw(self, machine_id: str) -> None:
        """Let them go on; reports ``Started``."""

    def remove(self, machine_id: str) -> None:
        """Remove its folder; reports ``Removed``."""

    def keep_only(self, machine_ids: Collection[str]) -> None:
        """Remove what an earlier platform has left of machines that are not named."""

    def address(self, machine_id: str, internal_port: int) -> tuple[str, int] | None:
        """Where the process has been told to listen for that port of the machine."""

    def log_tail(self, machine_id: str, lines: int) -> bytes:
        """The last lines of its standard output and error."""

    def log(self, machine_id: str) -> Path:
        """The newest file of its log, which ``logs.py`` reads; it may not be there."""

    async def close(self) -> None:
        """End every process of every machine, however it takes it."""
