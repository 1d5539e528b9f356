"""What a platform has acknowledged is there again when it comes back."""

import os
import signal
from pathlib import Path

import pytest

from tests.local.up import up

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_apps_and_machines_are_there_again(number: int, tmp_path: Path) -> None:
    with up("--state", str(tmp_path)) as before:
        before.app()
        running, created = before.create(metadata={"k": "v"}), before.create(skip_launch=True)
        frozen = before.create()
        for machine in (running, frozen):
            before.wait(machine, "started")
        before.ok("POST", before.path(frozen, "/suspend"))
        before.wait(frozen, "suspended")
        before.ok("POST", before.path(running, "/metadata/later"), {"value": "yes"})
        before.ok("POST", before.path(created, "/cordon"))
        shown = before.ok("GET", "/v1/apps/app")
        token = before.info["token"]
        before.end(number)
    with up("--state", str(tmp_path)) as after:
        assert after.info["token"] == token
        assert after.ok("GET", "/v1/apps/app") == shown | {"status": "deployed"}
        machines = {machine["id"]: machine for machine in after.ok("GET", "/v1/apps/app/machines")}
        assert [machines[machine["id"]]["state"] for machine in (running, created, frozen)] == [
            "stopped",
            "created",
            "stopped",
        ]
        kept = machines[running["id"]]
        assert (kept["version"], kept["config"]["metadata"]) == (running["version"], {"k": "v", "later": "yes"})
        assert machines[created["id"]]["cordoned"]
        after.ok("POST", after.path(running, "/start"))
        after.wait(running, "started")
        after.ok("POST", after.path(created, "/start"))
        after.wait(created, "started")
        assert after.end()[0] == 0


def test_a_temporary_folder_goes_with_the_next_platform_after_its_own_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with up() as killed:
        killed.app()
        killed.end(signal.SIGKILL)
    [left] = tmp_path.glob("flylab-temporary-*")
    os.utime(left / "lock", (1000.0, 1000.0))  # a young one may belong to a platform that is just starting
    with up() as after:
        [mine] = tmp_path.glob("flylab-temporary-*")
        assert mine != left
        assert after.end()[0] == 0
    assert list(tmp_path.glob("flylab-temporary-*")) == []


def test_what_was_destroyed_stays_destroyed(tmp_path: Path) -> None:
    with up("--state", str(tmp_path)) as before:
        before.app()
        before.app("other")
        machine = before.create()
        before.wait(machine, "started")
        before.ok("DELETE", before.path(machine), params={"force": "true"})
        before.wait(machine, "destroyed")
        before.ok("DELETE", "/v1/apps/other")
        before.end(signal.SIGKILL)
    left_over = tmp_path / "machines" / "0123456789abcd" / "root"
    left_over.mkdir(parents=True)
    with up("--state", str(tmp_path)) as after:
        assert after.ok("GET", "/v1/apps/app/machines") == []
        assert after.state(machine) == "destroyed"
        assert after.call("GET", "/v1/apps/other").status_code == 404
        assert not left_over.parent.exists()
        after.end()
