"""Processes below this one: adopting those that lose their parent, finding them all, ending them; Linux in the main.

It imports the standard library alone, because the supervisor does.
"""

import contextlib
import ctypes
import os
import signal
import sys
import time
from typing import Any

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent() -> None:
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of every process below us that loses its own."""
    if _libc is not None:
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def kill_group(leader: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def kill_below(root: int, patience: float) -> None:
    """SIGKILL every process below ``root``, which is ours, and reap until none is left or patience is over."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        for pid in descendants({root}, processes()):
            send(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def start_session(parent: int) -> None:
    """In a child just forked: a session of its own, signals as a program expects them, and no life after ``parent``."""
    os.setsid()
    die_with_parent()
    if os.getppid() != parent:  # it died in between
        os._exit(1)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)


def descendants(roots: set[int], table: list[tuple[int, int, int]]) -> set[int]:
    """Every process below ``roots``, themselves left out."""
    below = set(roots)
    while found := {pid for pid, parent, _ in table if parent in below} - below:
        below |= found
    return below - roots


def processes() -> list[tuple[int, int, int]]:
    """(pid, parent, session) of every process that /proc shows; empty where there is no /proc."""
    found = []
    for name in os.listdir("/proc") if sys.platform == "linux" else ():
        if name.isdecimal():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                fields: list[Any] = file.read().rpartition(b")")[2].split()
                found.append((int(name), int(fields[1]), int(fields[3])))
    return found


def environment(pid: int) -> list[bytes]:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:
        return file.read().split(b"\0")
    return []
