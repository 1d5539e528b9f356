"""A server to be compared: how it is started, and in which dialect it is spoken to."""

import asyncio
import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from flylab.local.descendants import die_with_parent
from flylab.measure.frames import upgrade
from roomload.dialect import Dialect, entrance

ROOT = Path(__file__).parents[2]
MEMORY = Path("/dev/shm")
PREFIX = "rooms-bench-"
START = 15.0


@dataclass(frozen=True)
class Peer:
    """``command`` may contain ``{port}`` and ``{folder}`` (a new one for each start), and so may ``env``."""

    name: str
    dialect: str  # a key of the DIALECTS of roomload.dialect or peers.dialects
    command: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    loads: frozenset[str] | None = None  # what it is asked to do; None: everything

    def can(self, load: str) -> bool:
        return self.loads is None or load in self.loads

    @contextlib.contextmanager
    def running(self, core: int) -> Iterator[tuple[int, int, float]]:
        """Its port, its process and when it was spawned; it listens soon. Ends with the block, or with us."""
        with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-", dir=store()) as folder:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            fill = {"port": str(port), "folder": folder}
            spawned = time.perf_counter()
            process = subprocess.Popen(
                [*pinned(core), *(word.format(**fill) for word in self.command)],
                cwd=ROOT,
                env={**os.environ, **{name: value.format(**fill) for name, value in self.env.items()}},
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=_in_the_child,  # noqa: PLW1509 - this process has no threads
            )
            try:
                yield port, process.pid, spawned
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


def _in_the_child() -> None:
    die_with_parent()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


def pinned(core: int) -> list[str]:
    """What to put before a command so that it keeps to one core, where there are several."""
    return ["taskset", "-c", str(core)] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else []


def store() -> str:
    """Where the folders of all servers are: in memory, so that code is compared and not who waits for a disk."""
    return str(MEMORY) if os.access(MEMORY, os.W_OK) else tempfile.gettempdir()


def sweep() -> None:
    """Remove the folders that earlier processes left which were killed."""
    for folder in Path(store()).glob(f"{PREFIX}*-*"):
        owner = folder.name.removeprefix(PREFIX).split("-")[0]
        if owner.isdecimal() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(folder, ignore_errors=True)


_MANY = "1000000"
FLYLAB = Peer(
    "flylab",
    "flylab",
    (sys.executable, "-m", "app"),
    env={
        "PORT": "{port}", "ROOMS_URL": "file://{folder}",
        "LIMIT_MEMBERS": "60000", "LIMIT_CONNECTIONS": _MANY, "LIMIT_ROOMS": _MANY,
        "LIMIT_MESSAGES_PER_SECOND": _MANY, "LIMIT_BURST": _MANY,
        "LIMIT_NEW_ROOMS_PER_SECOND": _MANY, "LIMIT_NEW_ROOMS_BURST": _MANY,
    },
)  # fmt: skip


def wait_until_open(port: int) -> None:
    """Return once connections are accepted."""
    deadline = time.perf_counter() + START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.perf_counter() > deadline:
                raise
            time.sleep(0.001)
        else:
            return


def first_message(port: int, dialect: Dialect) -> None:
    """Come in and hear a line of one's own, as soon as the server lets us."""
    wait_until_open(port)
    path = asyncio.run(entrance(dialect, "cold", port))
    with socket.create_connection(("127.0.0.1", port), timeout=START) as sock:
        sock.sendall(upgrade(path, port=port))
        heard = b""
        while b"\r\n\r\n" not in heard:
            heard += _some(sock)
        sock.sendall(dialect.hello(binary=False))
        # What comes before the end of the introduction is lost on some servers.
        while dialect.introduces and b"welcome" not in heard:
            heard += _some(sock)
        sock.sendall(dialect.say(1, "0 0 first"))
        while not dialect.said(heard, 0, len(heard)):
            heard += _some(sock)


def _some(sock: socket.socket) -> bytes:
    data = sock.recv(65_536)
    if not data:
        raise ConnectionError("the server closed the connection")
    return data
