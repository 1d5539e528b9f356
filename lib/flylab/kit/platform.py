"""The local platform as a child of this process: it dies with us, however we die, and a second start finds the first.

The platform watches the process that started it (the contract of ``flylab up``), so even SIGKILL of a kernel leaves
nothing behind. A session of its own keeps "Interrupt kernel", which signals the whole process group, away from it.
"""

import asyncio
import atexit
import contextlib
import hashlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import httpx

from flylab.errors import LocalError, UsageError
from flylab.kit import project

Settings = Mapping[str, Mapping[str, float | str | bool]]  # what ``flylab up --settings`` reads, by table and name

READY_SECONDS = 20.0  # our choice: it takes under a second; a loaded computer with two cores may need ten times that
STOP_SECONDS = 6.0  # `flylab up` ends within 5 s of SIGTERM
LOOK = 0.02  # seconds between looks whether one that no longer answers has ended; our choice
TAIL_LINES = 12


class NeverReady(LocalError):
    """The platform ended or stayed silent instead of getting ready; the text holds the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a platform is reached: what ``flylab up --json`` prints when it is ready."""

    api: str
    token: str
    org: str
    edges: dict[str, str]
    state: str

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Address":
        return cls(**{name: data[name] for name in ("api", "token", "org", "edges", "state")})


class Platform:
    """A running ``flylab up`` that belongs to this process."""

    own = True
    _shared: ClassVar[dict[str, "Platform"]] = {}

    def __init__(
        self,
        *,
        regions: Sequence[str] = (),
        latency: str = "measured",
        arguments: Sequence[str] = (),
        log: Path,
        ready_seconds: float = READY_SECONDS,
    ) -> None:
        command = [sys.executable, "-m", "flylab", "up", "--json", "--api-port", "0", "--edge-port", "0"]
        # Named, because a kernel may be killed before the child has looked who its parent is.
        command += ["--parent", str(os.getpid()), "--latency", latency, *arguments]
        if regions:
            command += ["--regions", ",".join(regions)]
        self.options = (tuple(regions), latency, tuple(arguments))
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:  # a file, because a full pipe would block the child
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=output, start_new_session=True
            )
        # Reaped at once: otherwise ipykernel, shutting down, keeps signalling the zombie for seconds.
        self._reaper = threading.Thread(target=self.process.wait, name="reap-platform", daemon=True)
        self._reaper.start()
        atexit.register(self.stop)
        try:
            self.address = Address.from_json(self._first_line(ready_seconds))
        except BaseException:
            self.stop()
            raise

    @classmethod
    def shared(cls, name: str, **options: Any) -> "Platform":
        """The platform of that name, started if it is not running; with other options the old one is stopped first."""
        wanted = (
            tuple(options.get("regions", ())),
            options.get("latency", "measured"),
            tuple(options.get("arguments", ())),
        )
        old = cls._shared.get(name)
        if old is not None and old.alive and old.options == wanted:
            return old
        if old is not None:
            old.stop()
        cls._shared[name] = cls(**options)
        return cls._shared[name]

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    async def ended(self) -> None:
        """Returns when it has ended.

        The sockets of a process close before it counts as ended: a moment before when it is killed, longer on a busy
        computer, and seconds when it ends by itself. So ``alive`` may still be true when nobody answers any more.
        """
        while self.alive:  # noqa: ASYNC110 -- the thread that waits for the process belongs to no loop
            await asyncio.sleep(LOOK)

    def stop(self) -> None:
        """End the platform and all its machines; twice does no harm."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
            self._reaper.join(STOP_SECONDS)
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
        self._reaper.join(STOP_SECONDS)
        if self.process.stdout:
            self.process.stdout.close()
        atexit.unregister(self.stop)

    def tail(self) -> str:
        """The last lines of the platform's log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-TAIL_LINES:])

    def _first_line(self, seconds: float) -> dict[str, Any]:
        assert self.process.stdout is not None
        pipe, text, deadline = self.process.stdout.fileno(), b"", time.monotonic() + seconds
        while not text.endswith(b"\n"):
            readable, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(pipe, 65536) if readable else b""
            if not chunk:
                why = "ended before it was ready" if readable else f"was not ready after {seconds:g} s"
                raise NeverReady(f"the local platform {why}; its log ({self.log}) ends:\n{self.tail() or '(empty)'}")
            text += chunk
        try:
            parsed: dict[str, Any] = json.loads(text)
        except ValueError as exc:
            raise NeverReady(f"the local platform said {text[:200]!r} instead of where it is") from exc
        return parsed


class Attached:
    """A platform that somebody else runs, named by FLYLAB_URL (its API) and FLYLAB_TOKEN; it is not ours to stop."""

    own = False
    alive = True

    def __init__(self, url: str, token: str) -> None:
        headers = {"authorization": f"Bearer {token}"}
        try:
            answer = httpx.get(f"{url.rstrip('/')}/_flylab/platform", headers=headers, trust_env=False, timeout=10)
            answer.raise_for_status()
            about = answer.json()
        except (httpx.HTTPError, ValueError) as exc:
            raise UsageError(f"no local platform answers at FLYLAB_URL={url}: {exc}") from exc
        self.address = Address(
            api=url.rstrip("/"),
            token=token,
            org=about.get("org", "personal"),
            edges=about["edges"],
            state=about.get("state", ""),
        )

    def stop(self) -> None:
        """Leave it running."""


def running(
    name: str, *, regions: Sequence[str] = (), latency: str = "measured", settings: Settings | None = None
) -> Platform | Attached:
    """The platform to work on: the one FLYLAB_URL names, else one of our own that ``name`` shares.

    Other delays than the measured ones, and other settings than the documented ones, always need a platform of our own:
    somebody else's has its own.
    """
    url = os.environ.get("FLYLAB_URL")
    if not url or latency != "measured" or settings:
        log = project.build() / "logs" / f"{name}-platform.log"
        arguments: tuple[str, ...] = ()
        if settings:
            text = to_toml(settings)
            # Named after what is in it, so that a platform with other settings is another one.
            path = log.with_name(f"{name}-{hashlib.blake2b(text.encode(), digest_size=4).hexdigest()}.toml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            arguments = ("--settings", str(path))
        return Platform.shared(name, regions=regions, latency=latency, arguments=arguments, log=log)
    attached = Attached(url, os.environ.get("FLYLAB_TOKEN", "local"))
    missing = [region for region in regions if region not in attached.address.edges]
    if missing:
        raise UsageError(f"the platform at {url} has no region {', '.join(missing)}")
    return attached


def to_toml(settings: Settings) -> str:
    """Tables of numbers, words and flags as TOML, which writes those as JSON does."""
    tables = (
        "\n".join((f"[{table}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())))
        for table, values in settings.items()
    )
    return "\n\n".join(tables) + "\n"


def shared_addresses() -> list[str]:
    """The APIs of the local platforms that this process works with."""
    own = [platform.address.api for platform in Platform._shared.values() if platform.alive]
    return own + ([url.rstrip("/")] if (url := os.environ.get("FLYLAB_URL")) else [])
