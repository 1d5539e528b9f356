"""``force_https``: which requests are sent to TLS instead of a machine, and where to (networking/services)."""

from collections.abc import Iterable

from flylab.rules.routing import Row

_PORT = 80  # "force_https: 301 from port 80; only on an http handler"


def forces_https(rows: Iterable[Row]) -> bool:
    """Whether an app's services ask for it; one machine that does is enough, as they are configured alike."""
    return any(
        port.force_https and port.port == _PORT and "http" in port.handlers
        for row in rows
        for service in row.services
        for port in service.ports
    )


def https_location(host: bytes, port: int, target: bytes) -> bytes:
    """The same address over TLS, at the port where an edge of this computer has it; empty when there is none.

    >>> https_location(b"blue.localhost:4300", 4400, b"/a?b")
    b'https://blue.localhost:4400/a?b'
    """
    if not host or not target.startswith(b"/"):
        return b""
    # All but the last colon belong to an IPv6 address, which has brackets.
    name = host if host.endswith(b"]") else host.rpartition(b":")[0] or host
    return b"https://%b:%d%b" % (name, port, target)
