"""A service of a machine: a port inside it that the proxy forwards to, with its public ports and limits.

Field names are Fly's (docs: machines/api/machines-resource). Whatever we do not know is kept in ``extra`` and is
written out again, so that a configuration survives a trip through us.
"""

from dataclasses import dataclass, field

from flylab.errors import ParseError
from flylab.wire.fields import Fields, Json, read_object, without_empty
from flylab.wire.port_options import NONE, PortOptions, read_port_options
from flylab.wire.replay_cache import read_rules

SOFT_LIMIT = 20  # what counts when ``soft_limit`` is not set (reference/load-balancing)
AUTOSTOP = ("off", "stop", "suspend")
_BOOLEANS: Json = {"off": False, "stop": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One public port of a service and how connections to it are handled."""

    port: int | None = None
    handlers: tuple[str, ...] = ()
    force_https: bool = False
    extra: Json = field(default_factory=dict)
    options: PortOptions = field(default=NONE, compare=False, repr=False)  # what ``extra`` says, for the proxy

    @classmethod
    def from_json(cls, value: object, where: str = "port") -> "Port":
        f = Fields(value, where)
        port = f.maybe_integer("port")
        if port is not None and not 0 < port < 65536:
            raise ParseError(f.path("port"), port, "a port is between 1 and 65535")
        handlers, force_https, extra = f.texts("handlers"), f.flag("force_https"), f.rest()
        read_rules(extra.get("http_options"), f.path("http_options"))
        options = read_port_options(extra, where)
        return cls(port=port, handlers=handlers, force_https=force_https, extra=extra, options=options)

    def to_json(self) -> Json:
        return without_empty(port=self.port, handlers=list(self.handlers), force_https=self.force_https) | self.extra


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    """How much load a machine takes; an unset soft limit counts as 20, an unset hard limit as none."""

    type: str = "connections"
    soft_limit: int | None = None
    hard_limit: int | None = None
    extra: Json = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object, where: str = "concurrency") -> "Concurrency":
        f = Fields(value, where)
        kind = f.text("type", "connections") or "connections"
        if kind not in ("connections", "requests"):
            raise ParseError(f.path("type"), kind, "connections or requests is expected")
        return cls(
            type=kind,
            soft_limit=f.maybe_integer("soft_limit"),
            hard_limit=f.maybe_integer("hard_limit"),
            extra=f.rest(),
        )

    def to_json(self) -> Json:
        limits = without_empty(soft_limit=self.soft_limit, hard_limit=self.hard_limit)
        return {"type": self.type, **limits, **self.extra}


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A port inside the machine that the proxy forwards to, and when the proxy may start or stop the machine."""

    internal_port: int
    protocol: str = "tcp"
    ports: tuple[Port, ...] = ()
    autostart: bool = False
    autostop: str | None = None  # one of AUTOSTOP; unset counts as off
    min_machines_running: int = 0
    concurrency: Concurrency | None = None
    checks: tuple[Json, ...] = ()
    extra: Json = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object, where: str = "service") -> "Service":
        f = Fields(value, where)
        internal_port = f.integer("internal_port", -1)
        if not 0 < internal_port < 65536:
            raise ParseError(f.path("internal_port"), internal_port, "a port between 1 and 65535 is expected")
        return cls(
            internal_port=internal_port,
            protocol=f.text("protocol", "tcp") or "tcp",
            ports=f.items("ports", Port.from_json),
            autostart=f.flag("autostart"),
            autostop=_parse_autostop(f.take("autostop"), f.path("autostop")),
            min_machines_running=f.integer("min_machines_running"),
            concurrency=f.maybe("concurrency", Concurrency.from_json),
            checks=f.items("checks", read_object),
            extra=f.rest(),
        )

    def to_json(self) -> Json:
        # Fly's API answers with booleans for off and stop and with text for suspend (openapi, fly.MachineService). What
        # was never said is not sent: clients generated from that document expect text and stop at a boolean.
        autostop = {} if self.autostop is None else {"autostop": _BOOLEANS.get(self.autostop, self.autostop)}
        return {
            "protocol": self.protocol,
            "internal_port": self.internal_port,
            "ports": [port.to_json() for port in self.ports],
            "autostart": self.autostart,
            **autostop,
            "min_machines_running": self.min_machines_running,
            **without_empty(
                concurrency=self.concurrency and self.concurrency.to_json(),
                checks=[dict(check) for check in self.checks],
            ),
            **self.extra,
        }


def _parse_autostop(value: object, where: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "stop" if value else "off"
    if value not in AUTOSTOP:
        raise ParseError(where, value, "off, stop or suspend is expected")
    return str(value)
