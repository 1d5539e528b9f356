"""What the kernel has taken for a connection and the other side has not acknowledged."""

import asyncio
import struct
import sys

if sys.platform == "linux":
    from fcntl import ioctl
    from termios import TIOCOUTQ


def unacknowledged(transport: asyncio.Transport) -> int:
    """So many bytes; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    socket = transport.get_extra_info("socket")
    if socket is None:
        return 0
    try:
        answer = ioctl(socket.fileno(), TIOCOUTQ, bytes(4))
    except (OSError, ValueError):  # it is closed
        return 0
    return int(struct.unpack("i", answer)[0])
