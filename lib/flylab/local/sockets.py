"""Listening sockets on loopback, bound before anything starts, so that a taken port is one clear sentence."""

import errno
import socket
from collections.abc import Sequence

from flylab.errors import LocalError

LOOPBACK = "127.0.0.1"
_BACKLOG = 1024
_TRIES = 50  # our choice: how many free TCP ports are tried until one is free for UDP too


def listen(port: int, what: str, flag: str) -> socket.socket:
    """A bound socket; 0 is any free port. Raises ``LocalError`` that names the flag to change."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except (OSError, OverflowError) as exc:
        listener.close()
        if isinstance(exc, OSError) and exc.errno == errno.EADDRINUSE:
            text = f"port {port} for {what} is taken; choose another with {flag}, 0 for any that is free"
            raise LocalError(text) from exc
        raise LocalError(f"cannot listen on port {port} for {what}: {exc}") from exc
    return listener


def listen_all(api_port: int, edge_port: int, regions: Sequence[str]) -> tuple[socket.socket, dict[str, socket.socket]]:
    """The API's socket and one for each edge, at consecutive ports; all or none."""
    opened = [listen(api_port, "the Machines API", "--api-port")]
    try:
        for i, region in enumerate(regions):
            opened.append(listen(edge_port + i if edge_port else 0, f"the edge {region}", "--edge-port"))
    except LocalError:
        for listener in opened:
            listener.close()
        raise
    return opened[0], dict(zip(regions, opened[1:], strict=True))


def listen_edges(port: int, what: str, flag: str, regions: Sequence[str]) -> dict[str, socket.socket]:
    """One more socket for each edge, at consecutive ports; all or none."""
    opened: dict[str, socket.socket] = {}
    try:
        for i, region in enumerate(regions):
            opened[region] = listen(port + i if port else 0, f"{what} {region}", flag)
    except LocalError:
        for listener in opened.values():
            listener.close()
        raise
    return opened


def listen_names(port: int) -> tuple[socket.socket, socket.socket]:
    """A TCP and a UDP socket with the same number; raises ``LocalError`` when the port is taken for one of them."""
    for _ in range(_TRIES):
        stream = listen(port, "names", "--dns-port")
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            datagrams.bind(stream.getsockname())
        except OSError as exc:
            for opened in (stream, datagrams):
                opened.close()
            if port or exc.errno != errno.EADDRINUSE:
                text = f"cannot answer names on UDP port {port}: {exc}; choose another with --dns-port, 0 for any"
                raise LocalError(text) from exc
        else:
            datagrams.setblocking(False)
            return stream, datagrams
    raise LocalError("found no port for names that is free for both TCP and UDP")


def port_of(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


def url(listener: socket.socket, scheme: str = "http") -> str:
    return f"{scheme}://{LOOPBACK}:{port_of(listener)}"
