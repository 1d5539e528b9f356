"""Leases of a real platform: through its death, at its end, and before the proxy."""

import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.local.up import up

pytestmark = pytest.mark.usefixtures("nothing_left")


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


def test_a_request_does_not_wake_a_leased_machine() -> None:
    with up() as platform:
        platform.app("leased")
        machine = platform.create(
            "leased",
            services=[{"internal_port": 8080, "autostart": True, "ports": [{"port": 80, "handlers": ["http"]}]}],
        )
        platform.wait(machine, "started", "leased")
        platform.ok("POST", platform.path(machine, "/stop", "leased"))
        platform.wait(machine, "stopped", "leased")
        platform.ok("POST", platform.path(machine, "/lease", "leased"), {"ttl": 600})
        answer = httpx.get(platform.info["edges"]["ams"], headers={"host": "leased.localhost"}, trust_env=False)
        assert answer.status_code == 503
        assert "PM01" in answer.text
        assert "lease currently held by" in answer.text
        assert platform.state(machine, "leased") == "stopped"
        platform.end()
