"""`/.fly/api` of real machines: the Machines API without a token, under the machine's own rights."""

import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.local.up import Up, up
from tests.support import wait_until

pytestmark = pytest.mark.usefixtures("nothing_left")

ASK = """
import http.client, json, os, socket, sys
class Door(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(os.environ["FLYLAB_API_SOCKET"])
def ask(method, path, body=None):
    door = Door("flaps", timeout=20)
    door.request(method, path, body and json.dumps(body), {"content-type": "application/json"})
    answer = door.getresponse()
    return answer.status, answer.read().decode()
me = "/v1/apps/%(FLY_APP_NAME)s/machines/%(FLY_MACHINE_ID)s" % os.environ
"""


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Up]:
    with up("--state", str(tmp_path / "state")) as running:
        running.app()
        yield running
        running.end()


def door(platform: Up, machine: dict[str, Any]) -> Path:
    return Path(platform.info["state"]) / "machines" / machine["id"] / "root" / ".fly" / "api"


@contextmanager
def through(path: Path) -> Iterator[httpx.Client]:
    """A client at the door; the state's folder may lie too deep for a socket's address."""
    with tempfile.TemporaryDirectory(prefix="door-", dir="/tmp") as near:
        link = Path(near) / "api"
        link.symlink_to(path)
        transport = httpx.HTTPTransport(uds=str(link))
        with httpx.Client(transport=transport, base_url="http://flaps", timeout=20) as client:
            yield client


def test_a_machine_suspends_itself(platform: Up) -> None:
    """DOCUMENTED reference/suspend-resume: POST …/suspend on the socket `/.fly/api`, with no token."""
    machine = platform.script(ASK + "print(ask('POST', me + '/suspend'), flush=True)\nwhile True: pass")
    platform.wait(machine, "suspended")
    platform.ok("POST", platform.path(machine, "/start"))
    assert "(200, '{\"ok\": true}')" in platform.wait_for_log(machine, "(200")
    events = [event["type"] for event in platform.ok("GET", platform.path(machine, "/events"))]
    assert "suspend" in events


def test_a_machine_changes_its_own_metadata(platform: Up) -> None:
    """OBSERVED-IN-CLIENT superfly/bfaas README: own metadata is readable and writable."""
    text = "print(ask('POST', me + '/metadata/k', {'value': 'v'}), ask('GET', me + '/metadata'), 'done')"
    machine = platform.script(ASK + text, restart={"policy": "no"})
    assert "(204, '') (200, '{\"k\": \"v\"}') done" in platform.wait_for_log(machine, "done")
    assert platform.ok("GET", platform.path(machine, "/metadata")) == {"k": "v"}


def test_rights_end_at_the_machine_and_secrets(platform: Up) -> None:
    platform.app("other")
    platform.ok("POST", "/v1/apps/app/secrets", {"values": {"S": "x"}})
    machine, neighbour = platform.create(), platform.create()
    platform.wait(machine, "started")
    with through(door(platform, machine)) as http:
        assert http.get("/v1/apps/app/machines").status_code == 200
        assert http.get(platform.path(neighbour)).status_code == 200
        assert http.get("/v1/platform/regions").status_code == 200
        for method, path in (
            ("POST", platform.path(neighbour, "/stop")),
            ("POST", platform.path(neighbour, "/metadata/k")),
            ("POST", "/v1/apps/app/machines"),
            ("DELETE", "/v1/apps/app"),
            ("GET", "/v1/apps/app/secrets"),
            ("GET", "/v1/apps/app/secrets/S?show_secrets=true"),
            ("POST", "/v1/apps/app/secrets"),
            ("POST", "/v1/apps/app/deploy_token"),
            ("GET", "/v1/apps/other"),
            ("GET", "/v1/apps?org_slug=personal"),
        ):
            answer = http.request(method, path)
            assert (answer.status_code, method, path) == (403, method, path)
        assert http.get("/v1/apps/free").status_code == 404
        oidc = http.post("/v1/tokens/oidc", json={"aud": "x"})
        assert (oidc.status_code, "Tokens_request_OIDC" in oidc.json()["error"]) == (501, True)
        (token,) = http.get("/v1/tokens/current").json()["tokens"]
        assert token["apps"] == ["app"]
        assert token["restricted_to_machine"] == token["source_machine_id"] == machine["id"]
    # The token of the organisation does not lend a machine more than its own rights, and none is asked for.
    with through(door(platform, machine)) as http:
        bearer = {"authorization": f"Bearer {platform.info['token']}"}
        assert http.post("/v1/apps/app/secrets", headers=bearer).status_code == 403


def test_it_is_there_while_the_machine_runs_and_for_its_owner_alone(platform: Up) -> None:
    machine = platform.create()
    platform.wait(machine, "started")
    path = door(platform, machine)
    mode = path.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600
    platform.ok("POST", platform.path(machine, "/stop"))
    platform.wait(machine, "stopped")
    assert not path.exists()
    platform.ok("POST", platform.path(machine, "/start"))
    platform.wait(machine, "started")
    with through(path) as http:
        assert http.get(platform.path(machine)).json()["id"] == machine["id"]
    platform.ok("DELETE", platform.path(machine), params={"force": "true"})
    platform.wait(machine, "destroyed")
    assert not path.exists()


def test_a_machine_that_cannot_start_leaves_none(platform: Up) -> None:
    machine = platform.create(image="local/process", init={"exec": ["/nowhere"]})
    platform.wait(machine, "failed")
    assert not door(platform, machine).exists()


def test_nothing_outside_is_removed_when_a_machine_puts_a_link_there(platform: Up, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "api").write_text("mine")
    script = f"import os; os.rename('.fly', 'moved'); os.symlink({str(outside)!r}, '.fly'); print('moved', flush=True)"
    machine = platform.script(script, restart={"policy": "no"})
    platform.wait_for_log(machine, "moved")
    platform.wait(machine, "stopped")
    assert (outside / "api").read_text() == "mine"
    platform.ok("POST", platform.path(machine, "/start"))
    wait_until(lambda: platform.log(machine).count("moved") == 2, what="a second start")
    platform.wait(machine, "stopped")
    assert (outside / "api").read_text() == "mine"


def test_a_long_path_is_told_as_seen_from_the_machine(tmp_path: Path) -> None:
    with up("--state", str(tmp_path / ("long" * 20))) as platform:
        platform.app()
        text = "print(os.environ['FLYLAB_API_SOCKET'], ask('GET', me)[0], 'done')"
        machine = platform.script(ASK + text, restart={"policy": "no"})
        assert ".fly/api 200 done" in platform.wait_for_log(machine, "done").splitlines()
        platform.end()


def test_fifty_at_once_have_one_each(platform: Up) -> None:
    machines = [platform.create(skip_launch=True) for _ in range(50)]
    for machine in machines:
        platform.ok("POST", platform.path(machine, "/start"))
    for machine in machines:
        platform.wait(machine, "started")
        with through(door(platform, machine)) as http:
            assert http.get("/v1/tokens/current").json()["tokens"][0]["restricted_to_machine"] == machine["id"]


def test_descriptors_are_given_back(platform: Up) -> None:
    folder = Path(f"/proc/{platform.info['pid']}/fd")
    machine = platform.create()
    platform.wait(machine, "started")
    with through(door(platform, machine)) as http:
        http.get("/v1/tokens/current")
    platform.ok("POST", platform.path(machine, "/stop"))
    platform.wait(machine, "stopped")
    before = len(list(folder.iterdir()))
    for _ in range(5):
        platform.ok("POST", platform.path(machine, "/start"))
        platform.wait(machine, "started")
        platform.ok("POST", platform.path(machine, "/stop"))
        platform.wait(machine, "stopped")
    wait_until(lambda: len(list(folder.iterdir())) <= before + 1, what="descriptors as before")
