"""The platform: owns the fleet and performs what its rules decide; writes it down, tells edges and waiters, runs it.

API, edge, driver ──event──► Fleet.apply ──actions──► store → view → waiters and streams → driver
                                                      (written before anybody is told)
"""

import asyncio
from collections.abc import Callable, Coroutine
from random import Random

from flylab import ids
from flylab.clock import Clock
from flylab.errors import FlylabError, LocalError, RuleError
from flylab.local.backlog import Backlog
from flylab.local.bell import Bell
from flylab.local.driver import Driver
from flylab.local.events import Hub
from flylab.local.proxy_log import ProxyLog
from flylab.local.rendered import Rendered
from flylab.local.settings import PlatformSettings
from flylab.local.store import Store
from flylab.local.volumes import VolumeFolders
from flylab.local.waiters import Waiters
from flylab.rules import actions as do
from flylab.rules import certificates
from flylab.rules import lifecycle as on
from flylab.rules.actions import Action
from flylab.rules.edge_view import EdgeView
from flylab.rules.fleet import Fleet
from flylab.rules.life import Life
from flylab.rules.orders import FleetEvent, Happened
from flylab.rules.policies import Boots
from flylab.rules.rates import Rates
from flylab.rules.routing import Loads
from flylab.rules.waiting import Reached, Wanted
from flylab.rules.waking import COMING, check_rate, check_startable, why_not_started
from flylab.wire.fields import Json
from flylab.wire.machine import MachineState as S
from flylab.wire.proxy_lines import STARTS, started

_PRESENT = frozenset({S.STARTED, S.SUSPENDED, S.SUSPENDING, S.STOPPING})


class Platform:
    """One local platform; everything but ``wait``, ``wake`` and ``close`` happens in the step that asks for it."""

    def __init__(self, *, store: Store, clock: Clock, rng: Random, settings: PlatformSettings) -> None:
        self.settings = settings
        self.clock = clock
        self.rng = rng
        self.fleet = Fleet(settings.fleet, self.mint)
        self._edges = EdgeView(self.fleet)
        self.view = self._edges.view
        self.loads = Loads()
        self.rates: Rates | None = None  # of the Machines API, when it limits calls
        self.rendered = Rendered()
        self.events = Hub()
        self.boots = Boots(self.fleet.belongings.policies, settings.policies, self.fleet.find)
        self.watchers: list[Callable[[Life], None]] = [self.boots.look]  # told of every machine that has changed
        self.launch_delay: Callable[[str], float] = lambda _: 0.0  # seconds in which a new machine stays `created`
        self.kept = Bell()  # rings for a kind of records when one of them has changed
        self.exchanges = Hub(remembered=settings.remembered_exchanges)
        self.proxy_log = ProxyLog(store.folder / "proxies", clock)
        self._store = store
        self._backlog = Backlog(self.apply, clock)
        self.folders = VolumeFolders(
            store.folder, self.fleet.volumes, apply=self.apply, insist=self._backlog.take, clock=clock, rng=rng
        )
        self._driver: Driver | None = None
        self._waiters = Waiters()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def mint(self, now: float) -> str:
        """A new version or event id."""
        return ids.ulid(self.rng, now)

    @property
    def driver(self) -> Driver:
        assert self._driver is not None, "attach comes first"
        return self._driver

    def attach(self, driver: Driver) -> None:
        """Take the driver, bring back what was written down and go on with it."""
        self._driver = driver
        with self._store.intact():
            apps, machines, records = self._store.read()
            actions = self.fleet.restore(apps, machines, records, self.clock.wall())
        driver.keep_only({life.id for life in machines})
        self.folders.keep_only(*self.fleet.volumes.folders())
        self._edges.tell_of_apps([app.name for app in apps])
        self._tell_of([life.id for life in machines])
        self._edges.tell_of_hosts(self.fleet.belongings.certificates.hostnames())
        self._write(actions)
        self._perform(actions)

    def apply(self, event: FleetEvent) -> None:
        """Decide and perform; raises ``RuleError`` when refused, ``LocalError`` when it cannot be written down.

        Either way nothing has changed, here or on disk.
        """
        actions = self.fleet.apply(event, self.clock.wall())
        try:
            self._write(actions)
        except BaseException:
            self.fleet.undo()
            raise
        self._perform(actions)

    def report(self, machine_id: str, what: on.Happening) -> None:
        """What the driver says; late news of a machine that has moved on or is gone is dropped."""
        self._backlog.take(Happened(machine_id, what))

    async def wait(self, life: Life, wanted: Wanted, patience: float) -> Reached:
        """Return as soon as the machine gets there; raises ``deadline_exceeded`` or ``machine_not_found``."""
        return await self._waiters.wait(life, wanted, patience)

    def drain(self, machine_id: str, call_off: Callable[[str], None] | None) -> None:
        """Let edges send no new requests there; ``call_off`` is called when one needs it, None: they wait."""
        self._edges.drain(machine_id, call_off)

    def drain_no_more(self, machine_id: str) -> None:
        """Let edges send requests there again, if it is up; unknown ones are fine."""
        self._edges.drain_no_more(machine_id)

    async def wake(self, machine_id: str) -> None:
        """Start it for a request and return when it is ``started``; many callers cause one start."""
        life = self.fleet.find(machine_id)
        if life is None:
            raise RuleError("PM08", f"machine {machine_id} does not exist")
        if life.state is S.STARTED:
            self._edges.needed(machine_id)
            return
        asked: float | None = None
        if life.state not in COMING:
            check_startable(life)
            self.fleet.leases.admit_autostart(machine_id, self.clock.wall())
            if self.rates is not None and self.settings.autostart_counts:
                check_rate(self.rates, machine_id, self.clock.now())
            try:
                self.apply(Happened(machine_id, on.Start(source="proxy")))
            except LocalError as exc:
                raise RuleError("PM08", f"machine {machine_id} was not woken: {exc}") from exc
            asked = self.clock.now()
            self._say(life, STARTS)
        ends = frozenset({"started", "stopped", "failed", "destroying", "destroyed"})
        try:
            reached = await self.wait(life, Wanted(states=ends), self.settings.wake_timeout)
        except RuleError as exc:
            code = "PM03" if exc.code == "deadline_exceeded" else "PM08"
            raise RuleError(code, f"machine {machine_id} was not woken: {exc.text}") from exc
        if reached.state != "started":
            raise why_not_started(life, reached.state)
        if asked is not None:
            self._say(life, started(self.clock.now() - asked))

    def _say(self, life: Life, text: str) -> None:
        self.proxy_log.say(life.app, text, region=life.region, machine=life.id)

    def address(self, machine_id: str, internal_port: int) -> tuple[str, int] | None:
        """Where a started machine's process listens, or should."""
        life = self.fleet.find(machine_id)
        return self.driver.address(machine_id, internal_port) if life and life.state in _PRESENT else None

    async def close(self) -> None:
        """Stop every machine as its configuration says, kill what is left, end all streams and waits."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        running = [life for life in self.fleet.machines() if life.running]
        for life in running:
            try:
                self.apply(Happened(life.id, on.Stop(timeout=self.settings.stop_patience, source="flyd")))
            except FlylabError:  # in the middle of something else, or the disk is full; it is killed below
                self.driver.terminate(life.id, "SIGKILL", 0.0)
        ends = Wanted(states=frozenset({"stopped", "destroyed", "failed"}))
        patience = self.settings.stop_patience + 0.5
        await asyncio.gather(*(self.wait(life, ends, patience) for life in running), return_exceptions=True)
        await self.driver.close()
        await self.folders.close()
        self._backlog.close()
        self.events.close()
        self.exchanges.close()
        self.kept.close()
        self._waiters.close()

    def _perform(self, actions: list[Action]) -> None:
        """Everything but writing, which comes first."""
        self._edges.tell_of_apps([action.app for action in actions if isinstance(action, do.AppChanged)])
        told = (do.Changed, do.CheckTold)
        self._tell_of([action.machine for action in actions if isinstance(action, told)])
        certified = [each.key for each in actions if isinstance(each, do.Kept) and each.kind == certificates.KIND]
        self._edges.tell_of_hosts(certified)
        for action in actions:
            match action:
                case do.Noted():
                    self._noted(action)
                case do.CheckTold():
                    self._check_told(action)
                case do.Forgotten(machine=machine_id):
                    self.view.drop(machine_id)
                    self.rendered.drop(machine_id)
                case do.AppDropped(app=app):
                    self.view.drop_app(app)
                    self.proxy_log.drop(app)
                case do.LaunchNext(machine=machine_id):
                    delay = self.launch_delay(machine_id)
                    asyncio.get_running_loop().call_later(delay, self.report, machine_id, on.Start())
                case do.RestartLater():
                    self._background(self._restart(action))
                case do.Spawn(machine=machine_id):
                    life = self._life(machine_id)
                    self.driver.spawn(life.machine(), life.app, self._secrets(life))
                case do.Terminate(machine=machine_id, signal=signal, timeout=timeout):
                    self.driver.terminate(machine_id, signal, timeout)
                case do.Freeze(machine=machine_id):
                    self.driver.freeze(machine_id)
                case do.Thaw(machine=machine_id):
                    self.driver.thaw(machine_id)
                case do.Remove(machine=machine_id):
                    self.driver.remove(machine_id)
                case do.MakeFolder() | do.CopyFolder() | do.DropFolder():
                    self.folders.perform(action)
                case do.Kept(kind=kind):
                    self.kept.ring(kind)
                case do.Changed() | do.AppChanged():
                    pass  # dealt with above, before anything is done
        if any(isinstance(action, do.Kept) and action.kind in self.fleet.volumes.collections for action in actions):
            self.folders.watch()

    def _write(self, actions: list[Action]) -> None:
        gone = {action.machine for action in actions if isinstance(action, do.Forgotten)}
        changed = {action.machine for action in actions if isinstance(action, do.Changed)} - gone
        apps = [self.fleet.app(action.app) for action in actions if isinstance(action, do.AppChanged)]
        dropped = [action.app for action in actions if isinstance(action, do.AppDropped)]
        machines = [self._life(machine_id) for machine_id in sorted(changed)]
        kept = {(action.kind, action.key) for action in actions if isinstance(action, do.Kept)}
        records = [(kind, key, self.fleet.records[kind].document(key)) for kind, key in sorted(kept)]
        if gone or machines or apps or dropped or records:
            self._store.write(
                apps=apps, machines=machines, records=records, dropped_apps=dropped, dropped_machines=gone
            )

    def _tell_of(self, machines: list[str]) -> None:
        for machine_id in machines:
            self.rendered.drop(machine_id)
            life = self.fleet.find(machine_id)
            if life is not None:
                for watcher in self.watchers:
                    watcher(life)
            self._edges.tell(machine_id, life)

    def _secrets(self, life: Life) -> dict[str, str]:
        return {} if life.skip_secrets else self.fleet.belongings.secrets.values(life.app)

    def _noted(self, noted: do.Noted) -> None:
        event = noted.event
        named: Json = {"machine": noted.machine, "name": noted.name, "app": noted.app, "region": noted.region}
        at = {"state": event.status, "source": event.source, "at": event.timestamp / 1000, "event_id": event.id}
        self.events.publish({"type": event.type, **named, **at, "version": noted.version, "request": event.request})
        self._waiters.hear(noted)

    def _check_told(self, told: do.CheckTold) -> None:
        life = self._life(told.machine)
        named: Json = {"machine": life.id, "name": life.name, "app": life.app, "region": life.region}
        said = {"check": told.name, "status": told.status, "output": told.output, "healthy": life.health.healthy}
        # Without a state: whoever draws the states of machines passes it over.
        self.events.publish({"type": "check", **named, "state": "", "at": self.clock.wall(), **said})

    def _life(self, machine_id: str) -> Life:
        life = self.fleet.find(machine_id)
        assert life is not None, machine_id
        return life

    def _background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _restart(self, later: do.RestartLater) -> None:
        await self.clock.sleep(later.pause)
        if not self._closing:
            self.report(later.machine, on.RestartDue(later.spawns))
