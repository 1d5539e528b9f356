"""The state folder: what is written is read, and what cannot be used is said."""

import json
import os
import resource
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from flylab.errors import LocalError
from flylab.local.store import Store, life_from_json, life_to_json, remove_abandoned
from flylab.rules import lifecycle as on
from flylab.rules.apps import AppEntry
from flylab.rules.checks import Health
from flylab.rules.fleet import Fleet, FleetSettings
from flylab.rules.life import Life, LifeSettings
from flylab.wire.machine import MachineConfig, Service
from flylab.wire.machine import MachineState as S

APP = AppEntry(id="1", name="a", organization="personal", network="", created_at=1.5, idempotency_key="k")


def machine(machine_id: str = "m") -> Life:
    config = MachineConfig(image="i", env={"A": "1"}, services=(Service(internal_port=80),))
    life = Life(
        id=machine_id,
        app="a",
        name="n",
        region="ams",
        config=config,
        version="v1",
        created_at=1.0,
        updated_at=1.0,
        image_ref={"tag": "latest"},
        versions=(("v0", MachineConfig(image="h")), ("v1", config)),
    )
    for event in (on.Prepared(), on.Start(), on.Started()):
        life.step(event, 2.0, settings=LifeSettings(), mint=lambda _: "e")
    return life


def test_what_is_written_is_read_by_the_next_one(tmp_path: Path) -> None:
    store = Store(tmp_path / "new" / "folder")
    store.write(apps=[APP], machines=[machine("m2"), machine("m1")])
    store.write(machines=[machine("m2")], dropped_machines=["nobody"])
    store.remember("token", "t")
    store.close()
    store = Store(tmp_path / "new" / "folder")
    apps, machines, _ = store.read()
    assert (apps, [life.id for life in machines]) == ([APP], ["m2", "m1"])
    assert (store.fact("token"), store.fact("nothing")) == ("t", "")
    store.write(dropped_apps=["a"], dropped_machines=["m1", "m2"])
    assert store.read() == ([], [], {})
    store.close()


def test_a_machine_is_read_as_it_was_but_for_its_process() -> None:
    life = machine()
    again = life_from_json(life_to_json(life))
    life.running = False
    life.health = Health()
    assert again == life


def test_one_platform_at_a_time(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(LocalError, match="is in use by another platform"):
        Store(tmp_path)
    store.close()
    Store(tmp_path).close()


def test_a_temporary_folder_that_its_platform_left_behind_is_removed_and_no_other(tmp_path: Path) -> None:
    left, used, young, foreign = (tmp_path / name for name in ("left", "used", "young", "foreign"))
    Store(left).close()
    using = Store(used)
    Store(young).close()
    foreign.mkdir()
    for folder in (left, used):
        os.utime(folder / "lock", (1000.0, 1000.0))
    os.utime(young / "lock", (3000.0, 3000.0))
    remove_abandoned(tmp_path.iterdir(), before=2000.0)
    assert {folder.name for folder in tmp_path.iterdir()} == {"used", "young", "foreign"}
    using.close()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalError, match="cannot use the state folder"):
        Store(tmp_path / "file")


def test_rubbish_and_other_formats_are_refused(tmp_path: Path) -> None:
    (tmp_path / "flylab.db").write_bytes(b"x" * 4096)
    with pytest.raises(LocalError, match="cannot read"):
        Store(tmp_path)
    (tmp_path / "flylab.db").unlink()
    store = Store(tmp_path)
    store.remember("format", "0")
    store.close()
    with pytest.raises(LocalError, match=r"written by another version of flylab \(format 0, not 2\)"):
        Store(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE apps SET document = '[]'",
        "UPDATE apps SET document = '{}'",
        "UPDATE apps SET document = 'x'",
        "UPDATE machines SET document = '[]'",
        "UPDATE machines SET document = '{}'",
        "INSERT INTO records VALUES ('volumes', 'v', '{}')",
        "INSERT INTO records VALUES ('volumes', 'v', '[]')",
        "INSERT INTO records VALUES ('secrets', 's', '[]')",
    ],
)
def test_a_row_that_somebody_changed_is_told_by_the_name_of_the_file(change: str, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(apps=[APP], machines=[machine()])
    store.close()
    db = sqlite3.connect(tmp_path / "flylab.db", isolation_level=None)
    db.execute(change)
    db.close()
    store = Store(tmp_path)
    with pytest.raises(LocalError, match=r"cannot read .*flylab\.db: a row in it"), store.intact():
        Fleet(FleetSettings(), lambda _: "e").restore(*store.read(), 1.0)
    store.close()


def test_a_write_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    store = Store(tmp_path)
    other = sqlite3.connect(tmp_path / "flylab.db", isolation_level=None)
    other.execute("DROP TABLE machines")
    with pytest.raises(LocalError, match="cannot write to the state folder"):
        store.write(apps=[APP], machines=[machine()])
    assert other.execute("SELECT * FROM apps").fetchall() == []
    other.close()
    store.close()


def test_a_disk_that_is_full_at_the_end_of_a_write_is_said_and_can_be_written_to_later(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(apps=[APP])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = max(file.stat().st_size for file in tmp_path.iterdir() if file.is_file())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))  # Python ignores the signal that comes with it
    try:
        with pytest.raises(LocalError, match="cannot write to the state folder"):
            store.write(machines=[machine(f"m{i}") for i in range(200)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    store.write(machines=[machine("later")])
    assert [life.id for life in store.read()[1]] == ["later"]
    store.close()


def test_records_of_all_kinds_come_back_by_kind_and_key_in_the_order_of_their_first_writing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(records=[("secrets", "blue", {"a": 1}), ("volumes", "vol_2", {}), ("volumes", "vol_1", {})])
    store.write(records=[("secrets", "blue", {"a": 2}), ("volumes", "vol_2", {"b": [3]}), ("volumes", "vol_1", None)])
    store.write(records=[("volumes", "vol_0", {}), ("volumes", "gone", None)])
    store.close()
    store = Store(tmp_path)
    records = store.read()[2]
    store.close()
    assert records == {"secrets": {"blue": {"a": 2}}, "volumes": {"vol_2": {"b": [3]}, "vol_0": {}}}
    assert list(records["volumes"]) == ["vol_2", "vol_0"]


def test_a_large_configuration_is_written_once_and_goes_with_its_machine(tmp_path: Path) -> None:
    store, life = Store(tmp_path), machine()
    large = replace(life.config, env={"LARGE": "x" * 100_000})
    life.config, life.versions = large, (*life.versions, ("v2", large))
    store.write(machines=[life])
    before = written(tmp_path)
    for state in (S.STOPPING, S.STOPPED, S.STARTING):
        life.state = state
        store.write(machines=[life])
    assert written(tmp_path) - before < 100_000
    life.config = replace(large, metadata={"a": "1"})  # as a change of metadata leaves it: no version of its own
    store.write(machines=[life])
    store.close()
    store = Store(tmp_path)
    read = store.read()[1][0]
    assert (read.config, read.versions) == (life.config, life.versions)
    read.config = read.versions[-1][1]
    store.write(machines=[read])
    assert store.read()[1][0].config == large
    store.write(dropped_machines=["m"])
    store.close()
    assert rows(tmp_path, "SELECT count(*) FROM configs") == [(0,)]


def test_a_write_that_fails_forgets_which_configurations_it_wrote(tmp_path: Path) -> None:
    store = Store(tmp_path)
    rows(tmp_path, "CREATE TRIGGER full BEFORE INSERT ON machines BEGIN SELECT raise(ABORT, 'full'); END")
    with pytest.raises(LocalError, match="full"):
        store.write(machines=[machine()])
    rows(tmp_path, "DROP TRIGGER full")
    store.write(machines=[machine()])
    assert store.read()[1][0].config == machine().config
    store.close()


def test_a_folder_of_the_format_before_is_read_and_goes_on_in_the_new_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.remember("format", "1")
    store.close()
    rows(tmp_path, "INSERT INTO machines VALUES ('m', ?)", json.dumps(life_to_json(machine())))
    store = Store(tmp_path)
    life = store.read()[1][0]
    assert (life.config, life.versions) == (machine().config, machine().versions)
    assert store.fact("format") == "2"
    store.write(machines=[life])
    assert store.read()[1] == [life]
    store.close()


def written(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def rows(folder: Path, statement: str, *values: str) -> list[tuple[object, ...]]:
    db = sqlite3.connect(folder / "flylab.db", isolation_level=None)
    found = db.execute(statement, values).fetchall()
    db.close()
    return found
