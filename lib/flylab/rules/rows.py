"""What an edge knows: apps, hostnames and machines as rows, and how busy each machine is; it chooses nothing."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from flylab.rules.proximity import RoundTrip, by_closeness
from flylab.wire.machine import MachineState, Service

_HOSTS = 1024  # values of Host that are remembered with their app; our choice
APP_DOMAINS = (".fly.dev", ".localhost")  # <app>.fly.dev as on Fly; browsers resolve <app>.localhost to loopback


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
    draining: bool = False  # autostop is about to stop it, and a request that has nowhere better to go calls that off
    asked: bool = False  # it is stopped, and because somebody asked for that


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRow:
    """One app as an edge sees it; organization and network bound where it may replay to."""

    name: str
    organization: str
    network: str = ""


class View:
    """The apps, hostnames and machines that an edge knows; the platform writes it, edges only read."""

    settled = 0.0  # seconds after which whoever looks has seen everything that was so when they first looked

    def __init__(self) -> None:
        self._apps: dict[str, AppRow] = {}
        self._hosts: dict[str, str] = {}
        self._rows: dict[str, Row] = {}
        self._by_app: dict[str, dict[str, Row]] = {}
        self._places: dict[str, dict[str, dict[str, Row]]] = {}  # by app and region, none of them empty
        self._near: dict[tuple[str, str], tuple[str, ...]] = {}  # what ``near`` has found, until the regions change
        self._told: list[Callable[[str], None]] = []
        self._found: dict[str, str] = {}  # what ``app_of_host`` has found, until a name changes
        self.version = 0  # another one after every change, what was found is good until then

    def tell(self, told: Callable[[str], None]) -> None:
        """Call ``told`` with the id of every machine that is put or dropped from now on."""
        self._told.append(told)

    def tell_no_more(self, told: Callable[[str], None]) -> None:
        """Take back ``tell``; once more is fine."""
        self._told = [each for each in self._told if each != told]

    def put_app(self, app: AppRow) -> None:
        self._apps[app.name] = app
        self._named()

    def drop_app(self, name: str) -> None:
        """Forget an app with its hostnames and machines; unknown names are fine."""
        self._apps.pop(name, None)
        self._named()
        self._hosts = {host: app for host, app in self._hosts.items() if app != name}
        for machine_id in list(self._by_app.get(name, {})):
            self.drop(machine_id)

    def put_host(self, host: str, app: str) -> None:
        """Route one more hostname, as a certificate on Fly does."""
        self._hosts[host.lower()] = app
        self._named()

    def drop_host(self, host: str) -> None:
        """Forget a hostname; unknown ones are fine."""
        self._hosts.pop(host.lower(), None)
        self._named()

    def put(self, row: Row) -> None:
        """Add a machine or replace what is known of it."""
        known = self._rows.get(row.id)
        if known is not None and (known.app, known.region) != (row.app, row.region):
            self._take_out(known)
        self._rows[row.id] = row
        self._by_app.setdefault(row.app, {})[row.id] = row
        places = self._places.setdefault(row.app, {})
        if row.region not in places:
            places[row.region] = {}
            self._near.clear()
        places[row.region][row.id] = row
        self._tell(row.id)

    def drop(self, machine_id: str) -> None:
        """Forget a machine; unknown ids are fine."""
        row = self._rows.pop(machine_id, None)
        if row is not None:
            self._take_out(row)
            self._tell(machine_id)

    def _take_out(self, row: Row) -> None:
        for index, key in ((self._by_app, row.app), (self._places[row.app], row.region)):
            del index[key][row.id]
            if not index[key]:
                del index[key]
        if row.region not in self._places[row.app]:
            self._near.clear()
            if not self._places[row.app]:
                del self._places[row.app]

    def app(self, name: str) -> AppRow | None:
        return self._apps.get(name)

    def app_of_host(self, host: str) -> str | None:
        """The app behind a ``Host`` value such as ``Blue.localhost:4300``, or None when no app has that name."""
        found = self._found.get(host)
        if found is None and (found := self._app_of_host(host)) is not None:
            if len(self._found) >= _HOSTS:
                self._found.clear()
            self._found[host] = found
        return found

    def _app_of_host(self, host: str) -> str | None:
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

    def places(self, app: str) -> Mapping[str, Mapping[str, Row]]:
        """The app's machines by region and id; regions without one are not there."""
        return self._places.get(app, {})

    def near(self, app: str, edge_region: str, rtt: RoundTrip) -> tuple[str, ...]:
        """The regions of the app's machines, nearest first; ``rtt`` is always the same for one edge."""
        found = self._near.get((app, edge_region))
        if found is None:
            found = self._near[app, edge_region] = by_closeness(edge_region, self.places(app), rtt)
        return found

    def row(self, machine_id: str) -> Row | None:
        return self._rows.get(machine_id)

    def all_rows(self) -> Iterable[Row]:
        return self._rows.values()

    def _named(self) -> None:
        self._found.clear()
        self.version += 1

    def _tell(self, machine_id: str) -> None:
        self.version += 1
        for told in self._told:
            told(machine_id)


class Loads:
    """Requests in flight per machine, counted from the decision to send one until its last byte."""

    def __init__(self) -> None:
        self._loads: dict[str, int] = {}
        self._waiting: list[Callable[[], None]] = []
        self._touched: set[str] = set()

    def of(self, machine_id: str) -> int:
        return self._loads.get(machine_id, 0)

    def items(self) -> Iterable[tuple[str, int]]:
        """Every machine with a load, and its load."""
        return self._loads.items()

    def reserve(self, machine_id: str) -> None:
        self._loads[machine_id] = self._loads.get(machine_id, 0) + 1
        self._touched.add(machine_id)

    def enter(self, machine_id: str, below: int) -> bool:
        """Reserve a place if fewer than so many are taken."""
        loads = self._loads
        load = loads.get(machine_id, 0)
        if load >= below:
            return False
        loads[machine_id] = load + 1
        self._touched.add(machine_id)
        return True

    def release(self, machine_id: str) -> None:
        """Give one place back; raises ValueError when none is taken, which is a bug of the caller."""
        left = self._loads.get(machine_id, 0) - 1
        if left < 0:
            raise ValueError(f"machine {machine_id!r} has no request to release")
        if left:
            self._loads[machine_id] = left
        else:
            del self._loads[machine_id]
        if self._waiting:
            self._tell()

    def on_release(self, told: Callable[[], None]) -> None:
        """Call ``told`` once, at the next release of any machine; it must not choose before it returns."""
        self._waiting.append(told)

    def touched(self) -> set[str]:
        """The machines that got a request since this was last asked, however short it was."""
        touched, self._touched = self._touched, set()
        return touched

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for told in waiting:
            told()
