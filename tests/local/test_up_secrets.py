"""Secrets of a real platform: they reach machines that start, and nothing else."""

import base64
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.local.up import Up, up
from tests.support import wait_until

pytestmark = pytest.mark.usefixtures("nothing_left")

SERVES = """
import http.server, os
address = "127.0.0.1", int(os.environ["PORT"])
http.server.HTTPServer(address, http.server.SimpleHTTPRequestHandler).serve_forever()
"""
SECRETS = "/v1/apps/app/secrets"
SHOW = "import json, os; print('ENV', json.dumps(dict(os.environ))); import time; time.sleep(3600)"


@pytest.fixture(scope="module")
def platform() -> Iterator[Up]:
    with up() as running:
        running.app()
        yield running
        running.end()


@pytest.fixture(autouse=True)
def fresh(platform: Up) -> Iterator[None]:
    yield
    platform.ok("DELETE", "/v1/apps/app", params={"force": "true"})
    platform.app()


@pytest.fixture(scope="module", autouse=True)
def nothing_left() -> None:
    """The platform of this module outlives each of its tests."""


def environment(platform: Up, machine: dict[str, Any], times: int = 1) -> dict[str, str]:
    """Of the last of so many starts of a machine that runs SHOW."""

    def lines() -> list[str]:
        return [line for line in platform.log(machine).splitlines() if line.startswith("ENV ") and line.endswith("}")]

    wait_until(lambda: len(lines()) >= times, what=f"start {times} in the log")
    found: dict[str, str] = json.loads(lines()[-1][4:])
    return found


def test_the_answers(platform: Up) -> None:
    """DOCUMENTED openapi Secrets_update, Secrets_list, Secret_get, Secret_create, Secret_delete."""
    set_two = platform.call("POST", SECRETS, {"values": {"B": "two", "A": "one"}})
    assert set_two.status_code == 200
    assert (set_two.json()["version"], [each["name"] for each in set_two.json()["secrets"]]) == (1, ["A", "B"])
    made = platform.call("POST", f"{SECRETS}/C", {"value": "three"})
    assert (made.status_code, made.json()["name"], made.json()["version"]) == (201, "C", 2)
    assert platform.ok("POST", SECRETS, {"values": {"A": None}})["version"] == 3
    listed = platform.ok("GET", SECRETS)["secrets"]
    assert [set(each) for each in listed] == [{"name", "digest", "created_at", "updated_at"}] * 2
    assert platform.ok("GET", f"{SECRETS}/B", params={"show_secrets": "true"})["value"] == "two"
    assert "value" not in platform.ok("GET", f"{SECRETS}/B")
    shown = platform.ok("GET", SECRETS, params={"show_secrets": "true", "min_version": "3"})["secrets"]
    assert {each["name"]: each["value"] for each in shown} == {"B": "two", "C": "three"}
    assert platform.ok("DELETE", f"{SECRETS}/B")["version"] == 4
    assert platform.call("GET", f"{SECRETS}/B").status_code == 404
    assert platform.call("DELETE", f"{SECRETS}/B").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "", {}, 400, "values is missing"),
        ("POST", "", {"values": []}, 400, "values is missing"),
        ("POST", "", {"values": {}}, 400, "values is empty"),
        ("POST", "", {"values": {"A": 90210}}, 400, "the value of secret 'A' is neither a text nor null"),
        ("POST", "", {"values": {"A-B": "x"}}, 400, "secret name 'A-B'"),
        ("POST", "", {"values": {"FLY_REGION": "x"}}, 400, "FLY_REGION"),
        ("POST", "/A", {}, 400, "value is missing"),
        ("POST", "/A", {"value": 90210}, 400, "neither a text nor null"),
        ("POST", "/A%0A", {"value": "x"}, 400, "secret name"),
        ("GET", "/A", None, 404, "no secret 'A'"),
        ("GET", "?min_version=1", None, 412, "min_version is 1"),
        ("GET", "?min_version=x", None, 400, "min_version 'x'"),
        ("GET", "?min_version=" + "9" * 5000, None, 400, "min_version '99"),
    ],
)
def test_what_is_wrong_is_said(platform: Up, method: str, path: str, body: Any, status: int, says: str) -> None:
    answer = platform.call(method, SECRETS + path, body)
    assert answer.status_code == status
    assert says in answer.json()["error"]
    assert "90210" not in answer.text


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_missing_app_has_none(platform: Up, method: str) -> None:
    assert platform.call(method, "/v1/apps/nobody/secrets", {"values": {"A": "x"}}).status_code == 404


def test_a_machine_reads_them_when_it_starts(platform: Up) -> None:
    """DOCUMENTED reference/configuration: a secret beats env; apps/secrets: a running machine keeps the old ones."""
    platform.ok("POST", SECRETS, {"values": {"BOTH": "secret", "ONLY": "1"}})
    machine = platform.script(SHOW, env={"BOTH": "env", "MINE": "env"})
    first = environment(platform, machine)
    assert (first["BOTH"], first["ONLY"], first["MINE"]) == ("secret", "1", "env")
    platform.ok("POST", SECRETS, {"values": {"ONLY": "2", "NEW": "x", "BOTH": None}})
    assert len([line for line in platform.log(machine).splitlines() if line.startswith("ENV")]) == 1
    command = {"command": ["/bin/sh", "-c", "echo $ONLY $BOTH $NEW"]}
    assert platform.ok("POST", platform.path(machine, "/exec"), command)["stdout"] == "1 secret\n"
    platform.ok("POST", platform.path(machine, "/restart"), params={"timeout": "1"})
    second = environment(platform, machine, 2)
    assert (second["BOTH"], second["ONLY"], second["NEW"]) == ("env", "2", "x")


def test_nothing_of_the_platform_is_replaced_by_one(platform: Up) -> None:
    platform.ok("POST", SECRETS, {"values": {"PORT": "1", "FLY_API_TOKEN": "mine"}})
    service = {"internal_port": 8080, "protocol": "tcp", "ports": [{"port": 80, "handlers": ["http"]}]}
    found = environment(platform, platform.script(SHOW, services=[service]))
    assert found["PORT"] == found["PORT_8080"] != "1"
    assert found["FLY_API_TOKEN"] == "mine"


def test_a_machine_can_do_without(platform: Up) -> None:
    """DOCUMENTED openapi CreateMachineRequest: skip_secrets, min_secrets_version."""
    version = platform.ok("POST", SECRETS, {"values": {"SECRET": "1"}})["version"]
    init = {"exec": ["/bin/sh", "-c", "echo ENV '{\"SECRET\": \"'$SECRET'\"}'; exec sleep 3600"]}
    config = {"image": "local/process", "init": init, "env": {"MARK": platform.mark}}
    body = {"config": config, "skip_secrets": True, "min_secrets_version": version}
    machine = platform.ok("POST", "/v1/apps/app/machines", body)
    assert environment(platform, machine)["SECRET"] == ""
    platform.ok("POST", platform.path(machine), {"config": config, "min_secrets_version": version})
    assert environment(platform, machine, 2)["SECRET"] == "1"
    for path in ("/v1/apps/app/machines", platform.path(machine)):
        answer = platform.call("POST", path, body | {"min_secrets_version": version + 1})
        assert answer.status_code == 412
        assert f"min_secrets_version is {version + 1}" in answer.json()["error"]


def test_one_can_be_a_file(platform: Up) -> None:
    """DOCUMENTED openapi fly.File: the secret contains the base64 encoded contents."""
    platform.ok("POST", SECRETS, {"values": {"KEY": base64.b64encode(b"\x00key\n").decode()}})
    read = "import os; print(open('etc/key', 'rb').read(), oct(os.stat('etc/key').st_mode & 0o777), 'read')"
    files = [{"guest_path": "/etc/key", "secret_name": "KEY"}]
    machine = platform.script(read, files=files, restart={"policy": "no"})
    assert machine["config"]["files"] == files
    assert r"b'\x00key\n' 0o600 read" in platform.wait_for_log(machine, "read")


@pytest.mark.parametrize(("value", "says"), [("not base64!", "is not base64"), (None, "is not set")])
def test_a_file_that_cannot_be_made_is_named(platform: Up, value: str | None, says: str) -> None:
    platform.ok("POST", SECRETS, {"values": {"OTHER": "x", "KEY": value}})
    machine = platform.create(files=[{"guest_path": "/key", "secret_name": "KEY"}])
    platform.wait(machine, "destroyed")  # a first launch that is impossible (machines/machine-states, launch_failed)
    text = json.dumps(platform.ok("GET", platform.path(machine, "/events")))
    assert f"secret 'KEY' for the file /key {says}" in text
    assert "not base64!" not in text


def test_a_value_is_nowhere_but_in_the_database_and_the_machine(tmp_path: Path) -> None:
    value = base64.b64encode(uuid4().bytes).decode().rstrip("=") + "AA=="
    state = tmp_path / "state"
    said: list[str] = []
    with up("--state", str(state), "--trace") as platform:
        platform.app()

        def ask(method: str, path: str, body: Any = None, **options: Any) -> Any:
            answer = platform.call(method, path, body, **options)
            said.extend((answer.text, str(answer.headers)))
            return answer

        ask("POST", SECRETS, {"values": {"S": value, "FILE": value}})
        ask("POST", f"{SECRETS}/S2", {"value": value})
        ask("POST", f"{SECRETS}/bad-name", {"value": value})
        ask("POST", SECRETS, {"values": {"A": [value], "B": value}})
        ask("POST", SECRETS, {"values": value})
        ask("POST", SECRETS, {"values": {"S": value + "\0"}})
        ask("POST", SECRETS, {"values": {"S": value + "x" * 200_000}})
        for broken in (f'{{"values": {{"S": "{value}"', f'"{value}"', f'{{"S": {value}}}'):
            answer = platform.http.request("POST", SECRETS, content=broken.encode())
            said.append(answer.text)
            assert answer.status_code == 400
        service = {"internal_port": 8080, "protocol": "tcp", "ports": [{"port": 80, "handlers": ["http"]}]}
        machine = platform.script(SERVES, services=[service], files=[{"guest_path": "/f", "secret_name": "FILE"}])
        ended = platform.create(files=[{"guest_path": "/f", "secret_name": "S", "mode": 384}], image="local/exit")
        platform.wait(machine, "started")
        platform.wait(ended, "stopped")
        platform.http.get(platform.info["edges"]["ams"], headers={"host": "app.localhost", "x-flylab-trace": "1"})
        for path in ("", "/events", "/versions", "/metadata"):
            ask("GET", platform.path(machine, path))
        ask("GET", "/v1/apps/app/machines")
        ask("GET", "/v1/apps/app")
        ask("GET", SECRETS)
        for path in ("platform", "events/recent", "exchanges/recent"):
            said.append(platform.http.get(f"/_flylab/{path}").text)
        said.extend((platform.log(machine), platform.log(ended)))
        assert platform.ok("GET", f"{SECRETS}/S", params={"show_secrets": "true"})["value"] == value
        mode = (state / "flylab.db").stat().st_mode
        assert stat.S_IMODE(mode) == 0o600
        platform.end()
        assert platform.process.stdout
        assert platform.process.stderr
        said.extend((platform.process.stdout.read(), platform.process.stderr.read()))
    assert not [text for text in said if value in text]
    files = [path for path in state.rglob("*") if path.is_file()]
    assert {path.name for path in files if value.encode() in path.read_bytes()} <= {"flylab.db", "flylab.db-wal"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files if path.name.startswith("flylab.db")} == {0o600}


def test_they_are_there_again(tmp_path: Path) -> None:
    with up("--state", str(tmp_path)) as before:
        before.app()
        before.ok("POST", SECRETS, {"values": {"S": "1"}})
        init = {"exec": ["/bin/sh", "-c", "echo ENV '{\"S\": \"'$S'\"}'; exec sleep 3600"]}
        machine = before.create(image="local/process", init=init)
        assert (
            environment(before, machine, 1)["S"] == "1"
        )  # `started` says that there is a process, not what it has done
        listed = before.ok("GET", SECRETS)
        before.end(9)
    (tmp_path / "flylab.db").chmod(0o644)  # as an earlier version left it
    with up("--state", str(tmp_path)) as after:
        assert stat.S_IMODE((tmp_path / "flylab.db").stat().st_mode) == 0o600
        assert after.ok("GET", SECRETS) == listed
        assert after.ok("POST", SECRETS, {"values": {"T": "1"}})["version"] == 2
        after.ok("POST", after.path(machine, "/start"))
        assert environment(after, machine, 2)["S"] == "1"
        after.end()
