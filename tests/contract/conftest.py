"""Where the contract holds: the local platform, and Fly itself when FLYLAB_CONTRACT_FLY=1 and FLY_API_TOKEN are set.

On Fly the suite makes and removes some dozens of the smallest machines, all of them in apps of its own which each test
deletes.
"""

import os
import secrets
import sys
from dataclasses import dataclass, replace

import httpx
import pytest

from flylab.client import Client
from flylab.client.client import FLY
from flylab.client.retry import RetryPolicy
from flylab.clock import SystemClock
from flylab.kit.configs import sleeper
from flylab.kit.platform import Platform
from flylab.wire.machine import Init, MachineConfig
from tests import api_coverage, openapi
from tests.support import ROOT

REGIONS = ("ams", "iad", "nrt")
ON_FLY = os.environ.get("FLYLAB_CONTRACT_FLY") == "1" and bool(os.environ.get("FLY_API_TOKEN"))


@dataclass(frozen=True)
class Service:
    """One implementation of the Machines API, and what differs in how it is used."""

    kind: str
    api: str
    token: str
    org: str

    @property
    def patience(self) -> float:
        """Seconds that a machine may take for a change of state."""
        return 20.0 if self.kind == "local" else 120.0

    def sleeper(self, **env: str) -> MachineConfig:
        """A machine that runs until it is stopped."""
        return replace(sleeper(self.kind), env=env)

    def leaver(self, code: int) -> MachineConfig:
        """A machine that ends at once with this status and is not restarted."""
        if self.kind == "local":
            return replace(sleeper("local"), image="local/exit", env={"EXIT_CODE": str(code)})
        return replace(sleeper("fly"), init=Init(exec=("sh", "-c", f"exit {code}")))


class Raw:
    """Bare HTTP to the same service, for the bodies that the client reads away."""

    def __init__(self, service: Service) -> None:
        self._http = httpx.AsyncClient(
            base_url=f"{service.api}/v1",
            headers={"authorization": f"Bearer {service.token}"},
            timeout=90,
            trust_env=service.kind == "fly",
            verify=service.kind == "fly",
        )

    async def __call__(self, method: str, path: str, **options: object) -> httpx.Response:
        while True:
            response = await self._http.request(method, path, **options)
            if response.status_code != 429:
                return response
            await SystemClock().sleep(RetryPolicy().rate_pause)  # the real service's limit, not the subject here

    async def close(self) -> None:
        await self._http.aclose()


@pytest.fixture(scope="session", params=["local", *(["fly"] if ON_FLY else [])])
def service(request, tmp_path_factory):
    if request.param == "fly":
        yield Service("fly", os.environ.get("FLY_API_HOSTNAME", FLY), os.environ["FLY_API_TOKEN"], "personal")
        return
    platform = Platform(regions=REGIONS, latency="off", log=tmp_path_factory.mktemp("platform") / "up.log")
    try:
        yield Service("local", platform.address.api, platform.address.token, platform.address.org)
    finally:
        platform.stop()


CALLING = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Mark the time of the test itself, apart from that of its fixtures."""
    item.stash[CALLING] = True
    try:
        return (yield)
    finally:
        item.stash[CALLING] = False


@pytest.fixture(scope="session")
def coverage_page():
    """The test files that docs/api-coverage.md names, by operation; None while the page is being written."""
    return None if "tests.api_coverage" in sys.orig_argv else api_coverage.read(api_coverage.PAGE.read_text())[1]


@pytest.fixture(autouse=True)
def documented(service, coverage_page, monkeypatch, request):
    """Every answer of our API in these tests is one that the official document describes, and docs/api-coverage.md says
    that these tests see it."""
    item, found, seen, file = request.node, [], set(), request.path.relative_to(ROOT).as_posix()
    send = httpx.AsyncClient.send

    async def sent(self, asked, **options):
        response = await send(self, asked, **options)
        if service.kind == "local" and not options.get("stream"):
            kind = response.headers.get("content-type", "")
            path = asked.url.raw_path.partition(b"?")[0].decode()
            found.extend(openapi.problems(asked.method, path, response.status_code, kind, response.content))
            if item.stash.get(CALLING, False):
                seen.add(api_coverage.seen_in(asked, response))
        return response

    monkeypatch.setattr(httpx.AsyncClient, "send", sent)
    yield
    assert found == []
    if coverage_page is not None:
        missing = sorted({key for key in seen - {None} if file not in coverage_page.get(key, ())})
        assert missing == [], "docs/api-coverage.md does not name this test: python -m tests.api_coverage"


@pytest.fixture
def local(service):
    """The local platform's address, for what it alone promises."""
    if service.kind != "local":
        pytest.skip("a promise of the local platform alone")
    return service


@pytest.fixture
async def client(service):
    async with Client(service.api, service.token) as client:
        yield client


@pytest.fixture
async def raw(service):
    raw = Raw(service)
    yield raw
    await raw.close()


@pytest.fixture
def name():
    """An app name that nobody has."""
    return f"contract-{secrets.token_hex(5)}"


@pytest.fixture
async def app(client, service, name):
    """An app of the test's own."""
    await client.create_app(name, service.org)
    yield name
    await client.delete_app(name, force=True)


@pytest.fixture
async def machine(client, service, app):
    """A started machine in it."""
    made = await client.create_machine(app, service.sleeper(), region="ams", name="first")
    await client.wait(app, made.id, "started", timeout=service.patience)
    return await client.machine(app, made.id)
