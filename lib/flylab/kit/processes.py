"""Keeps track of every process below this one, so that a run can end them all and prove that none is left."""

import contextlib
import ctypes
import os
import signal
import sys

import psutil

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def adopt_orphans() -> None:
    """Have the kernel hand orphaned descendants to us instead of to init, so that a leaked one is still ours to see.

    Linux only; elsewhere an orphan leaves our sight.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def living() -> list[psutil.Process]:
    """Every descendant that still runs; dead ones that nobody waited for are waited for here."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
            elif process.ppid() == os.getpid():
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(process.pid, os.WNOHANG)
    return found


def wait_for_none(seconds: float) -> list[psutil.Process]:
    """Those descendants that are still there after so many seconds."""
    left = living()
    deadline = seconds
    while left and deadline > 0:
        psutil.wait_procs(left, timeout=min(0.5, deadline))
        deadline -= 0.5
        left = living()
    return left


def end_all(grace: float = 5.0) -> list[psutil.Process]:
    """Ask every descendant to end, then make it; returns those that even SIGKILL did not end."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in living():
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                process.send_signal(number)
        if not wait_for_none(grace):
            return []
    return living()


def describe(processes: list[psutil.Process]) -> str:
    """Process ids with the start of their command lines."""
    words = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            words.append(f"{process.pid} ({' '.join(process.cmdline())[:90]})")
    return ", ".join(words)
