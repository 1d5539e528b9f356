"""Which machine gets a request: constraints first, then closeness, then load; it forwards and starts nothing.

The order follows Fly's documentation (reference/load-balancing and reference/fly-proxy-autostop-autostart):

    nearest region first; in one region   running, below its soft limit
                                        ▸ being started already, below its soft limit
                                        ▸ stopped or suspended, with autostart
                                        ▸ running or being started, at or over the soft limit, below the hard one
    the next region only when none of these is there; a soft limit never moves a request to another region
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

from flylab.rules.proximity import RoundTrip, by_closeness, expand
from flylab.wire.machine import MachineState, Service

# An edge of the local platform has one port; it stands for both public web ports of every app, 80 before 443.
PUBLIC_PORTS = (80, 443)
SOFT_LIMIT = 20  # reference/configuration: soft_limit when unset
APP_DOMAINS = (".fly.dev", ".localhost")  # <app>.fly.dev as on Fly; browsers resolve <app>.localhost to loopback

_WAKEABLE = frozenset({MachineState.STOPPED, MachineState.SUSPENDED})
# States that end by themselves, so that asking again a moment later may find a candidate.
PASSING = frozenset(
    {
        MachineState.CREATING,
        MachineState.STOPPING,
        MachineState.SUSPENDING,
        MachineState.RESTARTING,
        MachineState.REPLACING,
        MachineState.UPDATING,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One machine as an edge sees it."""

    id: str
    app: str
    region: str
    state: MachineState
    version: str
    services: tuple[Service, ...]
    cordoned: bool = False
    healthy: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRow:
    """One app as an edge sees it; organization and network bound where it may replay to."""

    name: str
    organization: str
    network: str = ""


class View:
    """The apps, hostnames and machines that an edge knows; the platform writes it, edges only read."""

    def __init__(self) -> None:
        self._apps: dict[str, AppRow] = {}
        self._hosts: dict[str, str] = {}
        self._rows: dict[str, Row] = {}
        self._by_app: dict[str, dict[str, Row]] = {}

    def put_app(self, app: AppRow) -> None:
        self._apps[app.name] = app

    def drop_app(self, name: str) -> None:
        """Forget an app with its hostnames and machines; unknown names are fine."""
        self._apps.pop(name, None)
        self._hosts = {host: app for host, app in self._hosts.items() if app != name}
        for machine_id in self._by_app.pop(name, {}):
            del self._rows[machine_id]

    def put_host(self, host: str, app: str) -> None:
        """Route one more hostname, as a certificate on Fly does."""
        self._hosts[host.lower()] = app

    def drop_host(self, host: str) -> None:
        """Forget a hostname; unknown ones are fine."""
        self._hosts.pop(host.lower(), None)

    def put(self, row: Row) -> None:
        """Add a machine or replace what is known of it."""
        self._rows[row.id] = row
        self._by_app.setdefault(row.app, {})[row.id] = row

    def drop(self, machine_id: str) -> None:
        """Forget a machine; unknown ids are fine."""
        row = self._rows.pop(machine_id, None)
        if row is not None:
            del self._by_app[row.app][machine_id]

    def app(self, name: str) -> AppRow | None:
        return self._apps.get(name)

    def app_of_host(self, host: str) -> str | None:
        """The app behind a ``Host`` value such as ``Blue.localhost:4300``, or None when no app has that name."""
        name = host.partition(":")[0].rstrip(".").lower()
        if name in self._hosts:
            return self._hosts[name]
        if (wildcard := f"*.{name.partition('.')[2]}") in self._hosts:
            return self._hosts[wildcard]
        for domain in APP_DOMAINS:
            if name.endswith(domain) and name[: -len(domain)] in self._apps:
                return name[: -len(domain)]
        return None

    def rows(self, app: str) -> Iterable[Row]:
        return self._by_app.get(app, {}).values()

    def row(self, machine_id: str) -> Row | None:
        return self._rows.get(machine_id)


class Loads:
    """Requests in flight per machine, counted from the decision to send one until its last byte."""

    def __init__(self) -> None:
        self._loads: dict[str, int] = {}
        self._waiting: list[Callable[[], None]] = []

    def of(self, machine_id: str) -> int:
        return self._loads.get(machine_id, 0)

    def reserve(self, machine_id: str) -> None:
        self._loads[machine_id] = self._loads.get(machine_id, 0) + 1

    def release(self, machine_id: str) -> None:
        """Give one place back; raises ValueError when none is taken, which is a bug of the caller."""
        left = self._loads.get(machine_id, 0) - 1
        if left < 0:
            raise ValueError(f"machine {machine_id!r} has no request to release")
        if left:
            self._loads[machine_id] = left
        else:
            del self._loads[machine_id]
        waiting, self._waiting = self._waiting, []
        for told in waiting:
            told()

    def on_release(self, told: Callable[[], None]) -> None:
        """Call ``told`` once, at the next release of any machine; it must not choose before it returns."""
        self._waiting.append(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a request asks of its machine; the app's own machines without constraints by default."""

    app: str
    regions: tuple[str, ...] = ()  # codes and aliases in order of preference
    region_forced: bool = True  # False: after the listed regions all others, nearest first
    instance: str | None = None
    prefer_instance: str | None = None
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Choice:
    """A machine that can take the request, after a start when ``wake`` is set."""

    row: Row
    service: Service
    wake: bool = False
    unavailable: str | None = None  # the preferred instance that could not be used


@dataclass(frozen=True, slots=True)
class NoCandidate:
    """Nobody can take the request now; ``busy`` means at the hard limit, ``soon`` that this may pass by itself."""

    code: str
    text: str
    busy: bool = False
    soon: bool = False


def choose(
    view: View, loads: Loads, wanted: Wanted, *, edge_region: str, rtt: RoundTrip, rng: Random
) -> Choice | NoCandidate:
    """Pick the machine for one request; the caller reserves it in the same step."""
    if wanted.instance is not None:
        return _exactly(view, loads, wanted, wanted.instance)
    pool = {row.region: [] for row in view.rows(wanted.app)}  # type: dict[str, list[Choice]]
    refused: list[NoCandidate] = []
    for row in view.rows(wanted.app):
        if row.id in wanted.without:
            continue
        judged = _judge(row, loads)
        if isinstance(judged, Choice):
            pool[row.region].append(judged)
        else:
            refused.append(judged)
    allowed = _regions(wanted, edge_region, pool, rtt)
    if wanted.prefer_instance is not None:
        for region in allowed:
            for choice in pool[region]:
                if choice.row.id == wanted.prefer_instance:
                    return choice
    for region in allowed:
        if pool[region]:
            return _least_loaded(pool[region], loads, rng, unavailable=wanted.prefer_instance)
    return _why_none(wanted, refused, anywhere=any(pool.values()))


def public_service(row: Row) -> Service | None:
    """The service that answers web requests from outside: the first with an ``http`` handler on a public port."""
    for public in PUBLIC_PORTS:
        for service in row.services:
            for port in service.ports:
                if port.port == public and "http" in port.handlers:
                    return service
    return None


def _exactly(view: View, loads: Loads, wanted: Wanted, machine_id: str) -> Choice | NoCandidate:
    row = view.row(machine_id)
    if row is None:
        # The proxy keeps trying for a machine that is gone (seen by others, tldraw/tldraw pull request 8748).
        return NoCandidate("PR04", f"machine {machine_id!r} is not there", soon=True)
    if row.app != wanted.app:
        return NoCandidate("PA03", f"machine {machine_id!r} is not a machine of app {wanted.app!r}")
    if machine_id in wanted.without:
        return NoCandidate("PR04", f"machine {machine_id!r} was tried or ruled out and nothing else may be used")
    return _judge(row, loads)


def _judge(row: Row, loads: Loads) -> Choice | NoCandidate:
    service = public_service(row)
    if service is None:
        return NoCandidate("PR01", f"machine {row.id} has no service with an http handler on port 80 or 443")
    if row.cordoned:
        return NoCandidate("PR01", f"machine {row.id} is cordoned")
    if row.state in PASSING:
        return NoCandidate("PR03", f"machine {row.id} is {row.state}", soon=True)
    hard = service.concurrency.hard_limit if service.concurrency else None
    if hard is not None and loads.of(row.id) >= hard:
        code = "PL02" if service.concurrency and service.concurrency.type == "requests" else "PL01"
        return NoCandidate(code, f"machine {row.id} is at its hard limit of {hard}", busy=True)
    if row.state is MachineState.STARTED:
        if row.healthy:
            return Choice(row, service)
        return NoCandidate("PR01", f"machine {row.id} fails its checks", soon=True)
    if row.state is MachineState.STARTING:
        return Choice(row, service, wake=True)
    if row.state in _WAKEABLE:
        if service.autostart:
            return Choice(row, service, wake=True)
        return NoCandidate("PR03", f"machine {row.id} is {row.state} and its service has no autostart")
    return NoCandidate("PR03", f"machine {row.id} is {row.state}")


def _regions(wanted: Wanted, edge_region: str, known: Iterable[str], rtt: RoundTrip) -> tuple[str, ...]:
    near = by_closeness(edge_region, known, rtt)
    if not wanted.regions:
        return near
    listed = expand(wanted.regions, edge_region, near, rtt)
    return listed if wanted.region_forced else tuple(dict.fromkeys(listed + near))


def _least_loaded(choices: list[Choice], loads: Loads, rng: Random, *, unavailable: str | None) -> Choice:
    best = min(_tier(choice, loads) for choice in choices)
    equal = sorted((choice for choice in choices if _tier(choice, loads) == best), key=lambda choice: choice.row.id)
    chosen = equal[0] if len(equal) == 1 else rng.choice(equal)
    return Choice(chosen.row, chosen.service, chosen.wake, unavailable) if unavailable else chosen


def _tier(choice: Choice, loads: Loads) -> int:
    load = loads.of(choice.row.id)
    concurrency = choice.service.concurrency
    soft = SOFT_LIMIT if concurrency is None or concurrency.soft_limit is None else concurrency.soft_limit
    if load >= soft:
        return 3
    if not choice.wake:
        return 0
    return 1 if load or choice.row.state is MachineState.STARTING else 2


def _why_none(wanted: Wanted, refused: list[NoCandidate], *, anywhere: bool) -> NoCandidate:
    # The reason that gives most hope speaks for all: a place that may become free, then a state that will pass.
    for reason in sorted(refused, key=lambda reason: (not reason.busy, not reason.soon, reason.text)):
        return reason
    if anywhere:
        return NoCandidate("PR03", f"app {wanted.app!r} has no machine in {','.join(wanted.regions)}")
    if wanted.without:
        return NoCandidate("PR03", f"app {wanted.app!r} has no other machine")
    return NoCandidate("PR01", f"app {wanted.app!r} has no machines")
