"""Any sequence of calls, with a restart between any two: a volume never has two machines, nothing acknowledged is lost,
and no folder is removed that somebody still reads or writes."""

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from flylab.errors import RuleError
from flylab.rules import actions as do
from flylab.rules import lifecycle as on
from flylab.rules.actions import Action
from flylab.rules.apps import AppEntry
from flylab.rules.fleet import Fleet, FleetSettings
from flylab.rules.life import Life
from flylab.rules.orders import CreateApp, CreateMachine, DeleteApp, FleetEvent, Happened
from flylab.rules.volume_making import VolumeSettings
from flylab.rules.volume_orders import Copied, CreateSnapshot, CreateVolume, DestroyVolume, ExtendVolume, SweepVolumes
from flylab.rules.volume_records import DAY
from flylab.wire.machine import MachineConfig, Mount
from flylab.wire.machine import MachineState as S
from flylab.wire.volume import VolumeState as V

APPS = st.sampled_from(["a", "b"])
REGIONS = st.sampled_from(["ams", "iad"])
PICK = st.integers(0, 5)


class Sequences(RuleBasedStateMachine):
    """The fleet with the part of the platform that matters here: what is written down, which folders there are."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.number = 0
        self.delay = 0.0
        self.written: dict[tuple[str, str], str] = {}
        self.folders: set[tuple[str, str]] = set()
        self.copies: dict[str, do.CopyFolder] = {}
        self.running: set[str] = set()
        self.removing: set[str] = set()

    @initialize(delay=st.sampled_from([0.0, DAY]))
    def begin(self, delay: float) -> None:
        self.delay = delay
        self.fleet = self.new_fleet()
        for name in ("a", "b"):
            self.do(CreateApp(id=name, name=name, organization="o"))

    def new_fleet(self) -> Fleet:
        return Fleet(FleetSettings(volumes=VolumeSettings(pending_destroy=self.delay)), lambda _: "e")

    def new_id(self) -> str:
        self.number += 1
        return f"x{self.number}"

    def do(self, event: FleetEvent) -> bool:
        self.now += 1.0
        try:
            actions = self.fleet.apply(event, self.now)
        except RuleError:
            return False
        self.perform(actions)
        return True

    def perform(self, actions: list[Action]) -> None:
        for action in actions:  # written first, as the platform does
            if isinstance(action, do.Kept):
                document = self.fleet.records[action.kind].document(action.key)
                if document is None:
                    self.written.pop((action.kind, action.key), None)
                else:
                    self.written[action.kind, action.key] = json.dumps(document)
        for action in actions:
            match action:
                case do.MakeFolder(volume=volume):
                    self.folders.add(("volumes", volume))
                case do.CopyFolder():
                    assert (action.from_kind, action.from_key) in self.folders
                    self.copies[action.key] = action
                case do.DropFolder(kind=kind, key=key):
                    self.folders.discard((kind, key))
                    assert not [copy for copy in self.copies.values() if (copy.from_kind, copy.from_key) == (kind, key)]
                    assert not [
                        life for life in self.lives() if life.id in self.running and self.volume_of(life) == key
                    ]
                case do.Spawn(machine=machine):
                    life = self.fleet.find(machine)
                    assert life is not None
                    if volume := self.volume_of(life):
                        assert ("volumes", volume) in self.folders
                        others = [each for each in self.lives() if each.id in self.running and each.id != machine]
                        assert volume not in [self.volume_of(each) for each in others]
                    self.running.add(machine)
                case do.Remove(machine=machine):
                    self.removing.add(machine)

    def lives(self) -> list[Life]:
        return [*self.fleet.machines(), *self.fleet._leaving.values()]

    @staticmethod
    def volume_of(life: Life) -> str:
        return life.config.mounts[0].volume if life.config.mounts else ""

    def pick(self, number: int, things: list[Any]) -> Any:
        return things[number % len(things)] if things else None

    @rule(app=APPS, region=REGIONS, number=PICK, kind=st.sampled_from(["plain", "fork", "restore"]))
    def create_volume(self, app: str, region: str, number: int, kind: str) -> None:
        volume = self.pick(number, list(self.fleet.volumes.volumes(app)))
        snapshot = self.pick(number, [key for where, key in self.written if where == "snapshots"])
        self.do(
            CreateVolume(
                id=self.new_id(),
                app=app,
                name="data",
                region=region,
                source=volume.id if kind == "fork" and volume else "",
                snapshot=snapshot if kind == "restore" and snapshot else "",
            )
        )

    @rule(number=PICK, failed=st.booleans())
    def finish_copy(self, number: int, failed: bool) -> None:
        if key := self.pick(number, sorted(self.copies)):
            copy = self.copies.pop(key)
            if not failed:
                self.folders.add((copy.kind, key))
            self.do(Copied(id=key, failed="full" if failed else ""))

    @rule(number=PICK)
    def destroy_volume(self, number: int) -> None:
        if volume := self.pick(number, list(self.fleet.volumes.volumes())):
            taken = self.do(DestroyVolume(app=volume.app, id=volume.id))
            assert taken is not bool(volume.machine)

    @rule(number=PICK, size=st.integers(1, 9))
    def extend(self, number: int, size: int) -> None:
        if volume := self.pick(number, list(self.fleet.volumes.volumes())):
            self.do(ExtendVolume(app=volume.app, id=volume.id, size_gb=size))

    @rule(number=PICK)
    def take_snapshot(self, number: int) -> None:
        if volume := self.pick(number, list(self.fleet.volumes.volumes())):
            self.do(CreateSnapshot(id=self.new_id(), app=volume.app, volume=volume.id))

    @rule(app=APPS, region=REGIONS, number=PICK, named=st.booleans())
    def create_machine(self, app: str, region: str, number: int, named: bool) -> None:
        key, before = self.new_id(), {each.id: each.machine for each in self.fleet.volumes.volumes()}
        volume = self.pick(number, list(self.fleet.volumes.volumes()))
        mount = Mount(path="/data", name="data") if named or not volume else Mount(path="/data", volume=volume.id)
        config = MachineConfig(image="i", mounts=(mount,))
        if not self.do(CreateMachine(id=key, app=app, name=key, region=region, config=config, version="v")):
            assert {each.id: each.machine for each in self.fleet.volumes.volumes()} == before

    @rule(number=PICK, what=st.sampled_from([on.Start(), on.Started(), on.Stop(), on.Destroy(), on.ForceDestroy()]))
    def happen(self, number: int, what: on.Happening) -> None:
        if life := self.pick(number, self.lives()):
            self.do(Happened(life.id, what))

    @rule(number=PICK)
    def machine_ends(self, number: int) -> None:
        if machine := self.pick(number, sorted(self.running)):
            self.running.discard(machine)
            self.do(Happened(machine, on.Exited()))

    @rule(number=PICK)
    def removal_ends(self, number: int) -> None:
        if machine := self.pick(number, sorted(self.removing)):
            self.removing.discard(machine)
            self.do(Happened(machine, on.Removed()))

    @rule(app=APPS)
    def delete_app(self, app: str) -> None:
        self.do(DeleteApp(name=app, force=True))
        assert list(self.fleet.volumes.volumes(app, deleted=True)) == []
        self.do(CreateApp(id=app, name=app, organization="o"))

    @rule(passed=st.sampled_from([1.0, DAY, 6 * DAY]))
    def time_passes(self, passed: float) -> None:
        self.now += passed
        self.do(SweepVolumes())

    @rule()
    def killed_and_started_again(self) -> None:
        # One that is pending may have waited for a copy that ended with the platform.
        seen = {entry.id: entry for entry in self.fleet.volumes.volumes() if entry.state is not V.PENDING_DESTROY}
        records: dict[str, dict[str, Any]] = {}
        for (kind, key), document in self.written.items():
            records.setdefault(kind, {})[key] = json.loads(document)
        apps = [
            AppEntry(id=app.id, name=app.name, organization="o", network="", created_at=0.0)
            for app in self.fleet.apps()
        ]
        machines = list(self.fleet.machines())
        self.running.clear()
        self.removing.clear()
        self.copies.clear()
        self.fleet = self.new_fleet()
        actions = self.fleet.restore(apps, machines, records, self.now)
        volumes, copying, snapshots = self.fleet.volumes.folders()
        known = {("volumes", key) for key in volumes | copying} | {("snapshots", key) for key in snapshots}
        self.folders = (self.folders & known) | {("volumes", key) for key in volumes}
        self.perform(actions)
        # Acknowledged is acknowledged, whatever happened in between.
        for key, before in seen.items():
            entry = self.fleet.volumes.volume(before.app, key)
            assert (entry.size_gb, entry.state, entry.machine) == (before.size_gb, before.state, before.machine)

    @invariant()
    def a_volume_and_its_machine_know_each_other(self) -> None:
        if not hasattr(self, "fleet"):
            return
        holders: dict[str, str] = {}
        for life in self.lives():
            volume = self.volume_of(life)
            if volume and life.state is not S.DESTROYED:
                assert holders.setdefault(volume, life.id) == life.id
                entry = self.fleet.volumes.find(volume)
                assert entry is not None
                assert (entry.machine, entry.region) == (life.id, life.region)
        for entry in self.fleet.volumes.volumes():
            assert holders.get(entry.id, "") == entry.machine
            if entry.state is V.CREATED:
                assert ("volumes", entry.id) in self.folders

    @invariant()
    def no_volume_is_a_trap(self) -> None:
        """What nobody uses and nothing is copied from can be let go of."""
        if not hasattr(self, "fleet") or self.copies or self.running or self.removing:
            return
        for entry in self.fleet.records["volumes"]:  # type: ignore[attr-defined]
            holder = self.fleet.find(entry.machine)
            sources = [each.source for each in self.fleet.records["volumes"] if each.source]  # type: ignore[attr-defined]
            if entry.orphan and holder is None:
                assert ("volumes", entry.id) in sources or entry.source


Sequences.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestSequences = Sequences.TestCase
