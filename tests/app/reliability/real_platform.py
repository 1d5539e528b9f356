"""The local platform of one campaign with the machines of two apps on it, and the means to harm each of them."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from app.store import Store, open_store
from flylab.kit.platform import Platform
from tests.app.reliability.real_store import make_trouble
from tests.support import is_running

REGIONS = ("ams", "iad", "nrt")
ROOMS = ("ams", "iad", "nrt", "ams")  # one machine for rooms in each of these
LOBBIES = ("ams", "iad")
IMAGES = {
    "real/good": "tests.app.reliability.real_machine",
    "real/unfenced": "tests.app.reliability.real_unfenced",
    "real/hasty": "tests.app.reliability.real_hasty",
}
READY = 60.0  # seconds, on a computer that is busy with other tests
PATIENCE = 30.0

# Short times, so that much happens in little; docs/rooms.md has what they mean and their defaults.
ENV = {
    "STORAGE_SECONDS": "3",
    "VERIFY_SECONDS": "1",
    "ORDER_PAUSE_SECONDS": "0",
    "SLEEP_SECONDS": "1",
    "LIMIT_SNAPSHOT_ENTRIES": "25",
    "ROOM_REGIONS": ",".join(REGIONS),
    "MOST_MACHINES": str(len(ROOMS)),
}


@dataclass(frozen=True, slots=True)
class Spot:
    """One machine, by app and id; it stays the same through all of its lives."""

    app: str
    id: str


class Ground:
    """A platform in ``folder``, started by `start` and taken away by `close`."""

    def __init__(self, folder: Path, *, seed: int, image: str = "real/good") -> None:
        self.folder = folder
        self.rooms: list[Spot] = []
        self.lobbies: list[Spot] = []
        self.store: Store = open_store((folder / "store").as_uri())
        self._seed = seed
        self._image = image
        self._troubles = folder / "troubles"
        self._port = 0
        self._platform: Platform | None = None
        self._http = httpx.AsyncClient(trust_env=False, timeout=10.0)

    @property
    def machines(self) -> list[Spot]:
        return self.rooms + self.lobbies

    @property
    def edges(self) -> dict[str, int]:
        """The port of each edge; others after the platform was started again."""
        assert self._platform is not None
        return {region: httpx.URL(url).port or 80 for region, url in self._platform.address.edges.items()}

    async def start(self) -> None:
        """Start the platform and all machines; they answer soon after."""
        self._troubles.mkdir(parents=True)
        images = "".join(
            f'[images."{name}"]\ncommand = ["{{python}}", "-m", "{module}"]\nenv = {{ PYTHONPATH = "{{project}}" }}\n'
            for name, module in IMAGES.items()
        )
        (self.folder / "images.toml").write_text(images)
        await self._up()
        api = await self.ask("GET", "/_flylab/platform")
        assert api is not None
        for app in ("rooms", "lobby"):
            await self.ask("POST", "/v1/apps", {"app_name": app, "org_slug": "personal"})
        self.rooms = [await self._make("rooms", region, self._image) for region in ROOMS]
        self.lobbies = [await self._make("lobby", region, "real/good") for region in LOBBIES]

    async def restart(self) -> None:
        """Kill the platform, with everything that runs on it, and start it again with what it had written down."""
        assert self._platform is not None
        self._platform.process.kill()
        await asyncio.to_thread(self._platform.stop)
        await self._up()

    async def close(self) -> None:
        """Leave nothing running."""
        await self._http.aclose()
        if self._platform is not None:
            await asyncio.to_thread(self._platform.stop)

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """An answer of the Machines API; None when it refuses, since the machine may be in any state by now."""
        async with asyncio.timeout(PATIENCE):
            while True:
                assert self._platform is not None
                address = self._platform.address
                headers = {"authorization": f"Bearer {address.token}"}
                try:
                    answer = await self._http.request(method, address.api + path, json=body, headers=headers)
                except httpx.TransportError:
                    await asyncio.sleep(0.1)  # it is being started again
                    continue
                return (answer.json() if answer.content else {}) if answer.is_success else None

    async def order(self, spot: Spot, what: str) -> bool:
        """Such as ``stop``, ``suspend`` or ``cordon``; false when the machine is not in a state for it."""
        return await self.ask("POST", f"/v1/apps/{spot.app}/machines/{spot.id}/{what}", {}) is not None

    async def state(self, spot: Spot) -> str:
        """The machine's state, as the platform sees it."""
        shown = await self.ask("GET", f"/v1/apps/{spot.app}/machines/{spot.id}")
        return "" if shown is None else str(shown["state"])

    async def log(self, spot: Spot) -> str:
        """The last lines that the machine printed."""
        assert self._platform is not None
        path = f"/_flylab/apps/{spot.app}/machines/{spot.id}/logs?lines=3000"
        return (await self._http.get(self._platform.address.api + path)).text

    def signal(self, spot: Spot, number: int) -> bool:
        """Signal the machine's process behind the platform's back; false when it has none now."""
        for pid, environ in self._processes():
            if f"FLY_MACHINE_ID={spot.id}".encode() in environ:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
                    return True
        return False

    @contextmanager
    def trouble(self, spot: Spot, trouble: Any, calm: Any) -> Iterator[None]:
        """Break the machine's connection to the store while the block runs."""
        make_trouble(self._troubles, spot.id, trouble)
        try:
            yield
        finally:
            make_trouble(self._troubles, spot.id, calm)

    async def heal(self) -> None:
        """See to it that every machine can be reached; one that is stopped is woken by its first visitor."""
        for spot in self.machines:
            self.signal(spot, signal.SIGCONT)
            await self.order(spot, "uncordon")
            await self.order(spot, "start")

    async def _up(self) -> None:
        port, state = str(self._port), str(self.folder / "platform")
        arguments = ("--seed", str(self._seed), "--state", state, "--images", str(self.folder / "images.toml"))
        self._platform = await asyncio.to_thread(
            Platform,
            regions=REGIONS,
            latency="off",
            arguments=(*arguments, "--api-port", port),
            log=self.folder / "platform.log",
            ready_seconds=READY,
        )
        self._port = httpx.URL(self._platform.address.api).port or 0

    async def _make(self, app: str, region: str, image: str) -> Spot:
        assert self._platform is not None
        address = self._platform.address
        env = ENV | {
            "ROOMS_APP": "rooms",
            "ROOMS_URL": (self.folder / "store").as_uri(),
            "TROUBLES": str(self._troubles),
            "FLY_API_TOKEN": address.token,
            "FLY_API_HOSTNAME": address.api,
        }
        concurrency = {"type": "connections", "soft_limit": 1000, "hard_limit": 2500}
        ports = [{"port": 80, "handlers": ["http"]}, {"port": 443, "handlers": ["tls", "http"]}]
        service = {"protocol": "tcp", "internal_port": 8080, "ports": ports, "autostart": True}
        config = {
            "image": image,
            "env": env,
            "guest": {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256},
            "services": [service | {"concurrency": concurrency}],
            "stop_config": {"signal": "SIGTERM", "timeout": "5s"},
        }
        made = await self.ask("POST", f"/v1/apps/{app}/machines", {"region": region, "config": config})
        assert made is not None, f"no machine for {app} in {region}"
        return Spot(app, str(made["id"]))

    def _processes(self) -> Iterator[tuple[int, bytes]]:
        """The processes of the machines: children of the platform's one child."""
        assert self._platform is not None
        for supervisor in _children(self._platform.process.pid):
            for pid in _children(supervisor):
                with suppress(OSError):
                    if is_running(pid):
                        yield pid, Path(f"/proc/{pid}/environ").read_bytes()


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
