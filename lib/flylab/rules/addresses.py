"""The IP addresses of apps: invented ones of the documented kinds, from ranges that are reserved for documentation.

Nothing listens on them: on this computer an app is reached through an edge, which looks at ``Host``.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from flylab.errors import RuleError
from flylab.rules.actions import Kept
from flylab.rules.records import AppOrder
from flylab.wire.fields import Json
from flylab.wire.moment import format_moment

KIND = "address"
GLOBAL = "global"  # how flyctl shows the region of an anycast address
# type → (network, first number used, how many). RFC 5737 and RFC 3849 reserve the public ones for documentation;
# private_v6 has the shape of a Flycast address, ``fdaa:0:22b7:0:1::3`` (networking/flycast).
_POOLS = {
    "v4": ("198.51.100.0", 1, 254),
    "v6": ("2001:db8:0:1::", 1, 65_534),
    "shared_v4": ("203.0.113.0", 1, 1),
    "private_v6": ("fdaa:0:1:0:1::", 3, 65_534),
    "egress_v4": ("192.0.2.0", 1, 254),
    "egress_v6": ("2001:db8:0:e::", 1, 65_534),
}
TYPES = (*_POOLS, "egress_pair")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignAddress(AppOrder):
    """``region`` may be empty for anywhere; an ``egress_pair`` is one address of each family."""

    type: str
    region: str = ""
    network: str = ""
    service_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseAddress(AppOrder):
    ip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    app: str
    ip: str
    type: str
    region: str
    network: str
    service_name: str
    created_at: float

    def to_json(self) -> Json:
        shown: Json = {"ip": self.ip, "region": self.region, "shared": self.type == "shared_v4"}
        named = {"service_name": self.service_name} if self.service_name else {}
        return shown | named | {"created_at": format_moment(self.created_at)}


class Addresses:
    """All addresses that were given out."""

    def __init__(self) -> None:
        self._rows: dict[str, Address] = {}

    def assign(self, event: AssignAddress, now: float) -> list[Kept]:
        """The lowest free address of the type; the shared one is the same for all apps and given once to each."""
        if event.type not in TYPES:
            raise RuleError("invalid_argument", f"type {event.type[:80]!r} is none of {', '.join(TYPES)}")
        if event.type == "shared_v4" and any(row.type == "shared_v4" for row in self.of(event.app)):
            return []
        types = ("egress_v4", "egress_v6") if event.type == "egress_pair" else (event.type,)
        rows = [
            Address(
                app=event.app,
                ip=self._free(kind),
                type=kind,
                region=event.region or GLOBAL,
                network=event.network,
                service_name=event.service_name,
                created_at=now,
            )
            for kind in types
        ]
        self._rows |= {_key(row.app, row.ip): row for row in rows}
        return [Kept(KIND, _key(row.app, row.ip)) for row in rows]

    def release(self, event: ReleaseAddress) -> list[Kept]:
        try:
            ip = str(ipaddress.ip_address(event.ip))
        except ValueError as exc:
            raise RuleError("invalid_argument", f"{event.ip[:80]!r} is not an IP address") from exc
        if _key(event.app, ip) not in self._rows:
            raise RuleError("not_found", f"app '{event.app}' has no address {ip}")
        del self._rows[_key(event.app, ip)]
        return [Kept(KIND, _key(event.app, ip))]

    def of(self, app: str) -> list[Address]:
        """Oldest first."""
        return [row for row in self._rows.values() if row.app == app]

    def latest(self, app: str, kind: str) -> Address:
        """The last one of that type, which an order has just assigned; of a pair the IPv4 one."""
        wanted = "egress_v4" if kind == "egress_pair" else kind
        return [row for row in self.of(app) if row.type == wanted][-1]

    def drop(self, app: str) -> list[Kept]:
        gone = [_key(app, row.ip) for row in self.of(app)]
        for key in gone:
            del self._rows[key]
        return [Kept(KIND, key) for key in gone]

    def rows(self) -> dict[str, Address]:
        return self._rows

    def document(self, key: str) -> Json | None:
        row = self._rows.get(key)
        return asdict(row) if row else None

    def restore(self, documents: Mapping[str, Json]) -> None:
        self._rows = {key: Address(**row) for key, row in documents.items()}  # type: ignore[arg-type]  # ours

    def _free(self, kind: str) -> str:
        base, first, count = _POOLS[kind]
        start = ipaddress.ip_address(base)
        if kind == "shared_v4":
            return str(start + first)
        used = {row.ip for row in self._rows.values() if row.type == kind}
        for number in range(first, first + count):
            if (ip := str(start + number)) not in used:
                return ip
        raise RuleError("unprocessable", f"all {count} addresses of type {kind} are taken, release one first")


def _key(app: str, ip: str) -> str:
    return f"{app} {ip}"
