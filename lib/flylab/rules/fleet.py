"""All apps and machines: ``apply(event, now)`` decides one thing at a time and returns what must be done about it.

Names are reserved in the same step that gives them out. ``now`` is in seconds since the epoch.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, assert_never

from flylab.errors import RuleError
from flylab.rules import actions as do
from flylab.rules import lifecycle as on
from flylab.rules.actions import Action
from flylab.rules.apps import AppEntry, create_app
from flylab.rules.belongings import Belongings
from flylab.rules.leases import KIND as LEASE
from flylab.rules.leases import Leases, LeaseSettings, ReleaseLease, TakeLease
from flylab.rules.life import Life, LifeSettings, Mint
from flylab.rules.memory import KIND as MEMORY
from flylab.rules.memory import MemoryLimits, SetMemoryLimit
from flylab.rules.metadata import SetMetadata, with_metadata
from flylab.rules.mounts import find_volume, mounted, remounted
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
from flylab.rules.records import AppOrder, Collection
from flylab.rules.secrets import SecretSettings
from flylab.rules.sharing import shared
from flylab.rules.sixpn import private_ip
from flylab.rules.undo import Before
from flylab.rules.volume_making import VolumeSettings
from flylab.rules.volume_orders import VolumeOrder
from flylab.rules.volumes import Volumes
from flylab.wire.fields import Json
from flylab.wire.machine import App
from flylab.wire.machine import MachineState as S


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSettings:
    """The numbers of the fleet; ``life`` holds those of a single machine, ``lease`` those of leases."""

    life: LifeSettings = field(default_factory=LifeSettings)
    volumes: VolumeSettings = field(default_factory=VolumeSettings)
    secrets: SecretSettings = field(default_factory=SecretSettings)
    lease: LeaseSettings = field(default_factory=LeaseSettings)
    keep_destroyed: float = 300.0  # our choice: destroyed machines are seen "for a while", nobody says how long


class Fleet:
    """Every app and machine of one platform."""

    def __init__(self, settings: FleetSettings, mint: Mint) -> None:
        self._settings = settings
        self._mint = mint
        self._apps: dict[str, AppEntry] = {}
        self._machines: dict[str, Life] = {}
        # Machines of deleted apps until the driver has removed them; nobody can ask for them any more.
        self._leaving: dict[str, Life] = {}
        self.belongings = Belongings(settings.secrets)
        self.leases = Leases(settings.lease)
        self.memory = MemoryLimits()
        self.volumes = Volumes(settings.volumes)
        self.records: dict[str, Collection] = {
            **self.belongings.collections(),
            LEASE: self.leases,
            MEMORY: self.memory,
            **self.volumes.collections,
        }
        self._before: Before | None = None

    def restore(
        self, apps: Iterable[AppEntry], machines: Iterable[Life], records: Mapping[str, Mapping[str, Json]], now: float
    ) -> list[Action]:
        """Take over what an earlier platform wrote down; its processes are gone. ``records`` are by kind and key."""
        for kind, collection in self.records.items():
            collection.restore(records.get(kind, {}))
        self._apps = {app.name: app for app in apps}
        self._machines = {life.id: life for life in machines}
        alive = {life.id for life in self._machines.values() if life.state is not S.DESTROYED}
        found: list[Action] = [*self.volumes.recovered(alive, now)]
        for life in self._machines.values():
            if life.state is not S.DESTROYED:
                found += life.step(on.Recovered(), now, settings=self._settings.life, mint=self._mint)
        return found

    def app(self, name: str) -> AppEntry:
        if name not in self._apps:
            raise RuleError("not_found", f"app '{name}' not found")
        return self._apps[name]

    def apps(self, organization: str = "") -> list[AppEntry]:
        return [app for app in self._apps.values() if organization in ("", app.organization)]

    def show_app(self, name: str) -> App:
        """The app as the API shows it: pending before its first machine (flyctl), then deployed or suspended."""
        entry, living = self.app(name), [life for life in self.machines(name) if life.state is not S.DESTROYED]
        up = any(life.state is not S.STOPPED and life.state is not S.SUSPENDED for life in living)
        return App(
            id=entry.id,
            name=entry.name,
            organization=entry.organization,
            organization_name=entry.organization,
            network=entry.network,
            status="pending" if not living else "deployed" if up else "suspended",
            machine_count=len(living),
            volume_count=sum(1 for _ in self.volumes.volumes(name)),
        )

    def machine(self, app: str, machine_id: str) -> Life:
        life = self._machines.get(machine_id)
        if life is None or life.app != self.app(app).name:
            raise RuleError("machine_not_found", "machine not found")
        return life

    def find(self, machine_id: str) -> Life | None:
        """By id alone, for reports of the driver and for the edges."""
        return self._machines.get(machine_id) or self._leaving.get(machine_id)

    def machines(self, app: str = "") -> Iterator[Life]:
        return (life for life in self._machines.values() if app in ("", life.app))

    def apply(self, event: FleetEvent, now: float) -> list[Action]:
        """Decide, change, and say what is to be done; raises ``RuleError`` and changes nothing when refused."""
        tables: list[dict[str, Any]] = [self._apps, self._machines, self._leaving]
        tables += [each.rows() for each in self.records.values()]
        self._before = Before(tables, self._touched(event))
        try:
            return self._decide(event, now)
        except BaseException:
            self.undo()
            raise

    def undo(self) -> None:
        """Make everything as it was before the last event, whose actions must not have been performed."""
        if self._before is not None:
            self._before.put_back()
            self._before = None

    def _touched(self, event: FleetEvent) -> Iterable[Life]:
        """The machines that the event may change, besides making and forgetting some."""
        if isinstance(event, DeleteApp):
            return self.machines(event.name)
        life = self.find(getattr(event, "machine", ""))
        return () if life is None else (life,)

    def _decide(self, event: FleetEvent, now: float) -> list[Action]:
        match event:
            case CreateApp():
                return [*create_app(self._apps, event, now)]
            case DeleteApp():
                return self._delete_app(event, now)
            case CreateMachine():
                return [*self._forget(now), *self._create_machine(event, now)]
            case Happened(machine=machine_id, what=what):
                return self._happened(machine_id, what, now)
            case Checked():
                life = self._living(event.machine)
                status = life.health.heard(event.round, event.name, event.passed, event.output, now)
                return [do.CheckTold(life.id, event.name, status, event.output)] if status else []
            case Cordon(machine=machine_id, on=cordoned):
                life = self._living(machine_id)
                life.cordoned, life.updated_at = cordoned, now
                return [do.Changed(machine_id)]
            case Migrate():
                life = self._living(event.machine)
                life.private_ip, life.updated_at = self._private_ip(self.app(life.app), life), now
                return [do.Changed(life.id)]
            case SetMetadata():
                life = self._living(event.machine)
                life.config, life.updated_at = with_metadata(life, event), now
                return [do.Changed(life.id)]
            case VolumeOrder():
                if named := getattr(event, "app", ""):
                    self.app(named)
                return [*self.volumes.apply(event, now)]
            case AppOrder(app=app):
                self.app(app)
                return list(self.belongings.apply(event, now))
            case Leased(what=what, lease=lease):
                return [*self._decide(what, now), *self._decide(lease, now)]
            case TakeLease():
                return [*self.leases.take(event, self._living(event.machine).version, now)]
            case SetMemoryLimit():
                return [*self.memory.set(event, self._living(event.machine).config)]
            case ReleaseLease():
                return [*self.leases.release(event, now)]
            case _ as never:
                assert_never(never)

    def _delete_app(self, event: DeleteApp, now: float) -> list[Action]:
        name = self.app(event.name).name
        going = list(self.machines(name))
        running = [life.id for life in going if life.running]
        if running and not event.force:
            text = f"app '{name}' has running machines ({', '.join(sorted(running))}); stop them or use force"
            raise RuleError("failed_precondition", text)
        found: list[Action] = []
        for life in going:
            del self._machines[life.id]
            if life.state is not S.DESTROYED:
                self._leaving[life.id] = life
                found += self._happened(life.id, on.ForceDestroy(), now)
            # At once: a platform that is killed now does not know the machine any more.
            found += [*self.leases.drop(life.id), *self.memory.drop(life.id), do.Forgotten(life.id)]
        found += self.volumes.drop_app(name, now)
        del self._apps[name]
        return [*found, *self.belongings.drop(name), do.AppDropped(name)]

    def _create_machine(self, event: CreateMachine, now: float) -> list[Action]:
        app = self.app(event.app)
        alike = list(self.machines(app.name))
        for other in alike:
            if other.name == event.name and other.state is not S.DESTROYED:
                text = f'unique machine name violation, machine ID {other.id} already exists with name "{event.name}"'
                raise RuleError("already_exists", text)
        volume = find_volume(self.volumes, app.name, event.region, event.config)
        config = mounted(event.config, volume)
        if like := next(reversed(alike), None):
            config = shared(config, like.config)
        life = Life(
            id=event.id,
            app=app.name,
            name=event.name,
            region=event.region,
            config=config,
            version=event.version,
            created_at=now,
            updated_at=now,
            cordoned=event.cordoned,
            skip_secrets=event.skip_secrets,
            private_ip=self._private_ip(app, event),
            image_ref=like.image_ref if like and like.image_ref == event.image_ref else event.image_ref,
            versions=((event.version, config),),
        )
        found: list[Action] = [*life.step(on.Prepared(), now, settings=self._settings.life, mint=self._mint)]
        self._machines[life.id] = life
        if volume is not None:
            found += self.volumes.bind(volume, life.id, now)
        return [*found, do.LaunchNext(life.id)] if event.launch else found

    def _private_ip(self, app: AppEntry, event: CreateMachine | Life) -> str:
        taken = {life.private_ip for life in self._machines.values()}
        tries = (private_ip(app.organization, app.network, event.region, event.id, n) for n in count())
        return next(address for address in tries if address not in taken)

    def _happened(self, machine_id: str, what: on.Happening, now: float) -> list[Action]:
        life = self.find(machine_id)
        if life is None:
            raise RuleError("machine_not_found", "machine not found")
        if isinstance(what, on.Update):
            config = remounted(self.volumes, life.config.mounts, what.config)
            what = replace(what, config=shared(config, life.config))
        found: list[Action] = list(life.step(what, now, settings=self._settings.life, mint=self._mint))
        if (
            isinstance(what, on.Update)
            and what.launch
            and self._settings.life.update_starts
            and life.state is S.STOPPED
        ):
            found.append(do.LaunchNext(machine_id))
        if life.state is S.DESTROYED and life.config.mounts:
            found += self.volumes.detach(machine_id, now)
        if life.state is S.DESTROYED:
            found += self.leases.drop(machine_id)
        if life.state is S.DESTROYED or isinstance(what, on.Update):
            found += self.memory.drop(machine_id)
        if machine_id in self._leaving:
            found = [action for action in found if not isinstance(action, do.Changed)]
            if life.state is S.DESTROYED:
                del self._leaving[machine_id]
        return found

    def _living(self, machine_id: str) -> Life:
        life = self._machines.get(machine_id)
        if life is None or life.state is S.DESTROYED:
            raise RuleError("machine_not_found", "machine not found")
        return life

    def is_forgotten(self, life: Life, now: float) -> bool:
        """Whether it is destroyed for so long that nobody is shown it any more."""
        return life.state is S.DESTROYED and now - life.updated_at > self._settings.keep_destroyed

    def _forget(self, now: float) -> list[Action]:
        old = [life.id for life in self._machines.values() if self.is_forgotten(life, now)]
        for machine_id in old:
            del self._machines[machine_id]
        return [do.Forgotten(machine_id) for machine_id in old]
