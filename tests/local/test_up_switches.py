"""Settings that let the Machines API behave as some reports or the documentation have it, where these disagree."""

from collections.abc import Iterator

import pytest

from tests.local.up import Up, up
from tests.support import wait_until

SETTINGS = """
[platform]
strict_wait = true
[api]
any_token = true
[fleet]
keep_destroyed = 0.0
[life]
still_active = 600.0
update_starts = true
[lease]
holds_stop = false
holds_destroy = false
default_ttl = 100
[placement]
per_region = 3
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    settings = tmp_path_factory.mktemp("up") / "settings.toml"
    settings.write_text(SETTINGS)
    with up("--settings", str(settings)) as running:
        running.app()
        yield running
        running.end()


def test_a_start_right_after_a_stop_is_refused_and_an_update_starts(platform: Up) -> None:
    machine = platform.create()
    platform.wait(machine, "started")
    platform.ok("POST", platform.path(machine, "/stop"))
    platform.wait(machine, "stopped", version=machine["version"])
    refused = platform.call("POST", platform.path(machine, "/start"))
    assert refused.status_code == 412
    assert "still active" in refused.json()["error"]
    updated = platform.ok("POST", platform.path(machine), {"config": machine["config"], "skip_launch": True})
    assert updated["state"] == "stopped"


@pytest.mark.parametrize(
    ("header", "status"), [("Bearer whatever", 200), ("FlyV1 fm2_x,fm2_y", 200), ("Bearer", 401), ("Basic x", 401)]
)
def test_any_token_is_taken_for_the_organisations(platform: Up, header: str, status: int) -> None:
    """ASSUMED: a platform of one's own may take any token; a setting, off."""
    answer = platform.http.get("/v1/apps/app", headers={"authorization": header})
    assert answer.status_code == status


def test_a_wait_for_stopped_names_a_version(platform: Up) -> None:
    machine = platform.create(skip_launch=True)
    for state in ("stopped", "started,stopped"):
        answer = platform.call("GET", platform.path(machine, "/wait"), params={"state": state, "timeout": "1"})
        assert answer.status_code == 400
        assert "version is missing" in answer.json()["error"]


@pytest.mark.parametrize(("method", "tail"), [("POST", "/stop"), ("DELETE", "")])
def test_a_leased_machine_is_stopped_and_destroyed_with_the_nonce_alone(platform: Up, method: str, tail: str) -> None:
    machine = platform.create()
    platform.wait(machine, "started")
    lease = platform.ok("POST", platform.path(machine, "/lease"))["data"]
    params = {"force": "true"} if method == "DELETE" else {}
    refused = platform.call(method, platform.path(machine, tail), params=params)
    assert refused.status_code == 409
    assert "lease currently held by" in refused.json()["error"]
    platform.ok(
        method, platform.path(machine, tail), params=params, headers={"fly-machine-lease-nonce": lease["nonce"]}
    )


def test_a_destroyed_machine_is_not_found_once_its_time_is_over(platform: Up) -> None:
    machine = platform.create(skip_launch=True)
    platform.ok("DELETE", platform.path(machine))
    wait_until(lambda: platform.call("GET", platform.path(machine)).status_code == 404)
    listed = platform.ok("GET", "/v1/apps/app/machines", params={"include_deleted": "true"})
    assert machine["id"] not in [each["id"] for each in listed]


def test_room_is_as_large_as_it_was_set(platform: Up) -> None:
    told = platform.ok("POST", "/v1/platform/placements", {"org_slug": "personal", "region": "ams"})
    assert told["regions"] == [{"region": "ams", "count": 3, "concurrency": 3}]
