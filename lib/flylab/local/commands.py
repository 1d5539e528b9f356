"""Commands of the exec endpoint, the platform's half: orders to the supervisor, and what comes back put together."""

import asyncio
import base64
import itertools
from collections.abc import Callable

from flylab.errors import RuleError
from flylab.rules.commands import Command, Ran


class Commands:
    """All commands under way; ``order`` sends to the supervisor."""

    def __init__(self, order: Callable[..., None]) -> None:
        self._order = order
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[dict[str, object]]] = {}
        self._output: dict[str, dict[int, bytearray]] = {}

    async def run(self, machine_id: str, command: Command, limit: int) -> Ran:
        """Its end, whatever it was; a caller who is cancelled takes the command with it."""
        name = f"x{next(self._numbers)}"
        future = self._waiting[name] = asyncio.get_running_loop().create_future()
        output = self._output[name] = {1: bytearray(), 2: bytearray()}
        try:
            self._order(
                "exec",
                machine=machine_id,
                command=name,
                argv=list(command.argv),
                stdin=command.stdin,
                timeout=command.timeout,
                limit=limit,
            )
            told = await future
        finally:
            if not future.done() or future.cancelled():
                self._order("give_up", machine=machine_id, command=name)
            del self._waiting[name], self._output[name]
        if told.get("gone"):
            raise RuleError("not_running", "the machine is not running")
        return Ran(
            code=int(str(told.get("code", 0))),
            signal=int(str(told.get("signal", 0))),
            stdout=bytes(output[1]),
            stderr=bytes(output[2]),
            truncated=bool(told.get("truncated")),
            timed_out=bool(told.get("timed_out")),
            why=str(told.get("why", "")),
        )

    def heard(self, report: dict[str, object]) -> None:
        """A report of the supervisor about a command; nobody may wait for it any more."""
        match report:
            case {"output": str(name), "stream": int(stream), "data": str(data)} if name in self._output:
                self._output[name][stream] += base64.b64decode(data)
            case {"ran": str(name)} if name in self._waiting and not self._waiting[name].done():
                self._waiting[name].set_result(report)

    def close(self) -> None:
        """The supervisor is gone or going."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(RuleError("unavailable", "the platform is stopping"))
