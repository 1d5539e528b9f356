"""What a platform has acknowledged is there again when it comes back."""

import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_lease_is_there_again(number: int, tmp_path: Path) -> None:
    with up("--state", str(tmp_path)) as before:
        before.app()
        machine = before.create(skip_launch=True)
        taken = before.ok("POST", before.path(machine, "/lease"), {"ttl": 600, "description": "kept"})
        before.end(number)
    with up("--state", str(tmp_path)) as after:
        assert after.ok("GET", after.path(machine, "/lease")) == taken
        assert after.call("POST", after.path(machine, "/start")).status_code == 409
        nonce = {"fly-machine-lease-nonce": taken["data"]["nonce"]}
        after.ok("POST", after.path(machine, "/start"), headers=nonce)
        after.wait(machine, "started")
        after.ok("DELETE", after.path(machine, "/lease"), headers=nonce)
        after.end(number)
    with up("--state", str(tmp_path)) as at_last:
        assert at_last.call("GET", at_last.path(machine, "/lease")).status_code == 404
        at_last.end()


def test_the_end_of_the_platform_does_not_wait_for_a_lease(tmp_path: Path) -> None:
    with up("--state", str(tmp_path)) as running:
        running.app()
        machine = running.create(skip_launch=True)
        running.ok("POST", running.path(machine, "/lease"), {"ttl": 600})
        with ThreadPoolExecutor(1) as pool:
            held = pool.submit(running.call, "DELETE", running.path(machine))
            assert running.state(machine) == "created"
            assert running.end()[0] == 0
            with suppress(httpx.TransportError):  # the connection may end before the answer
                assert held.result().status_code == 503


def test_a_held_call_whose_caller_has_left_is_not_carried_out(tmp_path: Path) -> None:
    with up("--state", str(tmp_path)) as running:
        running.app()
        machine = running.create(skip_launch=True)
        taken = running.ok("POST", running.path(machine, "/lease"), {"ttl": 600})
        with pytest.raises(httpx.ReadTimeout):
            running.call("DELETE", running.path(machine), timeout=0.3)
        running.ok(
            "DELETE", running.path(machine, "/lease"), headers={"fly-machine-lease-nonce": taken["data"]["nonce"]}
        )
        assert running.state(machine) == "created"
        running.end()


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
