"""Commands beside a machine's own process, for the exec endpoint: the supervisor's half, of the standard library alone.

A command has the machine's environment and folder and a session of its own; it ends with its time or its machine, at
the latest. Its output is passed on in pieces, up to a limit, and read on beyond so that nobody is blocked by it.

    {"do": "exec", "machine", "command", "argv", "stdin", "timeout", "limit"}   {"do": "give_up", "machine", "command"}
    {"output": id, "stream": 1 | 2, "data": base64}
    {"ran": id, "code", "signal", "truncated", "timed_out"}   or   {"ran": id, "why"}   or   {"ran": id, "gone"}
"""

import base64
import contextlib
import errno
import os
import selectors
import signal
import time
from collections.abc import Callable
from typing import NoReturn

from flylab.local.descendants import descendants, kill_group, processes, send, start_session

PIECE = 32_768  # bytes of output in one report; a report is one line of bounded length
Report = Callable[..., None]


class Execution:
    """One command, from its fork to its end."""

    def __init__(self, name: str, pid: int, *, pipes: tuple[int, int, int, int], limit: int, deadline: float) -> None:
        self.name, self.pid, self.deadline = name, pid, deadline
        self.stdin, self.trouble = pipes[0], pipes[3]
        self.streams = {pipes[1]: 1, pipes[2]: 2}
        self.left = {1: limit, 2: limit}
        self.unsent = b""
        self.truncated = self.timed_out = False


class Executions:
    """All commands that run; the supervisor tells who has ended and asks for the next deadline."""

    def __init__(self, selector: selectors.BaseSelector, report: Report) -> None:
        self._selector = selector
        self._report = report
        self._by_pid: dict[int, tuple[str, Execution]] = {}  # with the machine

    def start(
        self,
        machine: str,
        name: str,
        argv: list[str],
        env: dict[str, str],
        cwd: str,
        stdin: str,
        timeout: float,
        limit: int,
    ) -> None:
        ends: list[int] = []
        try:
            for _ in range(4):  # input, output, errors, and what went wrong before the program ran
                ends += os.pipe()
            parent = os.getpid()
            pid = os.fork()
        except OSError as exc:
            for end in ends:
                os.close(end)
            self._report(ran=name, why=str(exc))
            return
        theirs = (ends[0], ends[3], ends[5], ends[7])
        if pid == 0:
            _become(argv, env, cwd, theirs, parent)
        for end in theirs:
            os.close(end)
        ours = (ends[1], ends[2], ends[4], ends[6])
        execution = Execution(name, pid, pipes=ours, limit=limit, deadline=time.monotonic() + timeout)
        execution.unsent = stdin.encode()
        self._by_pid[pid] = (machine, execution)
        for fd in execution.streams:
            os.set_blocking(fd, False)
            self._selector.register(fd, selectors.EVENT_READ, lambda fd=fd: self._read(execution, fd))
        os.set_blocking(execution.stdin, False)
        self._selector.register(execution.stdin, selectors.EVENT_WRITE, lambda: self._write(execution))

    def deadlines(self) -> list[float]:
        return [execution.deadline for _, execution in self._by_pid.values() if not execution.timed_out]

    def overdue(self, now: float) -> None:
        for _, execution in self._by_pid.values():
            if execution.deadline <= now and not execution.timed_out:
                execution.timed_out = True
                _kill(execution.pid)

    def give_up(self, name: str) -> None:
        """Nobody waits for this one any more."""
        for _, execution in self._by_pid.values():
            if execution.name == name:
                _kill(execution.pid)

    def signal(self, machine: str, number: int) -> None:
        """To every process group of the machine's commands."""
        for owner, execution in self._by_pid.values():
            if owner == machine:
                _send(execution.pid, number)

    def ended(self, pid: int, status: int) -> bool:
        """Report the end of a command; false when that process is none."""
        if pid not in self._by_pid:
            return False
        _, execution = self._by_pid.pop(pid)
        if execution.stdin >= 0:
            self._close(execution.stdin)
            execution.stdin = -1
        for fd in list(execution.streams):
            while self._read(execution, fd):  # what is in the pipe already; its own children may still hold it open
                pass
            if execution.streams.pop(fd, 0):
                self._close(fd)
        trouble = os.read(execution.trouble, 64)
        os.close(execution.trouble)
        if trouble:
            self._report(ran=execution.name, why=os.strerror(int(trouble)))
            return True
        by_signal = os.WIFSIGNALED(status)
        self._report(
            ran=execution.name,
            code=0 if by_signal else os.WEXITSTATUS(status),
            signal=os.WTERMSIG(status) if by_signal else 0,
            truncated=execution.truncated,
            timed_out=execution.timed_out,
        )
        return True

    def _read(self, execution: Execution, fd: int) -> bool:
        """Pass one piece on; false when there is none now or never again."""
        if fd not in execution.streams:  # closed in this very turn of the selector
            return False
        try:
            data = os.read(fd, PIECE)
        except BlockingIOError:
            return False
        stream = execution.streams[fd]
        if not data:
            del execution.streams[fd]
            self._close(fd)
            return False
        kept = data[: execution.left[stream]]
        execution.left[stream] -= len(kept)
        execution.truncated |= len(kept) < len(data)
        if kept:
            self._report(output=execution.name, stream=stream, data=base64.b64encode(kept).decode())
        return execution.left[stream] > 0  # a flood is not read to its end once its process is gone

    def _write(self, execution: Execution) -> None:
        if execution.stdin < 0:
            return
        try:
            execution.unsent = execution.unsent[os.write(execution.stdin, execution.unsent[:PIECE]) :]
        except BlockingIOError:
            return
        except OSError:  # it does not read
            execution.unsent = b""
        if not execution.unsent:
            self._close(execution.stdin)
            execution.stdin = -1

    def _close(self, fd: int) -> None:
        self._selector.unregister(fd)
        os.close(fd)


def _kill(pid: int) -> None:
    below = descendants({pid}, processes())  # also what has left its group
    _send(pid, signal.SIGKILL)
    for each in below:
        send(each, signal.SIGKILL)


def _send(pid: int, number: int) -> None:
    kill_group(pid, number)
    send(pid, number)  # it may not lead a group yet


def _become(argv: list[str], env: dict[str, str], cwd: str, pipes: tuple[int, int, int, int], parent: int) -> NoReturn:
    """In the forked child: turn into the command."""
    try:
        start_session(parent)
        os.chdir(cwd)
        for target, source in enumerate(pipes[:3]):
            os.dup2(source, target)
        os.execvpe(argv[0], argv, env)
    except (OSError, ValueError) as exc:
        with contextlib.suppress(OSError):
            os.write(pipes[3], str(getattr(exc, "errno", None) or errno.EINVAL).encode())
    finally:
        os._exit(127)
