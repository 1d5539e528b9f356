"""The WebSockets of one edge by their machine, so that those of a machine can be closed before it is stopped."""

from flylab.local.splice import Pipe


class WebSockets:
    """Each is known by its ``owner``, whoever opened it."""

    def __init__(self) -> None:
        self._pipes: dict[str, dict[object, Pipe]] = {}

    def add(self, machine: str, owner: object, pipe: Pipe) -> None:
        self._pipes.setdefault(machine, {})[owner] = pipe

    def remove(self, machine: str, owner: object) -> None:
        """It is over; one that was never added is fine."""
        pipes = self._pipes.get(machine, {})
        if pipes.pop(owner, None) is not None and not pipes:
            del self._pipes[machine]

    def close(self, machine: str) -> int:
        """Close all of this machine with code 1001 (going away), and say how many; clients' answers still reach it."""
        pipes = list(self._pipes.get(machine, {}).values())
        for pipe in pipes:
            pipe.going_away()
        return len(pipes)
