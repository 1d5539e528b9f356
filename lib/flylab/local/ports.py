"""TCP ports for machines: outside the range that the kernel hands out, and never the same for two platforms at once."""

import contextlib
import fcntl
import os
import socket
import tempfile
from pathlib import Path
from random import Random

from flylab.errors import LocalError

FIRST, LAST = 10_000, 32_000  # below Linux's default ephemeral range, 32768 to 60999
_FEW = 1000  # our choice: with fewer ports than that left below the ephemeral range, it is shared
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


class Ports:
    """The ports that one platform has claimed, each by a locked file in a folder that all platforms of a user share."""

    def __init__(self, rng: Random, folder: Path | None = None, *, span: range | None = None) -> None:
        self._rng = rng
        self._folder = folder or Path(tempfile.gettempdir()) / f"flylab-ports-{os.getuid()}"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as exc:
            raise LocalError(f"cannot keep track of ports in {self._folder}: {exc.strerror or exc}") from exc
        self._locks: dict[int, int] = {}
        self._range = usable(_ephemeral()) if span is None else span

    def claim(self) -> int:
        """A port that nobody uses and no other platform will be given; ``release`` it."""
        start = self._rng.randrange(len(self._range))
        for step in range(len(self._range)):
            port = self._range[(start + step) % len(self._range)]
            if port not in self._locks and self._lock(port):
                if _is_free(port):
                    return port
                self.release(port)
        raise LocalError(f"no free port between {self._range.start} and {self._range.stop} is left on 127.0.0.1")

    def release(self, port: int) -> None:
        # The file goes before the lock: whoever locks a file that is gone notices it in `_lock`.
        (self._folder / str(port)).unlink(missing_ok=True)
        os.close(self._locks.pop(port))

    def close(self) -> None:
        for port in list(self._locks):
            self.release(port)

    def _lock(self, port: int) -> bool:
        path = self._folder / str(port)
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.stat().st_ino == os.fstat(lock).st_ino:
                self._locks[port] = lock
                return True
        os.close(lock)
        return False


def usable(ephemeral: str) -> range:
    """The ports for machines when the kernel hands out those of ``ephemeral``, ``"32768\t60999"`` as a rule."""
    lowest = ephemeral.split(maxsplit=1)[0] if ephemeral.strip() else ""
    ours = int(lowest) if lowest.isdecimal() else LAST
    return range(FIRST, min(LAST, ours) if ours > FIRST + _FEW else LAST)


def _ephemeral() -> str:
    try:
        return EPHEMERAL.read_text()
    except OSError:
        return ""


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
