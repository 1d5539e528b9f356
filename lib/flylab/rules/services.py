"""Which service of a machine answers on a public port: what a client connected to, and how the port handles it.

Edges accept on every port, and nothing answers unless a service names it (networking/services).
"""

from flylab.rules.rows import Row
from flylab.wire.services import Port, Service

# An edge of the local platform has one port for the web; it stands for both public ones of every app, 80 before 443.
PUBLIC_PORTS = (80, 443)
HTTP = "http"  # the handler; a port without it is a pipe of bytes


def covers(port: Port, public_port: int) -> bool:
    """Whether this is the port, or a range that it is in (openapi, fly.MachinePort: start_port and end_port)."""
    if port.port is not None:
        return port.port == public_port
    first, last = port.extra.get("start_port"), port.extra.get("end_port")
    return isinstance(first, int) and isinstance(last, int) and first <= public_port <= last


def port_of(service: Service, public_port: int) -> Port | None:
    """The entry of ``services.ports`` for a public port."""
    return next((port for port in service.ports if covers(port, public_port)), None)


def service_for(row: Row, public_port: int | None = None, *, raw: bool = False) -> Service | None:
    """The machine's service behind a public port; without one the first that answers on a public web port.

    A web request needs a port with an ``http`` handler, a ``raw`` connection one without.
    """
    for public in PUBLIC_PORTS if public_port is None else (public_port,):
        for service in row.services:
            for port in service.ports:
                if covers(port, public) and (HTTP in port.handlers) is not raw:
                    return service
    return None
