"""The folders of volumes under the platform: slow copies, restarts, what is due."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from flylab.clock import SimulatedClock
from flylab.local.copying import Copy, Stop, Stopped, copy_folder
from flylab.local.platform import Platform
from flylab.local.settings import PlatformSettings
from flylab.local.store import Store
from flylab.local.volumes import VolumeFolders
from flylab.rules.fleet import FleetSettings
from flylab.rules.orders import CreateApp, DeleteApp
from flylab.rules.volume_making import VolumeSettings
from flylab.rules.volume_orders import CreateSnapshot, CreateVolume, DestroyVolume
from flylab.rules.volume_records import DAY
from tests.local.test_platform import Remembers
from tests.support import until


class SlowCopies:
    """Copies that wait for the test, or until they are stopped."""

    def __init__(self) -> None:
        self.may_go = threading.Event()
        self.fail = False

    def __call__(self, source: Path, target: Path, stop: Stop) -> Copy:
        while not self.may_go.wait(0.01):
            if stop():
                raise Stopped
        if self.fail:
            raise OSError("No space left on device")
        return copy_folder(source, target, stop)


class Running:
    def __init__(self, folder: Path, **settings: float) -> None:
        self.store = Store(folder)
        self.clock = SimulatedClock()
        self.platform = Platform(
            store=self.store,
            clock=self.clock,
            rng=Random(1),
            settings=PlatformSettings(fleet=FleetSettings(volumes=VolumeSettings(**settings))),  # type: ignore[arg-type]
        )
        self.volumes = self.platform.fleet.volumes
        self.copies = SlowCopies()
        self.platform.folders = VolumeFolders(
            folder,
            self.volumes,
            apply=self.platform.apply,
            clock=self.clock,
            rng=Random(2),
            copy=self.copies,
        )
        self.platform.attach(Remembers())

    def volume(self, key: str = "v", **fields: str) -> Path:
        self.platform.apply(CreateVolume(**{"id": key, "app": "a", "name": "data", "region": "ams"} | fields))  # type: ignore[arg-type]
        return self.platform.folders.path("volumes", key)

    def status(self, key: str = "s") -> str:
        return next(each.status for each in self.volumes.snapshots("a", "v") if each.id == key)

    async def stop(self) -> None:
        await self.platform.folders.close()
        self.store.close()


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    made = Running(tmp_path)
    made.platform.apply(CreateApp(id="1", name="a", organization="personal"))
    yield made
    await made.stop()


async def test_a_snapshot_is_scheduled_until_it_is_there(running: Running) -> None:
    (running.volume() / "x").write_text("one")
    running.platform.apply(CreateSnapshot(id="s", app="a", volume="v"))
    assert running.status() == "scheduled"
    running.copies.may_go.set()
    await until(lambda: running.status() == "created")
    assert (running.platform.folders.path("snapshots", "s") / "x").read_text() == "one"


async def test_a_fork_is_waited_for_and_no_longer_than_it_is_worth(running: Running) -> None:
    running.volume()
    fork = running.volume("f", source="v")
    await running.platform.folders.settled(["f", "v"], 0.0)
    assert not fork.exists()
    running.copies.may_go.set()
    await running.platform.folders.settled(["f", "v"], 10.0)
    assert fork.is_dir()
    assert running.volumes.volume("a", "f").state == "created"


async def test_a_copy_that_fails_is_said(running: Running) -> None:
    running.volume()
    running.copies.fail = True
    running.platform.apply(CreateSnapshot(id="s", app="a", volume="v"))
    running.copies.may_go.set()
    await until(lambda: running.status() == "failed")


async def test_a_deleted_app_ends_its_copies(running: Running, tmp_path: Path) -> None:
    running.volume()
    running.volume("f", source="v")
    running.platform.apply(DeleteApp(name="a"))
    running.copies.may_go.set()
    await until(lambda: not list(tmp_path.glob("*/?")))
    assert running.store.read()[2] == {}


async def test_a_killed_platform_copies_anew_and_clears_away(tmp_path: Path) -> None:
    before = Running(tmp_path)
    before.platform.apply(CreateApp(id="1", name="a", organization="personal"))
    (before.volume() / "x").write_text("one")
    before.volume("f", source="v")
    before.platform.apply(CreateSnapshot(id="s", app="a", volume="v"))
    await before.stop()  # the copies have not ended, as far as is written
    for left in ("volumes/f.part", "volumes/nobody", "snapshots/nobody"):
        (tmp_path / left).mkdir(parents=True)
        (tmp_path / left / "x").touch()
    after = Running(tmp_path)
    assert after.volumes.volume("a", "f").state == "hydrating"
    after.copies.may_go.set()
    await until(lambda: after.volumes.volume("a", "f").state == "created" and after.status() == "created")
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*/")) == [
        "snapshots/s", "volumes/f", "volumes/v",
    ]  # fmt: skip
    assert all((path / "x").read_text() == "one" for path in tmp_path.glob("*/*/"))
    await after.stop()


async def test_what_is_due_goes_by_itself(running: Running, tmp_path: Path) -> None:
    folder = running.volume()
    running.platform.apply(DestroyVolume(app="a", id="v"))
    await asyncio.sleep(0)
    assert folder.exists()
    began = running.clock.wall()
    while running.clock.wall() < began + DAY + 120:
        await running.clock.advance(60.0)
    await until(lambda: not folder.exists())
    assert list(running.volumes.volumes()) == []


async def test_backups_are_made_by_themselves(tmp_path: Path) -> None:
    running = Running(tmp_path, backups_every=100.0)
    running.copies.may_go.set()
    running.platform.apply(CreateApp(id="1", name="a", organization="personal"))
    running.volume()
    await asyncio.sleep(0)
    for _ in range(3):
        await running.clock.advance(60.0)
    await until(lambda: [each.status for each in running.volumes.snapshots("a", "v")] == ["created"])
    await running.stop()


async def test_a_folder_that_cannot_be_made_is_tried_again_later(running: Running, tmp_path: Path) -> None:
    (tmp_path / "volumes").touch()
    running.volume()  # taken all the same: whoever mounts it makes it, or says why not
    (tmp_path / "volumes").unlink()
    assert await running.platform.folders.measure(["v"]) == {"v": 0}
