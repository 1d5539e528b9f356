"""A platform without computers: what is on its disk, which processes live, and which news of them is on its way."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from itertools import count
from random import Random
from typing import Any

from flylab.errors import RuleError
from flylab.local.store import life_from_json, life_to_json
from flylab.rules import actions as do
from flylab.rules import lifecycle as on
from flylab.rules.actions import Action
from flylab.rules.apps import AppEntry
from flylab.rules.fleet import Fleet, FleetSettings
from flylab.rules.life import Life
from flylab.rules.orders import FleetEvent, Happened
from flylab.rules.volume_orders import Copied
from flylab.rules.volume_records import SNAPSHOTS, VOLUMES
from flylab.wire.machine import MachineState as S

RESTING = (S.CREATED, S.STOPPED, S.FAILED, S.SUSPENDED, S.STARTED)  # nothing has to happen by itself


@dataclass
class Disk:
    """What a store has; everything went through JSON."""

    apps: dict[str, AppEntry] = field(default_factory=dict)
    machines: dict[str, str] = field(default_factory=dict)
    records: dict[tuple[str, str], str] = field(default_factory=dict)


class Model:
    """Does to a fleet what ``local/platform.py`` does, and plays the driver."""

    def __init__(self, settings: FleetSettings) -> None:
        self.settings = settings
        self.now = 1000.0
        self.disk = Disk()
        self.destroyed: set[str] = set()  # acknowledged
        self._numbers = count(1)
        self._begin()

    def _begin(self) -> None:
        self.fleet = Fleet(self.settings, self.mint)
        self.processes: dict[str, str] = {}  # of each machine: spawning, alive or ending
        self.news: list[FleetEvent] = []

    def mint(self, now: float | None = None) -> str:
        return f"x{next(self._numbers)}"

    def apply(self, event: FleetEvent, *, full: bool = False) -> str:
        """The code of a refusal, ``full`` when it could not be written; neither leaves a trace."""
        before = self.seen()
        try:
            actions = self.fleet.apply(event, self.now)
        except RuleError as exc:
            assert self.seen() == before, event
            return exc.code
        if full:
            self.fleet.undo()
            assert self.seen() == before, event
            return "full"
        self.write(actions)
        self.perform(actions)
        return ""

    def seen(self) -> list[Any]:
        """All of the fleet, in its order, so that it can be compared."""
        fleet = self.fleet
        lives = [*fleet._machines.values(), *fleet._leaving.values()]
        shown = [[getattr(life, each.name) for each in fields(Life) if each.name != "health"] for life in lives]
        health = [(life.health.round, life.health.running, dict(life.health.results)) for life in lives]
        rows = [(kind, list(each.rows().items())) for kind, each in fleet.records.items()]
        return [list(fleet._apps.items()), list(fleet._machines), list(fleet._leaving), shown, health, rows]

    def write(self, actions: list[Action]) -> None:
        """As ``Platform._write`` does."""
        for action in actions:
            match action:
                case do.AppChanged(app=app):
                    self.disk.apps[app] = self.fleet.app(app)
                case do.AppDropped(app=app):
                    self.disk.apps.pop(app, None)
                case do.Kept(kind=kind, key=key):
                    document = self.fleet.records[kind].document(key)
                    if document is None:
                        self.disk.records.pop((kind, key), None)
                    else:
                        self.disk.records[kind, key] = json.dumps(document)
                case do.Changed(machine=key):
                    life = self.fleet.find(key)
                    assert life is not None
                    self.disk.machines[key] = json.dumps(life_to_json(life))
        for action in actions:
            if isinstance(action, do.Forgotten):
                self.disk.machines.pop(action.machine, None)

    def perform(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case do.Spawn(machine=key):
                    assert key not in self.processes, "a machine has one process"
                    self.processes[key] = "spawning"
                case do.Terminate(machine=key):
                    if key in self.processes:
                        self.processes[key] = "ending"
                case do.Freeze(machine=key):
                    self.news.append(Happened(key, on.Suspended()))
                case do.Thaw(machine=key):
                    self.news.append(Happened(key, on.Started()))
                case do.Remove(machine=key):
                    self.news.append(Happened(key, on.Removed()))
                case do.LaunchNext(machine=key):
                    self.news.append(Happened(key, on.Start()))
                case do.RestartLater(machine=key, spawns=spawns):
                    self.news.append(Happened(key, on.RestartDue(spawns)))
                case do.CopyFolder(key=key):
                    self.news.append(Copied(id=key, size=1))
                case do.Noted(machine=key, event=event) if event.status == S.DESTROYED:
                    self.destroyed.add(key)

    def hear(self, news: FleetEvent) -> None:
        self.news.remove(news)
        self.apply(news)

    def process_news(self, key: str, rng: Random) -> None:
        """What happens next to a machine's process."""
        how = self.processes[key]
        if how == "spawning" and rng.random() < 0.7:
            self.processes[key] = "alive"
            self.apply(Happened(key, on.Started()))
            return
        del self.processes[key]
        if how == "spawning":
            failed = on.StartFailed("no") if rng.random() < 0.5 else on.LaunchFailed("no")
            self.apply(Happened(key, failed))
        else:
            self.apply(Happened(key, on.Exited(0 if rng.random() < 0.5 else 1, 0)))

    def killed(self) -> None:
        """SIGKILL, and a new platform on the same folder."""
        apps, machines = self.disk.apps.values(), self.disk.machines.values()
        records: dict[str, dict[str, Any]] = {}
        for (kind, key), text in self.disk.records.items():
            records.setdefault(kind, {})[key] = json.loads(text)
        before = {key: json.loads(text) for key, text in self.disk.machines.items()}
        self._begin()
        actions = self.fleet.restore(apps, [life_from_json(json.loads(text)) for text in machines], records, self.now)
        self.write(actions)
        self.perform(actions)
        for key, life in self.fleet._machines.items():
            kept = ("id", "app", "name", "region", "version", "config", "versions", "private_ip", "cordoned")
            after = json.loads(json.dumps(life_to_json(life)))
            assert {each: after[each] for each in kept} == {each: before[key][each] for each in kept}

    def settle(self, rng: Random) -> None:
        """Let everything that is under way come to its end; nothing goes on forever."""
        for _ in range(300):
            if self.news:
                self.hear(self.news[0])
            elif pending := [key for key, how in self.processes.items() if how != "alive"]:
                self.process_news(pending[0], rng)
            else:
                return
        raise AssertionError(f"still under way: {self.news} {self.processes}")

    def lives(self) -> Iterator[Life]:
        return (life for life in self.fleet.machines() if life.state is not S.DESTROYED)

    def check(self) -> None:
        """What always holds."""
        fleet, disk = self.fleet, self.disk
        assert dict(fleet._apps) == disk.apps
        assert {life.id: json.dumps(life_to_json(life)) for life in fleet.machines()} == disk.machines
        rows = {(kind, key) for kind, each in fleet.records.items() for key in each.rows()}
        assert rows == set(disk.records)
        for kind, key in rows:
            assert json.dumps(fleet.records[kind].document(key)) == disk.records[kind, key]
        living = list(self.lives())
        assert len({(life.app, life.name) for life in living}) == len(living)
        assert len({life.private_ip for life in fleet.machines()}) == len(list(fleet.machines()))
        assert not any(life.id in self.destroyed for life in living), "what was destroyed came back"
        for life in [*living, *fleet._leaving.values()]:
            self._check_life(life)
        self._check_volumes([*living, *fleet._leaving.values()])
        for kind in ("lease", "memory_limit"):
            assert set(fleet.records[kind].rows()) <= {life.id for life in living}
        for kind in (VOLUMES, SNAPSHOTS):
            for row in fleet.records[kind].rows().values():
                assert row.orphan or row.app in disk.apps

    def _check_life(self, life: Life) -> None:
        versions = [version for version, _ in life.versions]
        assert len(set(versions)) == len(versions)
        version, config = life.versions[-1]
        assert (version, replace(config, metadata={})) == (life.version, replace(life.config, metadata={}))
        assert life.running is (life.id in self.processes), (life.state, self.processes)
        if life.state not in RESTING:  # whatever passes has somebody who ends it
            told = any(getattr(news, "machine", "") == life.id for news in self.news)
            assert told or life.running, f"a trap: {life.state}"

    def _check_volumes(self, lives: list[Life]) -> None:
        volumes = self.fleet.records[VOLUMES].rows().values()
        attached = {(volume.id, volume.machine) for volume in volumes if volume.machine}
        assert attached == {(life.config.mounts[0].volume, life.id) for life in lives if life.config.mounts}
