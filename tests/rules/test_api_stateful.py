"""Sequences of everything that can be asked of the platform or happen to it: no traps, no halves, nothing lost."""

from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from flylab.rules import addresses, certificates, secrets, tokens
from flylab.rules import lifecycle as on
from flylab.rules import volume_orders as volume
from flylab.rules.fleet import FleetSettings
from flylab.rules.leases import ReleaseLease, TakeLease
from flylab.rules.life import LifeSettings
from flylab.rules.memory import SetMemoryLimit
from flylab.rules.metadata import SetMetadata
from flylab.rules.orders import (
    Checked,
    Cordon,
    CreateApp,
    CreateMachine,
    DeleteApp,
    FleetEvent,
    Happened,
    Leased,
    Migrate,
)
from flylab.wire.config import Restart
from flylab.wire.machine import MachineConfig, Mount
from flylab.wire.machine import MachineState as S
from tests.rules.api_model import Model

APPS, NAMES, REGIONS = ("blue", "red", "Bad name"), ("one", "two", "three"), ("ams", "iad")
KEYS = st.integers(min_value=0, max_value=7)  # chooses among the things that there are
RARELY = st.integers(min_value=0, max_value=7).map(lambda number: number == 7)
FULL = RARELY  # a change that cannot be written
CONFIGS = st.builds(
    MachineConfig,
    image=st.just("i"),
    metadata=st.dictionaries(st.sampled_from("ab"), st.just("v")),
    auto_destroy=st.booleans(),
    restart=st.sampled_from([None, Restart(policy="no"), Restart(policy="always"), Restart(max_retries=1)]),
    checks=st.sampled_from([{}, {"up": {"type": "tcp", "port": 80, "kind": "readiness"}}]),
)
MOUNTS = st.sampled_from([(), (), (Mount(path="/data", name="data"),)])
WISHES = st.sampled_from(
    [on.Start(), on.Start("proxy"), on.Stop(), on.Stop("SIGKILL", 0.0), on.Restart(), on.Suspend(), on.Destroy(),
     on.ForceDestroy()]
)  # fmt: skip


class Api(RuleBasedStateMachine):
    """Every step is an event; ``Model.check`` looks at everything after each."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model(FleetSettings(life=LifeSettings(update_starts=False)))
        self.machines: list[str] = []
        self.volumes: list[str] = []
        for name in APPS[:2]:
            self.do(CreateApp(id=name, name=name, organization="o"))
        for key, region in zip("uvw", ("ams", "ams", "iad"), strict=True):
            self.do(volume.CreateVolume(id=key, app="blue", name="data", region=region))
            self.volumes.append(key)

    def do(self, event: FleetEvent, *, full: bool = False) -> str:
        return self.model.apply(event, full=full)

    def one(self, ids: list[str], key: int) -> str:
        """One that is there, as a rule: an eighth are the last that was made, whatever has become of it."""
        kept = {life.id for life in self.model.lives()} | {each.id for each in self.model.fleet.volumes.volumes()}
        here = [each for each in ids if each in kept] if key < 7 else ids[-1:]
        return here[key % len(here)] if here else "nobody"

    def app_of(self, volume_id: str, key: int) -> str:
        entry = self.model.fleet.volumes.find(volume_id)
        return entry.app if entry and key else "red"

    @rule(name=st.sampled_from(APPS), key=st.sampled_from(["", "k"]), full=FULL)
    def create_app(self, name: str, key: str, full: bool) -> None:
        self.do(CreateApp(id=self.model.mint(), name=name, organization="o", idempotency_key=key), full=full)

    @rule(name=st.sampled_from(APPS), force=st.booleans(), really=RARELY, full=FULL)
    def delete_app(self, name: str, force: bool, really: bool, full: bool) -> None:
        if really and not self.do(DeleteApp(name=name, force=force), full=full):
            assert not list(self.model.fleet.machines(name))

    @rule(data=st.data(), config=CONFIGS, mounts=MOUNTS, launch=st.booleans(), full=FULL)
    def create_machine(self, data: Any, config: MachineConfig, mounts: Any, launch: bool, full: bool) -> None:
        app, name = data.draw(st.sampled_from(APPS[:2])), data.draw(st.sampled_from(NAMES))
        config = MachineConfig(**{n: getattr(config, n) for n in config.__dataclass_fields__} | {"mounts": mounts})
        machine, version = self.model.mint(), self.model.mint()
        event = CreateMachine(
            id=machine, app=app, name=name, region=data.draw(st.sampled_from(REGIONS)), config=config, version=version,
            launch=launch,
        )  # fmt: skip
        if not self.do(event, full=full):
            self.machines.append(machine)

    @rule(key=KEYS, wish=WISHES, full=FULL)
    def ask(self, key: int, wish: on.Happening, full: bool) -> None:
        self.do(Happened(self.one(self.machines, key), wish), full=full)

    @rule(key=KEYS, config=CONFIGS, keep=st.booleans(), full=FULL)
    def update(self, key: int, config: MachineConfig, keep: bool, full: bool) -> None:
        machine = self.one(self.machines, key)
        life = self.model.fleet.find(machine)
        before = len(life.versions) if life else 0
        if life and keep:
            values = {n: getattr(config, n) for n in config.__dataclass_fields__}
            config = MachineConfig(**values | {"mounts": life.config.mounts})
        refused = self.do(Happened(machine, on.Update(config, self.model.mint(), {})), full=full)
        assert not life or len(life.versions) == before + (not refused)

    @rule(key=KEYS, wish=WISHES, given=st.sampled_from(["", "n"]), ttl=st.sampled_from([30, 0]), full=FULL)
    def ask_with_a_lease(self, key: int, wish: on.Happening, given: str, ttl: int, full: bool) -> None:
        machine = self.one(self.machines, key)
        lease = TakeLease(machine=machine, nonce="n", owner="me", ttl=ttl, given=given)
        self.do(Leased(Happened(machine, wish), lease), full=full)

    @rule(key=KEYS, take=st.booleans(), given=st.sampled_from(["", "n"]), full=FULL)
    def lease(self, key: int, take: bool, given: str, full: bool) -> None:
        machine = self.one(self.machines, key)
        wish = TakeLease(machine=machine, nonce="n", owner="me", ttl=30, given=given)
        self.do(wish if take else ReleaseLease(machine=machine, given=given), full=full)

    @rule(
        key=KEYS,
        what=st.sampled_from(["cordon", "metadata", "memory", "check", "migrate"]),
        yes=st.booleans(),
        full=FULL,
    )
    def detail(self, key: int, what: str, yes: bool, full: bool) -> None:
        machine = self.one(self.machines, key)
        life = self.model.fleet.find(machine)
        self.do(
            {
                "cordon": Cordon(machine, yes),
                "migrate": Migrate(machine),
                "metadata": SetMetadata(machine=machine, values={"a": "w" if yes else None}),
                "memory": SetMemoryLimit(machine, 100 if yes else 10_000),
                "check": Checked(machine, life.health.round if life else 0, "up", yes, "said"),
            }[what],
            full=full,
        )

    @rule(app=st.sampled_from(APPS[:2]), region=st.sampled_from(REGIONS), source=KEYS, fork=st.booleans(), full=FULL)
    def create_volume(self, app: str, region: str, source: int, fork: bool, full: bool) -> None:
        key, origin = self.model.mint(), self.one(self.volumes, source) if fork else ""
        app = self.app_of(origin, source) if fork else app
        if not self.do(volume.CreateVolume(id=key, app=app, name="data", region=region, source=origin), full=full):
            self.volumes.append(key)

    @rule(key=KEYS, what=st.sampled_from(["destroy", "extend", "snapshot"]), full=FULL)
    def change_volume(self, key: int, what: str, full: bool) -> None:
        mine = self.one(self.volumes, key)
        app = self.app_of(mine, key)
        self.do(
            {
                "destroy": volume.DestroyVolume(app=app, id=mine),
                "extend": volume.ExtendVolume(app=app, id=mine, size_gb=9),
                "snapshot": volume.CreateSnapshot(id=self.model.mint(), app=app, volume=mine),
            }[what],
            full=full,
        )

    @rule(app=st.sampled_from(APPS[:2]), what=KEYS, more=st.booleans(), full=FULL)
    def belonging(self, app: str, what: int, more: bool, full: bool) -> None:
        kept: list[FleetEvent] = [
            secrets.SetSecrets(app=app, values={"A": "1"}, salt="s")
            if more
            else secrets.DeleteSecret(app=app, name="A"),
            addresses.AssignAddress(app=app, type="v4")
            if more
            else addresses.ReleaseAddress(app=app, ip="198.51.100.1"),
            certificates.AddAcme(app=app, hostname="a.example")
            if more
            else certificates.RemoveHostname(app=app, hostname="a.example"),
            tokens.CreateToken(app=app, id=self.model.mint(), hash=self.model.mint(), life=100.0),
        ]
        self.do(kept[what % len(kept)], full=full)

    @precondition(lambda self: self.model.news)
    @rule(which=KEYS)
    def news(self, which: int) -> None:
        self.model.hear(self.model.news[which % len(self.model.news)])

    @precondition(lambda self: self.model.processes)
    @rule(which=KEYS, seed=KEYS)
    def process(self, which: int, seed: int) -> None:
        keys = sorted(self.model.processes)
        self.model.process_news(keys[which % len(keys)], Random(seed))

    @rule(seconds=st.sampled_from([0.5, 40.0, 400.0, 90_000.0]), sweep=st.booleans())
    def time_passes(self, seconds: float, sweep: bool) -> None:
        self.model.now += seconds
        if sweep:
            self.do(volume.SweepVolumes())

    @rule(really=RARELY)
    def killed(self, really: bool) -> None:
        if really:
            self.model.killed()

    @invariant()
    def everything_is_consistent(self) -> None:
        self.model.check()

    def teardown(self) -> None:
        """Whatever it was, it can be brought to its end: first by asking politely, then by force."""
        rng = Random(1)
        self.model.settle(rng)
        for life in list(self.model.lives()):
            if life.state is S.STARTED:
                assert not self.do(Happened(life.id, on.Stop()))
                self.model.settle(rng)
            if life.state is not S.DESTROYED:
                assert not self.do(Happened(life.id, on.Destroy())), life.state
                self.model.settle(rng)
            assert life.state is S.DESTROYED
        for app in self.model.fleet.apps():
            assert not self.do(DeleteApp(name=app.name))
        self.model.settle(rng)
        self.model.now += 10_000_000.0
        self.do(volume.SweepVolumes())
        self.model.check()
        assert not self.model.disk.machines
        assert not self.model.disk.records
        assert not self.model.fleet._leaving


Api.TestCase.settings = settings(
    max_examples=80, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
TestApi = Api.TestCase
