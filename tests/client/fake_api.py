"""A Machines API of one process for the client's tests: it keeps apps and machines, and fails when told to.

It knows only what the client's care is about. How the API really behaves is the matter of tests/contract.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

from flylab.client import Client
from flylab.clock import SimulatedClock

TOKEN = "fake-token-0123456789"
URL = "http://127.0.0.1:4280"


@dataclass
class Fault:
    """Fails the next ``times`` requests whose ``METHOD /path`` ends so, before or after they were carried out."""

    match: str
    status: int = 0
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False  # carried out, and then the answer is lost or this status comes instead
    error: type[httpx.HTTPError] | None = None
    times: int = 1


class FakeApi:
    """State, faults and the log of what was asked (``requests``, with the simulated time of each in ``times``)."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.apps: dict[str, dict[str, object]] = {}
        self.machines: dict[str, dict[str, object]] = {}
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.times: list[float] = []
        self.bodies: list[object] = []
        self.headers: list[httpx.Headers] = []
        self.list_is_empty_for = 0
        self._ids = random.Random(1)

    def client(self, **options: object) -> Client:
        transport = httpx.MockTransport(self.answer)
        return Client(URL, TOKEN, transport=transport, clock=self.clock, rng=random.Random(2), **options)

    def fail(self, match: str, status: int = 0, **options: object) -> None:
        self.faults.append(Fault(match, status, **options))

    def count(self, request: str) -> int:
        return self.requests.count(request)

    async def run(self, work: Awaitable[object], *, step: float = 0.25, seconds: float = 3600) -> object:
        """Do ``work`` while simulated time passes; returns its result or raises its error."""
        task = asyncio.ensure_future(work)
        end = self.clock.now() + seconds
        try:
            while not task.done():
                assert self.clock.now() < end, "the client does not stop"
                await self.clock.advance(step)
            return task.result()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task

    async def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v1")
        asked = f"{request.method} {path}"
        self.requests.append(asked)
        self.times.append(self.clock.now())
        self.bodies.append(json.loads(request.content) if request.content else None)
        self.headers.append(request.headers)
        fault = next((fault for fault in self.faults if asked.endswith(fault.match)), None)
        if fault:
            fault.times -= 1
            if fault.times == 0:
                self.faults.remove(fault)
            if fault.after:
                await self._serve(request, path)
            if fault.error:
                raise fault.error("broken on purpose", request=request)
            return self._respond(fault.status, fault.body, fault.headers)
        return await self._serve(request, path)

    def _respond(self, status: int, body: object = None, headers: dict[str, str] | None = None) -> httpx.Response:
        content = body.encode() if isinstance(body, str) else b"" if body is None else json.dumps(body).encode()
        return httpx.Response(status, content=content, headers={"fly-request-id": "01FAKE-ams", **(headers or {})})

    def _refuse(self, status: int, text: str, code: str = "") -> httpx.Response:
        return self._respond(status, {"error": text} | ({"status": code} if code else {}))

    async def _serve(self, request: httpx.Request, path: str) -> httpx.Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return self._refuse(401, "Authenticate: token is not known")
        query = request.url.params
        body = json.loads(request.content) if request.content else {}
        match (request.method, *path.strip("/").split("/")):
            case ("POST", "apps"):
                if body["name"] in self.apps:
                    return self._refuse(422, "Name has already been taken", "name_taken")
                self.apps[body["name"]] = {"id": "a1", "name": body["name"], "organization": {"slug": body["org_slug"]}}
                return self._respond(201, {"id": "a1", "created_at": 1})
            case ("GET", "apps"):
                names = sorted(self.apps)
                start = int(query.get("cursor", "0"))
                page = {"total_apps": len(names), "apps": [self.apps[name] for name in names[start : start + 2]]}
                more = {"next_cursor": str(start + 2)} if start + 2 < len(names) else {}
                return self._respond(200, page | more)
            case ("GET", "apps", app) if app in self.apps:
                return self._respond(200, self.apps[app])
            case ("DELETE", "apps", app) if app in self.apps:
                if any(machine["app"] == app for machine in self.machines.values()) and query.get("force") != "true":
                    return self._refuse(412, "failed_precondition: the app has machines")
                del self.apps[app]
                return self._respond(202)
            case ("POST", "apps", app, "machines") if app in self.apps:
                return self._create(app, body)
            case ("GET", "apps", app, "machines") if app in self.apps:
                return self._list(app, query)
            case (method, "apps", app, "machines", machine_id, *rest) if (
                self.machines.get(machine_id, {}).get("app") == app
            ):
                return await self._machine(method, self.machines[machine_id], rest, query, body)
        return self._refuse(404, "not_found: machine not found")

    def _create(self, app: str, body: dict[str, object]) -> httpx.Response:
        for machine in self.machines.values():
            if body.get("name") and machine["name"] == body["name"]:
                return self._refuse(
                    409, f"already_exists: unique machine name violation, machine ID {machine['id']} has it"
                )
        machine_id = f"{self._ids.getrandbits(56):014x}"
        name = body.get("name") or f"quiet-star-{len(self.machines)}"
        machine = {
            "app": app,
            "id": machine_id,
            "name": name,
            "state": "created",
            "version": "V1",
            "config": body["config"],
        }
        self.machines[machine_id] = machine
        return self._respond(200, machine)

    def _list(self, app: str, query: httpx.QueryParams) -> httpx.Response:
        if self.list_is_empty_for:
            self.list_is_empty_for -= 1
            return self._respond(200, [])
        wanted = {key.removeprefix("metadata."): value for key, value in query.items() if key.startswith("metadata.")}
        found = [
            machine
            for machine in self.machines.values()
            if machine["app"] == app
            and all(machine["config"].get("metadata", {}).get(key) == value for key, value in wanted.items())
        ]
        return self._respond(200, found)

    async def _machine(
        self,
        method: str,
        machine: dict[str, object],
        rest: list[str],
        query: httpx.QueryParams,
        body: dict[str, object],
    ) -> httpx.Response:
        match (method, *rest):
            case ("GET",):
                return self._respond(200, machine)
            case ("POST",):
                if body.get("current_version") not in (None, machine["version"]):
                    return self._refuse(409, "aborted: current_version is not current")
                machine |= {"version": f"{machine['version']}+", "config": {**body["config"], "dns": {}}}
                return self._respond(200, machine)
            case ("DELETE",):
                del self.machines[str(machine["id"])]
                return self._respond(200, {"ok": True})
            case ("POST", "start"):
                machine["state"] = "started"
                return self._respond(200, {"previous_state": "stopped", "migrated": False, "new_host": False})
            case ("POST", "stop" | "cordon" | "uncordon"):
                machine["state"] = "stopped"
                return self._respond(200, {"ok": True})
            case ("POST", "suspend"):
                machine["state"] = "suspended"
                return self._respond(200, {"ok": True})
            case ("GET", "wait"):
                return await self._wait(machine, query)
        return self._refuse(404, "not_found: no such path")

    async def _wait(self, machine: dict[str, object], query: httpx.QueryParams) -> httpx.Response:
        seconds = int(query["timeout"])
        if not 1 <= seconds <= 60:
            return self._refuse(400, "invalid_argument: timeout must be between 1s and 1m")
        end = self.clock.now() + seconds
        while machine["state"] not in query["state"].split(","):
            if self.clock.now() >= end:
                text = f"deadline_exceeded: machine did not become {query['state']}, current state {machine['state']}"
                return self._refuse(408, text)
            await self.clock.sleep(0.5)
        return self._respond(200, {"ok": True, "state": machine["state"]})


def after(api: FakeApi, seconds: float, change: Callable[[], None]) -> "asyncio.Task[None]":
    """Change something in ``seconds`` of simulated time; the test keeps the task and awaits it."""

    async def later() -> None:
        await api.clock.sleep(seconds)
        change()

    return asyncio.ensure_future(later())
