"""Volumes with real processes: what a machine writes into one survives it, and the platform, whatever is killed."""

import json
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from tests.local.up import Up, up
from tests.support import wait_until

pytestmark = pytest.mark.usefixtures("nothing_left")

VOLUMES = "/v1/apps/app/volumes"
# Adds a line and says what is there.
WRITER = (
    "import os, time\n"
    "path = os.environ['HOME'] + '/data/lines'\n"
    "open(path, 'a').write(os.environ['LINE'] + '\\n')\n"
    "same = os.path.samefile(path, os.environ['FLYLAB_VOLUME_DATA'] + '/lines')\n"
    "print('read', open(path).read().split(), same, flush=True)\n"
    "time.sleep(600)\n"
)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Up]:
    with up("--state", str(tmp_path / "state")) as running:
        running.app()
        yield running
        assert running.end()[0] == 0


def make(platform: Up, **body: Any) -> dict[str, Any]:
    made: dict[str, Any] = platform.ok("POST", VOLUMES, {"name": "data", "region": "ams"} | body)
    return made


def mounted(**mount: Any) -> list[dict[str, Any]]:
    return [{"path": "/data", **mount}]


def look(platform: Up, volume: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = platform.ok("GET", f"{VOLUMES}/{volume['id']}")
    return found


def destroy(platform: Up, machine: dict[str, Any]) -> None:
    platform.ok("DELETE", platform.path(machine), params={"force": "true"})
    platform.wait(machine, "destroyed")


def test_a_volume_survives_stop_update_and_destroy(platform: Up) -> None:
    volume = make(platform)
    mounts = mounted(volume=volume["id"])
    machine = platform.script(WRITER, mounts=mounts, env={"LINE": "one"})
    platform.wait_for_log(machine, "read ['one'] True")
    assert look(platform, volume)["attached_machine_id"] == machine["id"]
    platform.ok("POST", platform.path(machine, "/stop"))
    platform.wait(machine, "stopped")
    platform.ok("POST", platform.path(machine, "/start"))
    platform.wait_for_log(machine, "read ['one', 'one'] True")
    config = platform.ok("GET", platform.path(machine))["config"]
    platform.ok("POST", platform.path(machine), {"config": config | {"env": config["env"] | {"LINE": "two"}}})
    platform.wait_for_log(machine, "read ['one', 'one', 'two'] True")
    destroy(platform, machine)
    assert look(platform, volume)["attached_machine_id"] is None
    again = platform.script(WRITER, mounts=mounted(name="data"), env={"LINE": "three"})
    platform.wait_for_log(again, "read ['one', 'one', 'two', 'three'] True")
    assert look(platform, volume)["bytes_used"] > 0


def test_one_machine_at_a_time_and_nothing_half_done(platform: Up) -> None:
    volume, far = make(platform), make(platform, region="iad", name="far")
    holder = platform.create(mounts=mounted(volume=volume["id"]))
    for mount, status, says in (
        ({"volume": volume["id"]}, 412, f"failed_precondition: volume {volume['id']} is currently bound to machine"),
        ({"volume": far["id"]}, 400, "wrong region"),
        ({"volume": "vol_0000000000000000"}, 400, "volume not found"),
        ({"name": "nothing"}, 400, "volume not found"),
        ({"volume": far["id"], "path": "/../x"}, 400, "has a part '..'"),
    ):
        body = {"region": "ams", "config": {"image": "local/sleep", "mounts": mounted(**mount)}}
        answer = platform.call("POST", "/v1/apps/app/machines", body)
        assert (answer.status_code, says in answer.json()["error"]) == (status, True), answer.text
    assert [each["id"] for each in platform.ok("GET", "/v1/apps/app/machines")] == [holder["id"]]
    assert look(platform, far)["attached_machine_id"] is None
    answer = platform.call("DELETE", f"{VOLUMES}/{volume['id']}")
    assert answer.status_code == 412
    assert answer.json()["error"] == f"failed_precondition: volume is currently bound to machine: {holder['id']}"


def test_forks_and_snapshots_have_what_was_there(platform: Up) -> None:
    volume = make(platform)
    machine = platform.script(WRITER, mounts=mounted(volume=volume["id"]), env={"LINE": "one"})
    platform.wait_for_log(machine, "read ['one'] True")
    snapshot = platform.ok("POST", f"{VOLUMES}/{volume['id']}/snapshots")
    wait_until(lambda: platform.ok("GET", f"{VOLUMES}/{volume['id']}/snapshots")[0]["status"] == "created")
    fork = make(platform, source_volume_id=volume["id"], region="iad")
    restored = make(platform, snapshot_id=snapshot["id"], size_gb=9)
    assert (fork["region"], restored["size_gb"]) == ("iad", 9)
    for copy, region in ((fork, "iad"), (restored, "ams")):
        body = {"exec": [sys.executable, "-I", "-S", "-u", "-c", WRITER]}
        made = platform.ok(
            "POST",
            "/v1/apps/app/machines",
            {
                "region": region,
                "config": {
                    "image": "local/process",
                    "init": body,
                    "env": {"LINE": "copy", "MARK": platform.mark},
                    "mounts": mounted(volume=copy["id"]),
                },
            },
        )
        platform.wait_for_log(made, "read ['one', 'copy'] True")
    assert "'copy'" not in platform.log(machine)


def test_removing_a_machine_never_removes_through_its_link(platform: Up, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "x").write_text("x")
    volume = make(platform)
    link = f"import os; os.symlink({str(precious)!r}, os.environ['HOME'] + '/data/out'); print('linked', flush=True)"
    machine = platform.script(link, mounts=mounted(volume=volume["id"]), restart={"policy": "no"})
    platform.wait_for_log(machine, "linked")
    platform.wait(machine, "stopped")
    destroy(platform, machine)
    assert (tmp_path / "state" / "volumes" / volume["id"] / "out").is_symlink()
    files = [{"guest_path": "/data/out/y", "raw_value": "eA=="}]
    through = platform.create(mounts=mounted(volume=volume["id"]), files=files)
    platform.wait(through, "destroyed")  # its first launch is impossible
    said = json.dumps(platform.ok("GET", platform.path(through))["events"])
    assert "'/data/out' is a link in the volume" in said
    platform.ok("DELETE", "/v1/apps/app", params={"force": "true"})
    wait_until(lambda: not list((tmp_path / "state" / "volumes").iterdir()))
    assert [path.name for path in precious.iterdir()] == ["x"]


def test_files_of_the_configuration_may_lie_in_the_volume(platform: Up, tmp_path: Path) -> None:
    volume = make(platform)
    files = [{"guest_path": "/data/etc/conf", "raw_value": "eA=="}]
    machine = platform.create(mounts=mounted(volume=volume["id"]), files=files)
    platform.wait(machine, "started")
    assert (tmp_path / "state" / "volumes" / volume["id"] / "etc" / "conf").read_text() == "x"


def test_an_app_takes_its_volumes_along_while_machines_run(platform: Up, tmp_path: Path) -> None:
    volume = make(platform)
    busy = "import os\nwhile True: open(os.environ['HOME'] + '/data/' + os.urandom(9).hex(), 'w').close()"
    machine = platform.script(busy, mounts=mounted(volume=volume["id"]))
    platform.wait(machine, "started")
    assert platform.ok("GET", "/v1/apps/app")["volume_count"] == 1
    platform.ok("DELETE", "/v1/apps/app", params={"force": "true"})
    platform.app()
    assert platform.ok("GET", VOLUMES) == []
    wait_until(lambda: not list((tmp_path / "state" / "volumes").iterdir()), what="the volume's folder is gone")


def test_settings_of_volumes(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("[volumes]\npending_destroy = 0\nregion_gb = 5\nnull_for_nobody = false\n")
    with up("--settings", str(tmp_path / "settings.toml")) as platform:
        platform.app()
        volume = make(platform)
        shown = [volume, *platform.ok("GET", VOLUMES), *platform.ok("GET", "/v1/orgs/personal/volumes")["volumes"]]
        assert all(None not in each.values() and "attached_machine_id" not in each for each in shown)
        answer = platform.call("POST", VOLUMES, {"name": "data", "region": "ams"})
        assert answer.status_code == 409
        assert answer.json()["error"].startswith("aborted: ")
        assert answer.json()["error"].endswith("no capacity")
        gone = platform.ok("DELETE", f"{VOLUMES}/{volume['id']}")
        assert (gone["state"], None in gone.values()) == ("destroyed", False)
        assert platform.call("GET", f"{VOLUMES}/{volume['id']}").status_code == 404
        make(platform)
        assert platform.end()[0] == 0


@pytest.mark.parametrize("seed", range(4))
def test_killed_at_any_moment_it_keeps_what_it_acknowledged(seed: int, tmp_path: Path) -> None:
    state = tmp_path / "state"
    volumes: dict[str, int] = {}  # acknowledged, with the size that was acknowledged last
    machines: set[str] = set()
    with up("--state", str(state)) as before:
        before.app()
        stopped = threading.Event()

        def work(number: int) -> None:
            try:
                while not stopped.is_set():
                    made = make(before, name=f"data{number % 2}")
                    (state / "volumes" / made["id"] / "mine").write_text(made["id"])
                    volumes[made["id"]] = made["size_gb"]
                    body = {"region": "ams", "skip_launch": True}
                    mounts = mounted(name=f"data{number % 2}")
                    answer = before.call(
                        "POST", "/v1/apps/app/machines", body | {"config": {"image": "local/sleep", "mounts": mounts}}
                    )
                    if answer.is_success:
                        machines.add(answer.json()["id"])
                    if before.call("PUT", f"{VOLUMES}/{made['id']}/extend", {"size_gb": 7}).is_success:
                        volumes[made["id"]] = 7
                    before.call("POST", VOLUMES, {"source_volume_id": made["id"]})
                    before.call("POST", f"{VOLUMES}/{made['id']}/snapshots")
            except (httpx.HTTPError, AssertionError):
                return  # it was killed, which is what this is about

        workers = [threading.Thread(target=work, args=(number,)) for number in range(3)]
        for worker in workers:
            worker.start()
        enough = Random(seed).randint(2, 15)
        wait_until(lambda: len(volumes) >= enough)
        before.end(signal.SIGKILL)
        stopped.set()
        for worker in workers:
            worker.join()
    with up("--state", str(state)) as after:
        found = {each["id"]: each for each in after.ok("GET", VOLUMES)}
        assert set(volumes) <= set(found)
        for key, size in volumes.items():
            assert found[key]["size_gb"] in (size, 7)  # an extension may have counted without an answer
            assert (state / "volumes" / key / "mine").read_text() == key
        held = Counter(
            mount["volume"] for each in after.ok("GET", "/v1/apps/app/machines") for mount in each["config"]["mounts"]
        )
        assert set(held.values()) <= {1}
        assert {each["id"] for each in after.ok("GET", "/v1/apps/app/machines")} >= machines
        attached = {each["attached_machine_id"]: key for key, each in found.items() if each["attached_machine_id"]}
        assert set(attached.values()) == set(held)
        wait_until(lambda: {each["state"] for each in after.ok("GET", VOLUMES)} == {"created"})
        assert {path.name for path in (state / "volumes").iterdir()} == set(found)
        assert after.end()[0] == 0
