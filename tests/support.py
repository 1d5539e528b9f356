"""What several kinds of tests share: deadlines instead of sleeps, the browser, and a look at what still runs."""

import asyncio
import ctypes
import inspect
import os
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

ROOT = Path(__file__).resolve().parents[1]
# When asked to, tests that leave much to chance try as often as docs/reliability.md says, which takes minutes.
THOROUGH = os.environ.get("FLYLAB_THOROUGH") == "1"
# Pictures of whole pages are for people to look at, and drawing them takes a browser longer than the test.
PICTURES = os.environ.get("FLYLAB_PICTURES") == "1"

# Headless, as root too, and silent: without the resolver rule Chromium looks up its maker's hosts at every start.
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost",
]
NO_CHROMIUM = "no Chromium found: install it (Debian, Ubuntu: apt-get install chromium) or name it in $CHROMIUM"
_PR_SET_CHILD_SUBREAPER = 36  # prctl(2)


def chromium_path() -> str | None:
    """The browser to drive: $CHROMIUM, else the first of the usual names on PATH; None without one."""
    named = os.environ.get("CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
    return next(filter(None, map(shutil.which, names)), None)


def is_outside(url: str) -> bool:
    """Whether a browser has to leave this machine for ``url``."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    local = host in ("127.0.0.1", "::1", "localhost") or host.endswith(".localhost")
    return parts.scheme in ("http", "https", "ws", "wss") and not local


def outside_requests(context: Any) -> list[str]:
    """The addresses that a Playwright context asks for outside this machine: a list that grows as they happen."""
    seen: list[str] = []
    context.on("request", lambda request: seen.append(request.url) if is_outside(request.url) else None)
    return seen


async def until(condition: Callable[[], Any], seconds: float = 10.0, *, what: str = "") -> Any:
    """The first true answer of ``condition``, a plain or an async function; fails the test after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what or inspect.getsource(condition).strip()}")
        await asyncio.sleep(0.01)


def wait_until(condition: Callable[[], Any], seconds: float = 10.0, *, what: str = "") -> Any:
    """``until`` for tests without an event loop."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what or inspect.getsource(condition).strip()}")
        time.sleep(0.01)
    return answer


def adopt_orphans(*, on: bool = True) -> None:
    """Let descendants come back to this process when their parent dies (Linux), so that none gets out of sight."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(on), 0, 0, 0)


def bury_orphans(known: set[int]) -> None:
    """Collect the dead that were adopted; ``known`` are children from before, which their starters collect."""
    for process in psutil.Process().children():
        with suppress(psutil.NoSuchProcess, ChildProcessError):
            if process.pid not in known and process.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(process.pid, os.WNOHANG)


def is_running(pid: int) -> bool:
    """Whether a process lives; one that is dead and only not collected yet does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def descendants() -> dict[int, str]:
    """Process id → command line of everything that this process started, directly or not, and that still runs."""
    found: dict[int, str] = {}
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = " ".join(process.cmdline()) or process.name()
    return found
