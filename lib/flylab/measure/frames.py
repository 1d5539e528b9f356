"""WebSocket frames as a member's bare socket sends and gets them."""

import base64
import os
from struct import pack

_MASK = b"\0\0\0\0"  # masked, as a client must, with a mask that costs the generator nothing


def masked(payload: bytes, *, binary: bool = False) -> bytes:
    """A client's frame."""
    first, size = (0x82 if binary else 0x81), len(payload)
    if size < 126:
        return pack("!BB", first, 0x80 | size) + _MASK + payload
    if size < 1 << 16:
        return pack("!BBH", first, 0xFE, size) + _MASK + payload
    return pack("!BBQ", first, 0xFF, size) + _MASK + payload


def pong(payload: bytes) -> bytes:
    return pack("!BB", 0x8A, 0x80 | len(payload)) + _MASK + payload


def upgrade(path: str, *, port: int, host: str = "") -> bytes:
    """The request that opens a connection; ``host`` is what the header says when it is not loopback and the port."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host or f'127.0.0.1:{port}'}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()
