"""Which options of a service hold for a request: those of the public port that its client connected to."""

from flylab.rules.services import HTTP, PUBLIC_PORTS, port_of
from flylab.wire.port_options import NONE, HttpOptions
from flylab.wire.services import Service


def http_options(service: Service, public_port: int | None) -> HttpOptions:
    """``http_options`` of the port; without a number of the first of the web's ports that the service has."""
    for number in PUBLIC_PORTS if public_port is None else (public_port,):
        port = port_of(service, number)
        if port is not None and HTTP in port.handlers:
            return port.options.http
    return NONE.http
