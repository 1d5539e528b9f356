"""One machine through time: what must be done at each transition, its restart policy and its log of events.

``Life.step`` takes an event and ``now`` (seconds since the epoch), changes only itself and returns the actions that the
platform has to perform, in order.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from flylab.errors import RuleError
from flylab.rules import lifecycle as on
from flylab.rules.actions import Changed, Freeze, MachineAction, Noted, Remove, RestartLater, Spawn, Terminate, Thaw
from flylab.rules.checks import Health
from flylab.rules.lifecycle import Happening, following
from flylab.rules.sharing import NOTHING
from flylab.rules.suspending import suspendable
from flylab.wire.config import MachineConfig
from flylab.wire.fields import Json
from flylab.wire.machine import Event, Machine
from flylab.wire.machine import MachineState as S
from flylab.wire.moment import format_moment

Mint = Callable[[float], str]  # a new ULID for a moment; chance comes in as an argument


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeSettings:
    """The numbers of a machine's life."""

    kill_signal: str = "SIGINT"  # reference/configuration, kill_signal
    kill_timeout: float = 5.0  # the same page; then SIGKILL, as the stop endpoint says
    kill_timeout_most: float = 300.0  # the same page
    retries: int = 10  # machines/guides-examples/machine-restart-policy
    retry_window: float = 300.0  # the same page: within 5 minutes
    # The pauses between restarts are our choice, nothing is published: they keep a crash loop from eating the computer,
    # and ten of them fit into the five minutes that the retries are counted in.
    restart_pause: float = 0.5
    restart_growth: float = 2.0  # each further restart within the window waits that much longer …
    restart_growth_most: float = 20.0  # … up to that many times the first pause
    gate_before_first_pass: bool = True  # ASSUMED: checks that have not run since a start keep requests away
    still_active: float = 0.0  # reported 2026-10: starts are refused for up to 8 s after a stop; off by our choice
    # Documented: an update starts a stopped machine; reported 2026-09 and 2026-10: it does not.
    update_starts: bool = False
    # Documented of autostop, assumed of the API: what cannot be suspended is stopped. False suspends it all the same.
    suspend_limits: bool = True
    events_kept: int = 50  # the most that the events endpoint shows
    versions_kept: int = 100  # our choice: each has a whole configuration; the oldest are forgotten

    def pause(self, earlier: int) -> float:
        """Seconds before a restart that follows ``earlier`` ones within the window."""
        # Beyond a few hundred the power would overflow; policy `always` counts on and on.
        grown = self.restart_growth ** min(earlier, 100)
        return self.restart_pause * max(1.0, min(grown, self.restart_growth_most))


_TYPES: dict[type[Happening], str] = {
    on.Prepared: "launch", on.Start: "start", on.Started: "start", on.StartFailed: "exit",
    on.LaunchFailed: "launch", on.Stop: "stop",
    on.Exited: "exit", on.Restart: "restart", on.RestartDue: "restart", on.Suspend: "suspend",
    on.Suspended: "suspend", on.Update: "update", on.Destroy: "destroy", on.ForceDestroy: "destroy",
    on.Removed: "destroy", on.Recovered: "recover",
}  # fmt: skip
_FIRST = (on.Prepared, on.Recovered)
_WANTED = (S.STOPPING, S.SUSPENDING, S.RESTARTING, S.REPLACING, S.DESTROYING)  # an exit in these states was asked for


@dataclass(slots=True, kw_only=True)
class Life:
    """One machine as the platform keeps it; ``running`` is true from the decision to spawn until its process ended."""

    id: str
    app: str
    name: str
    region: str
    config: MachineConfig
    version: str
    created_at: float
    updated_at: float
    private_ip: str = ""
    image_ref: Json = field(default_factory=dict)
    state: S = S.CREATING
    cordoned: bool = False
    skip_secrets: bool = False  # it is started without the secrets of its app
    running: bool = False
    spawns: int = 0
    restarts: tuple[float, ...] = ()
    log: tuple[tuple[Event, str], ...] = ()  # oldest first, each with the version it happened to
    versions: tuple[tuple[str, MachineConfig], ...] = ()  # oldest first, the current one last
    health: Health = field(default_factory=Health, compare=False)  # not written down, found anew

    def step(self, event: Happening, now: float, *, settings: LifeSettings, mint: Mint) -> list[MachineAction]:
        """Follow the event; raises ``IllegalTransition`` and changes nothing when the state does not allow it."""
        before = self.state
        after = following(self.id, before, event)
        if isinstance(event, on.RestartDue) and (event.spawns != self.spawns or self.running):
            return []
        if isinstance(event, on.Start) and before is S.STOPPED and self._still_active(event, now, settings):
            raise RuleError("still_active", "the machine has just stopped and is still active")
        if isinstance(event, on.Started) and not self.running:
            return []  # late news of a process that has ended since
        actions = self._act(event, before, now, settings)
        # `_act` settles what the table leaves open: policies, and states that pass at once without a process.
        self.state = self._settled(event, after, actions)
        self.updated_at = now
        if (self.state is S.STARTED) is not (before is S.STARTED) or isinstance(event, (on.Update, *_FIRST)):
            gate = settings.gate_before_first_pass
            self.health.begin(self.config, now, running=self.state is S.STARTED, gate=gate)
        if self.state is not before or isinstance(event, (on.Exited, on.Update)):
            actions.append(self.note(event, before, now, settings=settings, mint=mint))
        return [*actions, Changed(self.id)]

    def _act(self, event: Happening, before: S, now: float, settings: LifeSettings) -> list[MachineAction]:
        match event:
            case on.Start():
                return [Thaw(self.id)] if before is S.SUSPENDED else [self._spawn()]
            case on.Stop() | on.Restart() if self.running:
                return [self._terminate(event.signal, event.timeout, settings, frozen=before is S.SUSPENDED)]
            case on.Suspend() if before is S.STARTED:
                if settings.suspend_limits and not suspendable(self.config):
                    return [self._terminate(None, None, settings, frozen=False)]
                return [Freeze(self.id)]
            case on.Update(config=config, version=version, image_ref=image_ref):
                self.config, self.version, self.image_ref = config, version, image_ref
                self.skip_secrets = event.skip_secrets
                self.versions = (*self.versions, (version, config))[-settings.versions_kept :]
                self.restarts = ()
                if self.running:
                    return [self._terminate(None, None, settings, frozen=before is S.SUSPENDED)]
                return [self._spawn()] if before is S.RESTARTING else []
            case on.Destroy() | on.ForceDestroy() if before not in (S.DESTROYING, S.LAUNCH_FAILED):
                return [Terminate(self.id, "SIGKILL", 0.0) if self.running else Remove(self.id)]
            case on.Exited():
                self.running = False
                return self._after_exit(event, before, now, settings)
            case on.StartFailed():
                self.running = False
                return [Remove(self.id)] if before is S.DESTROYING else []
            case on.LaunchFailed():
                self.running = False
                gone = before is S.DESTROYING or (before is S.STARTING and self.spawns <= 1)
                return [Remove(self.id)] if gone else []
            case on.RestartDue():
                return [self._spawn()]
            case on.Recovered():
                self.running = False
                return [Remove(self.id)] if before in (S.DESTROYING, S.LAUNCH_FAILED) else []
            case _:
                return []

    def _after_exit(self, event: on.Exited, before: S, now: float, settings: LifeSettings) -> list[MachineAction]:
        if before is S.DESTROYING:
            return [Remove(self.id)]
        if before in (S.RESTARTING, S.REPLACING):
            return [self._spawn()]
        by_itself = before in (S.STARTING, S.STARTED)
        if by_itself and self._policy_restarts(event, now, settings):
            recent = self._recent(now, settings)
            self.restarts = (*recent, now)
            return [RestartLater(self.id, self.spawns, settings.pause(len(recent)))]
        return [Remove(self.id)] if self.config.auto_destroy else []

    def _settled(self, event: Happening, after: S, actions: list[MachineAction]) -> S:
        if isinstance(event, on.Exited) and after is S.STOPPED:
            if any(isinstance(action, RestartLater) for action in actions):
                return S.RESTARTING
            if any(isinstance(action, Remove) for action in actions):
                return S.DESTROYING
        if after is S.LAUNCH_FAILED and not actions:
            return S.FAILED
        if after is S.STOPPING and not self.running:
            return S.STOPPED
        return after

    def _still_active(self, event: on.Start, now: float, settings: LifeSettings) -> bool:
        """Whether a user's start comes too soon after the last stop."""
        if not settings.still_active:
            return False  # times of the log are rounded to milliseconds, so a stop may seem to lie in the future
        ended = next((one.timestamp / 1000 for one, _ in reversed(self.log) if one.status == S.STOPPED), None)
        return event.source == "user" and ended is not None and now - ended < settings.still_active

    def _policy_restarts(self, event: on.Exited, now: float, settings: LifeSettings) -> bool:
        restart = self.config.restart
        policy = restart.policy if restart else "on-failure"
        if policy == "always":
            return True
        if policy == "no" or self.config.auto_destroy or (event.code == 0 and event.signal == 0):
            return False
        most = settings.retries if restart is None or restart.max_retries is None else restart.max_retries
        return len(self._recent(now, settings)) < most

    def _recent(self, now: float, settings: LifeSettings) -> tuple[float, ...]:
        return tuple(at for at in self.restarts if now - at < settings.retry_window)

    def _spawn(self) -> Spawn:
        self.running = True
        self.spawns += 1
        return Spawn(self.id)

    def _terminate(
        self, signal: str | None, timeout: float | None, settings: LifeSettings, *, frozen: bool
    ) -> Terminate:
        if frozen:  # a frozen process cannot act on a signal, and its snapshot is to be discarded anyway
            return Terminate(self.id, "SIGKILL", 0.0)
        given = self.config.stop_config
        signal = signal or (given.signal if given else None) or settings.kill_signal
        if timeout is None:
            timeout = given.timeout if given and given.timeout is not None else settings.kill_timeout
        return Terminate(self.id, signal, min(max(timeout, 0.0), settings.kill_timeout_most))

    def note(self, event: Happening, before: S, now: float, *, settings: LifeSettings, mint: Mint) -> Noted:
        """Add to the log what has just happened."""
        entry = Event(
            id=mint(now),
            type=_TYPES[type(event)],
            status=str(self.state),
            source=getattr(event, "source", "user" if isinstance(event, on.Prepared) else "flyd"),
            timestamp=round(now * 1000),
            request=self._request(event, before, now),
            extra=NOTHING,
        )
        self.log = (*self.log, (entry, self.version))[-settings.events_kept :]
        return Noted(self.id, self.name, self.app, self.region, entry, self.version)

    def _request(self, event: Happening, before: S, now: float) -> dict[str, object]:
        match event:
            case on.Exited(code=code, signal=signal, oom=oom):
                # fly-go machine_types.go names the fields; -1 for "no signal" is what flyctl prints.
                exit_event = {
                    "exit_code": 128 + signal if signal else code,
                    "guest_exit_code": code,
                    "guest_signal": signal or -1,
                    "signal": signal or -1,
                    "oom_killed": oom,
                    "requested_stop": before in _WANTED,
                    "restarting": self.state is S.RESTARTING,
                    "exited_at": format_moment(now),
                }
                return {"exit_event": exit_event, "restart_count": len(self.restarts)}
            case on.StartFailed(why=why) | on.LaunchFailed(why=why):
                return {"error": why}
            case _:
                return NOTHING

    def machine(self) -> Machine:
        """As the Machines API shows it, newest event first."""
        return Machine(
            id=self.id,
            name=self.name,
            state=self.state,
            region=self.region,
            instance_id=self.version,
            private_ip=self.private_ip,
            image_ref=self.image_ref,
            config=self.config,
            events=tuple(event for event, _ in reversed(self.log)),
            created_at=format_moment(self.created_at),
            updated_at=format_moment(self.updated_at),
            cordoned=self.cordoned,
            checks=self.health.to_json(),
        )
