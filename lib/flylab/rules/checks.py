"""What the checks of a machine ask for, and what they have found since its last start; sockets are elsewhere.

    start ─► warning ── grace_period, then every interval ──┬─► passing ⇄ critical
       ▲     (not run yet)                                  │
       └──────────────── the machine ends or resumes ───────┘

A failing check never restarts or stops a machine (reference/health-checks): it only keeps requests away from it.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from re import compile as pattern

from flylab.errors import FlylabError, ParseError
from flylab.wire.duration import parse_duration
from flylab.wire.fields import Fields, Json
from flylab.wire.machine import MachineConfig
from flylab.wire.moment import format_moment

_TOKEN = pattern(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, a header's name and a method


class Status(StrEnum):
    """The words of the wire; a check that has not run since the start is ``warning`` (ASSUMED)."""

    PASSING = "passing"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSettings:
    """The numbers of checks."""

    interval: float = 15.0  # this, timeout and grace_period when unset: the documented default shape of a TCP check
    timeout: float = 2.0
    grace_period: float = 1.0
    least: float = 1.0  # flyctl validation.go clamps service checks to 1 s … 60 s
    least_interval_top_level: float = 2.0  # the same file, for top-level checks
    most: float = 60.0
    first_interval: float = 1.0  # ASSUMED: until it has passed once, a check is repeated at least that often
    only_200: bool = False  # one warning box of reference/configuration says exactly 200; all else says 2xx
    at_once: int = 100  # our choice: checks under way at the same time, the others wait their turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check as it was configured; unset times are None, ``gates`` keeps requests away while it does not pass."""

    name: str
    kind: str
    port: int
    gates: bool
    top_level: bool = False
    interval: float | None = None
    timeout: float | None = None
    grace_period: float | None = None
    method: str = "GET"
    path: str = "/"
    protocol: str = "http"
    headers: tuple[tuple[str, str], ...] = ()
    tls_skip_verify: bool = False
    tls_server_name: str = ""

    def first(self, settings: CheckSettings) -> float:
        """Seconds from the start to the first run."""
        given = settings.grace_period if self.grace_period is None else self.grace_period
        return 0.0 if given <= 0 else min(max(given, settings.least), settings.most)

    def every(self, settings: CheckSettings, *, passed: bool) -> float:
        """Seconds from one run to the next; ``passed`` once it has, since the start."""
        given = settings.interval if self.interval is None else self.interval
        least = settings.least_interval_top_level if self.top_level else settings.least
        given = min(max(given, least), settings.most)
        return given if passed else min(given, settings.first_interval)

    def patience(self, settings: CheckSettings) -> float:
        """Seconds that one run may take."""
        given = settings.timeout if self.timeout is None else self.timeout
        return min(max(given, 0.0 if self.top_level else settings.least), settings.most) or settings.timeout


def read_checks(config: MachineConfig) -> tuple[Check, ...]:
    """All checks of a configuration; raises ``ParseError`` for the first value that cannot be used."""
    found: list[Check] = []
    for i, service in enumerate(config.services):
        for j, given in enumerate(service.checks):
            f = Fields(given, f"config.services[{i}].checks[{j}]")
            kind, port = _kind(f), f.maybe_integer("port") or service.internal_port
            found.append(_read(f, f"servicecheck-{len(found):02d}-{kind}-{port}", kind, port, gates=True))
    for name, given in config.checks.items():
        f = Fields(given, f"config.checks.{name}")
        kind, port, purpose = _kind(f), f.integer("port", -1), f.text("kind", "informational")
        if purpose not in ("informational", "readiness"):
            raise ParseError(f.path("kind"), purpose, "informational or readiness is expected")
        found.append(_read(f, name, kind, port, gates=purpose == "readiness", top_level=True))
    return tuple(found)


def ports_of(config: MachineConfig) -> tuple[int, ...]:
    """The ports inside the machine that somebody connects to: of its services first, of its checks, of its metrics."""
    services = [service.internal_port for service in config.services]
    return tuple(dict.fromkeys([*services, *(check.port for check in read_checks(config)), *_metrics_port(config)]))


def _metrics_port(config: MachineConfig) -> tuple[int, ...]:
    """The port of `metrics`, which says of itself where a machine can be asked (monitoring/metrics)."""
    wanted = config.extra.get("metrics")
    port = wanted.get("port") if isinstance(wanted, dict) else None
    return (port,) if isinstance(port, int) and 0 < port < 65536 else ()


def _kind(f: Fields) -> str:
    kind = f.text("type").lower()
    if kind not in ("tcp", "http"):
        raise ParseError(f.path("type"), kind, "tcp or http is expected")
    return kind


def _read(f: Fields, name: str, kind: str, port: int, *, gates: bool, top_level: bool = False) -> Check:
    if not 0 < port < 65536:
        raise ParseError(f.path("port"), port, "a port between 1 and 65535 is expected")
    method, path = f.text("method").upper() or "GET", f.text("path") or "/"
    protocol = f.text("protocol").lower() or "http"
    if not _TOKEN.fullmatch(method):
        raise ParseError(f.path("method"), method, "not a method such as GET")
    if not path.startswith("/") or not path.isprintable() or " " in path:
        raise ParseError(f.path("path"), path, "a path that starts with '/' and has no spaces is expected")
    if protocol not in ("http", "https"):
        raise ParseError(f.path("protocol"), protocol, "http or https is expected")
    return Check(
        name=name,
        kind=kind,
        port=port,
        gates=gates,
        top_level=top_level,
        interval=f.maybe("interval", _time),
        timeout=f.maybe("timeout", _time),
        grace_period=f.maybe("grace_period", _time),
        method=method,
        path=path,
        protocol=protocol,
        headers=tuple(pair for pairs in f.items("headers", _headers) for pair in pairs),
        tls_skip_verify=f.flag("tls_skip_verify"),
        tls_server_name=f.text("tls_server_name"),
    )


def _time(value: object, where: str) -> float:
    seconds = parse_duration(value, where)
    if seconds < 0:
        raise ParseError(where, value, "a time that is not negative is expected")
    return seconds


def _headers(value: object, where: str) -> list[tuple[str, str]]:
    f = Fields(value, where)
    name, values = f.text("name"), f.texts("values")
    if not _TOKEN.fullmatch(name):
        raise ParseError(f.path("name"), name, "not the name of a header")
    for text in values:
        if not text.isprintable() or not text.isascii():
            raise ParseError(f.path("values"), text, "printable ASCII is expected")
    return [(name, text) for text in values]


def http_passes(status: int, settings: CheckSettings) -> bool:
    """Whether an answer passes; redirects are not followed and so do not."""
    return status == 200 if settings.only_200 else 200 <= status < 300


@dataclass(slots=True)
class Result:
    """What one check has said last."""

    gates: bool
    status: Status
    output: str
    updated_at: float


@dataclass(slots=True)
class Health:
    """The checks of one machine; ``round`` counts its starts, so that late results of an earlier one are dropped."""

    round: int = 0
    running: bool = False
    results: dict[str, Result] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()

    def begin(self, config: MachineConfig, now: float, *, running: bool, gate: bool = True) -> None:
        """Forget what was found: it has started, or is not running; ``gate`` shuts it until all have passed."""
        try:
            self.checks = read_checks(config)
        except FlylabError:  # admission refuses it; this was written down by a version that did not look
            self.checks = ()
        self.round += 1
        self.running = running
        says = "waiting for status update" if running else "the machine hasn't started"
        self.results = {check.name: Result(check.gates and gate, Status.WARNING, says, now) for check in self.checks}

    def heard(self, number: int, name: str, passed: bool, output: str, now: float) -> Status | None:
        """Take a result of round ``number``; the status if it is a new one."""
        result = self.results.get(name)
        if number != self.round or not self.running or result is None:
            return None
        status = Status.PASSING if passed else Status.CRITICAL
        changed = status is not result.status
        if changed or output != result.output:
            gates = next(check.gates for check in self.checks if check.name == name)
            self.results[name] = Result(gates, status, output, now)
        return status if changed else None

    @property
    def healthy(self) -> bool:
        """Whether requests may be sent to it."""
        return all(result.status is Status.PASSING for result in self.results.values() if result.gates)

    def to_json(self) -> tuple[Json, ...]:
        """The ``checks`` of a machine as the API shows them."""
        return tuple(
            {
                "name": name,
                "status": str(result.status),
                "output": result.output,
                "updated_at": format_moment(result.updated_at),
            }
            for name, result in self.results.items()
        )
