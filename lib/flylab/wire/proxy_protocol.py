"""The line, or the few bytes, that tell an app who connected: version 1 and 2 of the PROXY protocol (haproxy.org).

>>> format_proxy("v1", ("127.0.0.1", 40000), ("127.0.0.1", 5432))
b'PROXY TCP4 127.0.0.1 127.0.0.1 40000 5432\\r\\n'
"""

import ipaddress
import struct

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_PROXIED = 0x21  # version 2, on behalf of another


def format_proxy(version: str, source: tuple[str, int], target: tuple[str, int]) -> bytes:
    """For a TCP connection from ``source`` to ``target``, both of one family."""
    addresses = [ipaddress.ip_address(host) for host, _ in (source, target)]
    if version == "v1":
        family = f"TCP{addresses[0].version}"
        return f"PROXY {family} {addresses[0]} {addresses[1]} {source[1]} {target[1]}\r\n".encode()
    body = addresses[0].packed + addresses[1].packed + struct.pack("!2H", source[1], target[1])
    family_and_stream = 0x11 if addresses[0].version == 4 else 0x21
    return _SIGNATURE + struct.pack("!BBH", _PROXIED, family_and_stream, len(body)) + body
