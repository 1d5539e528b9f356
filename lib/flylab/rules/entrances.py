"""Which public ports of an app its machines' services name, and how each is entered (networking/services).

An edge has one port for 80 with ``http`` and, with TLS, one for 443. All other public ports, and those that only the
app's private address leads to, are entrances of their own; an edge of one computer can have each port only once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from flylab.wire.services import Port, Service

_SPAN = 16  # our choice: of a range of public ports so many are opened, the first ones


class Kind(StrEnum):
    """What a connection meets."""

    TCP = "tcp"
    TLS = "tls"  # TLS ends at the edge, bytes go on
    PG_TLS = "pg_tls"  # the same, asked for as Postgres clients do
    HTTP = "http"
    HTTPS = "https"
    FLYCAST = "flycast"  # HTTP at the app's private address
    UDP = "udp"


_KINDS = {
    frozenset[str](): Kind.TCP,
    frozenset({"tls"}): Kind.TLS,
    frozenset({"pg_tls"}): Kind.PG_TLS,
    frozenset({"http"}): Kind.HTTP,
    frozenset({"http", "tls"}): Kind.HTTPS,
}
_OF_THE_EDGE = {(80, Kind.HTTP), (443, Kind.HTTPS)}
SECURE = frozenset({Kind.TLS, Kind.PG_TLS, Kind.HTTPS})


@dataclass(frozen=True, slots=True, order=True)
class Entrance:
    """``network`` belongs to a private address: whose machines are told of it."""

    app: str
    port: int
    kind: Kind
    network: str = ""

    @property
    def own(self) -> bool:
        """Whether it needs a port beside those that an edge has for all apps."""
        return (self.port, self.kind) not in _OF_THE_EDGE


def entrances_of(app: str, services: Iterable[Service]) -> frozenset[Entrance]:
    """What one machine's services name; a handler that Fly does not have opens nothing."""
    found = set()
    for service in services:
        for port in service.ports:
            kind = Kind.UDP if service.protocol == "udp" else _KINDS.get(frozenset(port.handlers) - {"proxy_proto"})
            if kind is not None:
                found |= {Entrance(app, number, kind) for number in _numbers(port)}
    return frozenset(found)


def private_entrances(named: Iterable[Entrance], networks: Iterable[str]) -> frozenset[Entrance]:
    """Those at private addresses: HTTP only (networking/flycast), on every public port that has it."""
    web = {entrance for entrance in named if entrance.kind is Kind.HTTP}
    return frozenset(Entrance(each.app, each.port, Kind.FLYCAST, network) for each in web for network in networks)


def _numbers(port: Port) -> Iterable[int]:
    if port.port is not None:
        return (port.port,)
    first, last = port.options.first, port.options.last
    return () if first is None or last is None else range(first, min(last + 1, first + _SPAN))
