"""Which service of a machine answers on a public port."""

import pytest

from flylab.rules.routing import Choice, NoCandidate, Wanted, choose
from flylab.rules.rows import AppRow, Loads, Row, View
from flylab.rules.services import port_of, service_for
from flylab.wire.machine import MachineState, Port, Service

WEB = Service(
    internal_port=8080,
    ports=(Port(port=80, handlers=("http",)), Port(port=443, handlers=("tls", "http")), Port(port=5433)),
)
ADMIN = Service(internal_port=9000, ports=(Port(port=8443, handlers=("tls", "http")),))
DATABASE = Service(internal_port=5432, ports=(Port(port=5432),))
MANY = Service(internal_port=7000, ports=(Port(extra={"start_port": 7000, "end_port": 7010}),))
SECURE_ONLY = Service(internal_port=8081, ports=(Port(port=443, handlers=("tls", "http")),))


def row(*services, machine_id="a", **more):
    values = {"app": "shop", "region": "ams", "state": MachineState.STARTED, "version": "v1"} | more
    return Row(id=machine_id, services=services, **values)


@pytest.mark.parametrize(
    ("services", "public", "raw", "internal"),
    [
        ((DATABASE, ADMIN, WEB), None, False, 8080),
        ((SECURE_ONLY, WEB), None, False, 8080),
        ((SECURE_ONLY,), None, False, 8081),
        ((WEB, SECURE_ONLY), 443, False, 8080),
        ((WEB, ADMIN), 8443, False, 9000),
        ((WEB, DATABASE), 5432, True, 5432),
        ((WEB, MANY), 7000, True, 7000),
        ((WEB, MANY), 7010, True, 7000),
        ((WEB, DATABASE), 5433, True, 8080),
        ((ADMIN, DATABASE), None, False, None),
        ((WEB, DATABASE), 5432, False, None),
        ((WEB,), 80, True, None),
        ((MANY,), 7011, True, None),
        ((), None, False, None),
    ],
)
def test_the_service_of_a_public_port(services, public, raw, internal):
    """DOCUMENTED networking/services: edges accept on every port, and nothing answers unless a service names it."""
    found = service_for(row(*services), public, raw=raw)
    assert (found.internal_port if found else None) == internal


def test_the_entry_of_a_port_says_how_it_is_handled():
    assert port_of(WEB, 443) == Port(port=443, handlers=("tls", "http"))
    assert port_of(MANY, 7005) is MANY.ports[0]
    assert port_of(WEB, 25) is None


def test_a_connection_goes_to_a_machine_with_a_service_on_its_port():
    view = View()
    view.put_app(AppRow(name="shop", organization="personal"))
    view.put(row(WEB, machine_id="web"))
    view.put(row(DATABASE, machine_id="db", region="iad"))

    def find(**wanted):
        near = {("ams", "ams"): 1.0, ("ams", "iad"): 80.0}
        return choose(
            view, Loads(), Wanted(app="shop", **wanted), edge_region="ams", rtt=lambda a, b: near[a, b], rng=None
        )

    database = find(port=5432, raw=True)
    assert isinstance(database, Choice)
    assert (database.row.id, database.service) == ("db", DATABASE)
    web = find()
    assert isinstance(web, Choice)
    assert (web.row.id, web.service) == ("web", WEB)
    nobody = find(port=8443)
    assert isinstance(nobody, NoCandidate)
    assert nobody.code == "PR01"
    assert "with an http handler on port 8443" in nobody.text
    assert "without an http handler on port 25" in find(port=25, raw=True).text
