"""``force_https``: who is sent to TLS, and where to."""

import pytest

from flylab.rules.https import forces_https, https_location
from flylab.rules.rows import Row
from flylab.wire.machine import MachineState, Port, Service


def row(*ports):
    service = Service(internal_port=1, ports=ports)
    return Row(id="a", app="b", region="ams", state=MachineState.STARTED, version="1", services=(service,))


@pytest.mark.parametrize(
    ("ports", "forced"),
    [
        ((Port(port=80, handlers=("http",), force_https=True),), True),
        ((Port(port=80, handlers=("http",)),), False),
        ((Port(port=80, force_https=True),), False),
        ((Port(port=8080, handlers=("http",), force_https=True),), False),
        ((Port(port=443, handlers=("tls", "http"), force_https=True),), False),
    ],
)
def test_only_the_http_handler_of_port_80_forces_https(ports, forced):
    """DOCUMENTED networking/services: 301 from port 80, and only on an http handler."""
    assert forces_https([row(), row(*ports)]) is forced


@pytest.mark.parametrize(
    ("host", "target", "location"),
    [
        (b"blue.localhost:4300", b"/a?b", b"https://blue.localhost:4400/a?b"),
        (b"blue.fly.dev", b"/", b"https://blue.fly.dev:4400/"),
        (b"[::1]:4300", b"/", b"https://[::1]:4400/"),
        (b"[::1]", b"/", b"https://[::1]:4400/"),
        (b"", b"/", b""),
        (b"blue.localhost", b"*", b""),
    ],
)
def test_the_address_is_the_same_but_for_its_port(host, target, location):
    assert https_location(host, 4400, target) == location
