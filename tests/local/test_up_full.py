"""The state folder's disk is full: a change is refused and has not happened, what has happened waits for room."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.up import Up, up
from tests.support import wait_until

LARGE = "x" * 200_000


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("full") / "state"
    with up("--state", str(folder)) as running:
        running.app()
        yield running


def fill(running: Up) -> None:
    """From now on no file of the platform may grow beyond what its largest one has; Python ignores SIGXFSZ."""
    folder = Path(running.info["state"])
    largest = max(file.stat().st_size for file in folder.iterdir() if file.is_file())
    resource.prlimit(running.info["pid"], resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
    for _ in range(200):  # what is left of the pages that SQLite may still write
        if running.call(
            "POST", "/v1/apps", {"app_name": f"fill-{os.urandom(6).hex()}", "org_slug": "personal"}
        ).is_error:
            return
    raise AssertionError("the disk did not become full")


def free(running: Up) -> None:
    resource.prlimit(running.info["pid"], resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def seen(running: Up) -> dict[str, Any]:
    paths = ("/v1/apps?org_slug=personal", "/v1/apps/app/machines", "/v1/apps/app/volumes", "/v1/apps/app/secrets")
    return {path: running.ok("GET", path) for path in paths}


def test_a_full_disk_refuses_in_one_sentence_and_nothing_has_changed(running: Up) -> None:
    resting = running.create(skip_launch=True)
    volume = running.ok("POST", "/v1/apps/app/volumes", {"name": "data", "region": "ams"})
    fill(running)
    try:
        before = seen(running)
        machine = running.path(resting)
        body = {"config": resting["config"] | {"env": {"LARGE": LARGE}}}
        for method, path, sent in [
            ("POST", "/v1/apps", {"app_name": "new", "org_slug": "personal"}),
            ("POST", "/v1/apps/app/machines", body),
            ("POST", machine, body),
            ("POST", f"{machine}/start", None),
            ("POST", f"{machine}/cordon", None),
            ("POST", f"{machine}/metadata/key", {"value": "v"}),
            ("POST", f"{machine}/lease", {"ttl": 30}),
            ("DELETE", machine, None),
            ("POST", "/v1/apps/app/secrets/NAME", {"value": "v"}),
            ("POST", "/v1/apps/app/volumes", {"name": "data", "region": "ams"}),
            ("PUT", f"/v1/apps/app/volumes/{volume['id']}/extend", {"size_gb": 9}),
            ("DELETE", f"/v1/apps/app/volumes/{volume['id']}", None),
            ("DELETE", "/v1/apps/app", None),
        ]:
            answer = running.call(method, path, sent)
            assert answer.status_code == 500, (method, path, answer.text)
            assert "cannot write to the state folder" in answer.text
        assert seen(running) == before
        assert running.call("GET", f"{machine}/lease").status_code == 404
    finally:
        free(running)
    running.ok("POST", f"{machine}/start")
    running.wait(resting, "started")


def test_an_exit_on_a_full_disk_is_told_when_there_is_room_again(running: Up) -> None:
    machine = running.create()
    running.wait(machine, "started")
    fill(running)
    try:
        running.ok("POST", running.path(machine, "/signal"), {"signal": "SIGKILL"})
        wait_until(lambda: not alive(running, machine), what="its process has ended")
        assert running.state(machine) == "started"  # nothing is shown that is not written down
    finally:
        free(running)
    wait_until(lambda: "exit" in types(running, machine), what="the exit is in its log")


def alive(running: Up, machine: dict[str, Any]) -> list[Any]:
    found: list[Any] = running.ok("GET", running.path(machine, "/ps"))
    return found


def types(running: Up, machine: dict[str, Any]) -> list[str]:
    return [event["type"] for event in running.ok("GET", running.path(machine))["events"]]
