"""Which public ports are entrances of their own, and how each is entered."""

import pytest

from flylab.rules.entrances import Entrance, Kind, entrances_of, private_entrances
from flylab.wire.machine import Port, Service


def service(*ports, protocol="tcp"):
    return Service(internal_port=1, protocol=protocol, ports=tuple(Port.from_json(port) for port in ports))


@pytest.mark.parametrize(
    ("handlers", "kind"),
    [
        ([], Kind.TCP),
        (["proxy_proto"], Kind.TCP),
        (["tls"], Kind.TLS),
        (["tls", "proxy_proto"], Kind.TLS),
        (["pg_tls"], Kind.PG_TLS),
        (["http"], Kind.HTTP),
        (["http", "tls"], Kind.HTTPS),
    ],
)
def test_handlers_say_what_a_connection_meets(handlers, kind):
    """DOCUMENTED networking/services: http, tls, pg_tls, proxy_proto, and none for raw TCP."""
    found = entrances_of("db", [service({"port": 5432, "handlers": handlers})])
    assert found == {Entrance("db", 5432, kind)}


def test_only_the_webs_own_ports_need_no_other():
    web = service({"port": 80, "handlers": ["http"]}, {"port": 443, "handlers": ["tls", "http"]})
    assert [each.own for each in entrances_of("web", [web])] == [False, False]
    raw = service({"port": 80}, {"port": 443, "handlers": ["tls"]}, {"port": 8080, "handlers": ["http"]})
    assert [each.own for each in entrances_of("web", [raw])] == [True, True, True]


def test_ranges_udp_and_unknown_handlers():
    span = entrances_of("a", [service({"start_port": 7000, "end_port": 7002})])
    assert sorted(each.port for each in span) == [7000, 7001, 7002]
    assert len(entrances_of("a", [service({"start_port": 1, "end_port": 65_535})])) == 16
    assert entrances_of("a", [service({"start_port": 7000}, {"port": 9, "handlers": ["edge_http"]})]) == set()
    assert {each.kind for each in entrances_of("a", [service({"port": 53}, protocol="udp")])} == {Kind.UDP}


def test_a_private_address_has_the_http_ports_alone():
    """DOCUMENTED networking/flycast: HTTP only."""
    named = entrances_of("a", [service({"port": 80, "handlers": ["http"]}, {"port": 443, "handlers": ["tls", "http"]})])
    assert private_entrances(named, ["", "n"]) == {
        Entrance("a", 80, Kind.FLYCAST, ""),
        Entrance("a", 80, Kind.FLYCAST, "n"),
    }
    assert private_entrances(named, []) == set()
