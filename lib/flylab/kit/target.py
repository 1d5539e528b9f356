"""Where a chapter runs: ``connect()`` gives the same handle for the local platform and for Fly itself.

It names what a chapter creates after the run, so that chapters can work side by side, and removes it again: in the
cleanup cell, or when the process ends without having reached it.
"""

import asyncio
import atexit
import contextlib
import json
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import httpx

from flylab.client import Client
from flylab.client.errors import TransportError
from flylab.errors import UsageError
from flylab.kit import project
from flylab.kit.ending import unless_it_ends
from flylab.kit.platform import Attached, Platform, Settings, running
from flylab.wire.machine import Machine, MachineConfig

if TYPE_CHECKING:
    from flylab.kit.follow import Follower  # it draws, and a command that draws nothing must not wait for that

TARGETS = ("local", "fly")
USD_PER_HOUR = 0.00305  # shared-cpu-1x, 256 MB, base regions: p007 of published/prices.csv, of 2026-10
DEAREST_REGION = 1.62  # São Paulo's multiplier, the highest of published/prices.csv
HOURS_AT_MOST = 1.0  # what a machine is reckoned with, however short the chapter
LABEL = "flylab_run"  # the metadata key that names the run a machine belongs to


class Lab:
    """One chapter's hold on its target; ``await lab.close()`` removes whatever the chapter created."""

    def __init__(
        self,
        api: Client,
        *,
        target: str,
        chapter: str,
        org: str,
        edges: dict[str, str],
        token: str,
        platform: Platform | Attached | None = None,
        budget_usd: float = 0.0,
    ) -> None:
        self.api = api
        self.target = target
        self.chapter = chapter
        self.org = org
        self.edges = edges
        self.platform = platform
        self.budget_usd = budget_usd
        self.run_id = secrets.token_hex(3)
        self.apps: list[str] = []
        self.created = 0
        self._token = token
        self._clients: dict[tuple[str, str], httpx.AsyncClient] = {}
        self._followers: list[Follower] = []
        atexit.register(self.remove_leftovers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def visitors(self) -> list[str]:
        """Where visitors can come from: every edge of the local platform; on Fly only where this computer is."""
        return list(self.edges) if self.target == "local" else ["here"]

    @property
    def place(self) -> str:
        """Where what is measured happens, for a title: ``on this computer`` or ``on Fly``."""
        return "on this computer" if self.target == "local" else "on Fly"

    def name(self, what: str) -> str:
        """A name that nobody else uses: ``c03-rooms-1a2b3c``; ``control-rooms-1a2b3c`` without a chapter's number."""
        return f"{'c' if self.chapter.isdigit() else ''}{self.chapter}-{what}-{self.run_id}"

    async def create_app(self, what: str, *, network: str | None = None) -> str:
        """Create an app of a name of its own and remember to delete it; on Fly it also gets a shared address."""
        name = self.name(what)
        self.apps.append(name)
        await self.api.create_app(name, org=self.org, network=network)
        if self.target == "fly":
            headers = {"authorization": _bearer(self._token)}
            async with httpx.AsyncClient(base_url=self.api.base_url, headers=headers) as http:
                answer = await http.post(f"/apps/{name}/ip_assignments", json={"type": "shared_v4"})
                answer.raise_for_status()
        return name

    async def create_machine(self, app: str, config: MachineConfig, **options: Any) -> Machine:
        """Create a machine that carries the run's label; on Fly only within the budget."""
        self._spend()
        labelled = replace(config, metadata={**config.metadata, LABEL: self.run_id})
        return await self.api.create_machine(app, labelled, **options)

    def visitor(self, region: str, app: str) -> httpx.AsyncClient:
        """A client whose requests enter at that region's edge, with the app's host name; build it before timing it."""
        key = (region, app)
        if key not in self._clients:
            if self.target == "local":
                headers = {"host": f"{app}.fly.dev", "x-flylab-trace": "1"}
                self._clients[key] = httpx.AsyncClient(
                    base_url=self._edge(region), headers=headers, verify=False, trust_env=False, timeout=30.0
                )
            else:
                self._clients[key] = httpx.AsyncClient(base_url=f"https://{app}.fly.dev", timeout=60.0)
        return self._clients[key]

    def room_url(self, app: str, region: str) -> str:
        """Where a browser finds the app when it enters at that region's edge; the app is chosen by the host name."""
        if self.target == "fly":
            return f"https://{app}.fly.dev"
        port = httpx.URL(self._edge(region)).port
        return f"http://{app}.localhost:{port}"

    def store_url(self, app: str) -> str:
        """The object store for an app's rooms: a folder of the platform's state, or the bucket FLYLAB_STORE names."""
        if self.target == "fly":
            store = os.environ.get("FLYLAB_STORE")
            if not store:
                raise UsageError("target=fly needs an object store: name it in FLYLAB_STORE, for example s3://bucket")
            return f"{store.rstrip('/')}/{app}"
        assert self.platform is not None
        return f"file://{self.platform.address.state}/stores/{app}"

    async def follow(self, stream: str = "events") -> "Follower":
        """Follow one of the local platform's streams: ``events`` of machines, or ``exchanges`` at the edges."""
        from flylab.kit.follow import Follower

        assert self.platform is not None, "Fly has no such stream"
        follower = await Follower(f"{self.platform.address.api}/_flylab/{stream}", self._token).started()
        self._followers.append(follower)
        return follower

    async def revive(self) -> bool:
        """Start the platform again when it is ours and has ended; what was there is gone then, and this is true."""
        old = self.platform
        if not isinstance(old, Platform) or old.alive:
            return False
        regions, latency, arguments = old.options
        # In a thread: it takes a second, in which whoever draws must not wait.
        self.platform = await asyncio.to_thread(
            Platform.shared, self.chapter, regions=regions, latency=latency, arguments=arguments, log=old.log
        )
        where = self.platform.address
        self.edges = {region: where.edges[region] for region in self.edges}
        self._token = where.token
        self.apps.clear()
        await self._disconnect()
        self.api = Client(where.api, where.token)
        return True

    async def _disconnect(self) -> None:
        for follower in self._followers:
            await follower.stop()
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()
        self._followers.clear()
        await self.api.close()

    async def close(self) -> None:
        """Delete the run's apps with their machines, close all connections, and end the platform if it is ours.

        A local platform that has ended has taken its apps along, which is said and is no error.
        """
        try:
            there = not self.apps or await unless_it_ends(self.platform, self._delete_apps)
        except TransportError as error:
            if self.target == "fly" or error.sent:
                raise
            there = False  # somebody else's, and nobody listens there any more
        if not there:
            print(f"The local platform had ended before; what it had went with it: {', '.join(self.apps)}.")
            self.apps.clear()
        await self._disconnect()
        atexit.unregister(self.remove_leftovers)
        if self.platform is not None:
            self.platform.stop()

    async def _delete_apps(self) -> None:
        for app in list(self.apps):
            await self.api.delete_app(app, force=True)
            self.apps.remove(app)

    async def finish(self) -> None:
        """The cleanup cell: in JupyterLab a local platform stays up, so that the controls work; else ``close()``."""
        if project.interactive() and self.target == "local":
            print("The platform stays up for the controls above; it ends with this kernel.")
        else:
            await self.close()

    def _edge(self, region: str) -> str:
        try:
            return self.edges[region]
        except KeyError:
            raise UsageError(f"there is no edge in {region!r}; there are {', '.join(self.edges)}") from None

    def _spend(self) -> None:
        self.created += 1
        most = cost_bound(self.created)
        if self.target == "fly" and most > self.budget_usd:
            count, self.created = self.created, self.created - 1
            raise UsageError(f"{count} machines on Fly may cost {most:.4f} USD; budget_usd is {self.budget_usd:g}")

    def remove_leftovers(self) -> None:
        """At the end of the process: delete what a chapter that failed left on a platform that is not its own."""
        if self.platform is not None and self.platform.own:
            return
        for app in self.apps:
            with contextlib.suppress(httpx.HTTPError):
                address = f"{self.api.base_url}/apps/{app}?force=true"
                httpx.delete(address, headers={"authorization": _bearer(self._token)}, timeout=20)


def cost_bound(machines: int) -> float:
    """The most that so many small machines can cost in USD, reckoned with a whole hour each in the dearest region."""
    return machines * HOURS_AT_MOST * USD_PER_HOUR * DEAREST_REGION


def allowed(budget_usd: float) -> str:
    """The token for Fly; UsageError when a run there was not made possible or not allowed."""
    token = os.environ.get("FLY_API_TOKEN")
    if not token:
        raise UsageError("target=fly needs an access token in the environment variable FLY_API_TOKEN")
    host = os.environ.get("FLY_API_HOSTNAME", "")
    if re.search(r"//(127\.|localhost\b|\[::1\])", host):
        raise UsageError(f"target=fly, but FLY_API_HOSTNAME is {host}, a local platform: unset it, or run target=local")
    if budget_usd <= 0:
        raise UsageError("target=fly creates machines that cost money: allow an amount with budget_usd")
    return token


async def connect(
    target: str = "local",
    *,
    chapter: str,
    regions: Sequence[str] = (),
    latency: str = "measured",
    budget_usd: float = 0.0,
    settings: Settings | None = None,
) -> Lab:
    """Start or find the platform and return a chapter's handle on it; running the cell again gives a fresh handle.

    ``settings`` are those of the local platform, by table and name; Fly has its own.
    """
    if target not in TARGETS:
        raise UsageError(f"target is {target!r}; it can be {' or '.join(TARGETS)}")
    if target == "fly":
        token = allowed(budget_usd)
        org = os.environ.get("FLYLAB_ORG", "personal")
        return Lab(
            Client.from_env(), target=target, chapter=chapter, org=org, edges={}, token=token, budget_usd=budget_usd
        )
    platform = running(chapter, regions=regions, latency=latency, settings=settings)
    where = platform.address
    edges = {region: where.edges[region] for region in regions} if regions else dict(where.edges)
    api = Client(where.api, where.token)
    return Lab(api, target=target, chapter=chapter, org=where.org, edges=edges, token=where.token, platform=platform)


def trace(answer: httpx.Response) -> dict[str, Any]:
    """The hops of an exchange, from the local edge's answer; UsageError where there is none (on Fly)."""
    text = answer.headers.get("x-flylab-trace")
    if not text:
        raise UsageError("this answer carries no trace: only the local platform's edges write one")
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def _bearer(token: str) -> str:
    return token if token.startswith(("Bearer ", "FlyV1 ")) else f"Bearer {token}"
