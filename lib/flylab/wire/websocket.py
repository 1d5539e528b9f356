"""As much of WebSocket frames (RFC 6455, 5.2) as a proxy needs to close a connection; it reads no message."""

GOING_AWAY = b"\x88\x02\x03\xe9"  # a close frame of a server with code 1001 (7.4.1)

_OPCODES = frozenset({0x0, 0x1, 0x2, 0x8, 0x9, 0xA})
_COMPRESSED = 0x40  # RSV1, which permessage-deflate uses (RFC 7692); the other two have no use


def is_whole(data: bytes) -> bool:
    """Whether these bytes of a server are one frame after the other and the last one is complete.

    What begins in the middle of a frame hardly ever reads as frames that end exactly there, so this tells of a chunk
    whether another frame may follow it, without having looked at all that came before.
    """
    at, end = 0, len(data)
    while end - at >= 2:
        first, second = data[at], data[at + 1]
        if first & 0x0F not in _OPCODES or first & 0x30 or second & 0x80:  # a server's frames are not masked
            return False
        if first & 0x08 and (first & (_COMPRESSED | 0x80) != 0x80 or second > 125):
            return False  # control frames are short and never in pieces (5.5)
        length, head = second & 0x7F, 2
        if length == 126:
            length, head = int.from_bytes(data[at + 2 : at + 4], "big"), 4
        elif length == 127:
            length, head = int.from_bytes(data[at + 2 : at + 10], "big"), 10
        at += head + length
    return at == end
