"""A network policy of an app, as Fly's guide shows it (machines/guides-examples/network-policies).

    {"id": "…", "name": "web-only", "selector": {"all": true},
     "rules": [{"action": "allow", "direction": "egress", "ports": [{"protocol": "tcp", "port": 443}]}]}

Other fields are dropped, as Fly does (reported 2026-08, molecule-dev/molecule, code-sandbox/flyio/src/egress.ts: they
were sent and the policy was read back).
"""

from dataclasses import dataclass, field

from flylab.errors import ParseError
from flylab.wire.fields import Fields, Json, without_empty

INGRESS, EGRESS = "ingress", "egress"
_PROTOCOLS = ("tcp", "udp")


@dataclass(frozen=True, slots=True)
class PolicyPort:
    """A port of one protocol; there is no destination beside it."""

    protocol: str
    port: int

    @classmethod
    def from_json(cls, value: object, where: str = "port") -> "PolicyPort":
        f = Fields(value, where)
        protocol, port = f.text("protocol"), f.integer("port")
        if protocol not in _PROTOCOLS:
            raise ParseError(f.path("protocol"), protocol, "tcp or udp is expected")
        if not 0 < port < 65536:
            raise ParseError(f.path("port"), port, "a port between 1 and 65535 is expected")
        return cls(protocol, port)

    def to_json(self) -> Json:
        return {"protocol": self.protocol, "port": self.port}


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRule:
    """What is allowed in one direction; whatever no rule allows is not, once a direction has a rule."""

    direction: str
    ports: tuple[PolicyPort, ...] = ()

    @classmethod
    def from_json(cls, value: object, where: str = "rule") -> "PolicyRule":
        f = Fields(value, where)
        action, direction = f.text("action"), f.text("direction")
        if action != "allow":
            raise ParseError(f.path("action"), action, "allow is expected, there is no other action")
        if direction not in (INGRESS, EGRESS):
            raise ParseError(f.path("direction"), direction, "ingress or egress is expected")
        return cls(direction=direction, ports=f.items("ports", PolicyPort.from_json))

    def to_json(self) -> Json:
        return {"action": "allow", "direction": self.direction, "ports": [port.to_json() for port in self.ports]}


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySelector:
    """Which machines of the app it is for: those that meet all that is said (``everyone`` is ``all`` on the wire)."""

    everyone: bool = False
    machines: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object, where: str = "selector") -> "PolicySelector":
        f = Fields(value, where)
        return cls(everyone=f.flag("all"), machines=f.items("machines", _machine_id), metadata=f.text_map("metadata"))

    def to_json(self) -> Json:
        machines = [{"id": machine} for machine in self.machines]
        return without_empty(all=self.everyone, machines=machines, metadata=dict(self.metadata))


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPolicy:
    """One policy; without an ``id`` it is a new one."""

    name: str
    id: str = ""
    selector: PolicySelector = PolicySelector()
    rules: tuple[PolicyRule, ...] = ()

    @classmethod
    def from_json(cls, value: object, where: str = "") -> "NetworkPolicy":
        f = Fields(value, where)
        return cls(
            name=f.text("name"),
            id=f.text("id"),
            selector=f.maybe("selector", PolicySelector.from_json) or PolicySelector(),
            rules=f.items("rules", PolicyRule.from_json),
        )

    def to_json(self) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "selector": self.selector.to_json(),
            "rules": [rule.to_json() for rule in self.rules],
        }


def _machine_id(value: object, where: str) -> str:
    f = Fields(value, where)
    if not (machine := f.text("id")):
        raise ParseError(f.path("id"), machine, "the id of a machine is expected")
    return machine
