"""Messages made to be misread: heads, answers and bodies close to valid ones, and such as were accepted, bent a little.

parts that hurt ──► made ─┬──► message
accepted before ──► bent ─┘
"""

from random import Random

START = [
    "GET / HTTP/1.1",
    "POST /a?b HTTP/1.1",
    "HEAD / HTTP/1.1",
    "GET http://b.localhost/x HTTP/1.1",
    "OPTIONS * HTTP/1.1",
    "GET / HTTP/1.0",
    "POST /",
    "GET  / HTTP/1.1",
    "PUT /\t HTTP/1.1",
    "GET / HTTP/2.0",
    "CONNECT a:1 HTTP/1.1",
    "GET /\xe9 HTTP/1.1",
    "get / http/1.1",
    "M-SEARCH /# HTTP/1.1",
    " GET / HTTP/1.1",
]
STATUS = [
    "HTTP/1.1 200 OK",
    "HTTP/1.1 204 No",
    "HTTP/1.1 304",
    "HTTP/1.0 200 OK",
    "HTTP/1.1 103 Hints",
    "HTTP/1.1 100 Continue",
    "HTTP/1.1 101 Switch",
    "HTTP/1.1 99 X",
    "HTTP/1.1  200 OK",
    "HTTP/1.1 200\tOK",
    "HTTP/1.1 500 \xe9",
    "HTTP/2 200 OK",
    "HTTP/1.1 205 R",
]
LINES = [
    "Host: a.localhost",
    "host:b",
    "Host: a@b",
    "Host : a",
    "Content-Length: 3",
    "Content-Length: 0",
    "content-length:3",
    "Content-Length: +3",
    "Content-Length: 3, 3",
    "Content-Length: 03",
    "Content-Length : 3",
    "Content-Length: 3_0",
    "Content-Length: 0x3",
    "Content-Length:",
    "Content-Length: 99999999999999999999",
    "Transfer-Encoding: chunked",
    "transfer-encoding: Chunked",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: identity",
    "Transfer-Encoding:\x0bchunked",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding:\tchunked ",
    "Transfer_Encoding: chunked",
    "Connection: close",
    "Connection: Content-Length",
    "Connection: transfer-encoding, host",
    "Connection: keep-alive, x",
    "X: 1",
    "X:",
    ": x",
    " folded",
    "\tfolded",
    "X\x00: 1",
    "X: \x00",
    "X: a\rb",
    "X: \xff",
    "Expect: 100-continue",
    "TE: trailers",
    "Trailer: x",
    "Upgrade: websocket",
    "Connection: upgrade",
    "fly-replay: instance=a",
    "Fly-Replay-Src: x",
    "X-Forwarded-For: 1",
    "Keep-Alive: 5",
    "A" * 300 + ": " + "b" * 300,
]
BODIES = [
    "",
    "abc",
    "3\r\nabc\r\n0\r\n\r\n",
    "3\r\nabc\r\n0\r\nX-T: 1\r\nContent-Length: 9\r\n\r\n",
    "3;a=b\r\nabc\r\n0\r\n\r\n",
    "3\nabc\n0\n\n",
    "3\r\nabcd\r\n0\r\n\r\n",
    "0x3\r\nabc\r\n0\r\n\r\n",
    "-3\r\nabc\r\n",
    "3 \r\nabc\r\n0\r\n\r\n",
    "0\r\n\r\n",
    "00\r\n\r\n",
    "3\r\nabc\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    "ffffffffffffffff\r\nabc",
    "3\r\nabc",
    "abcGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "0\r\nX : 1\r\n\r\n",
    "0\r\n\nX",
    "3\r\r\nabc\r\n0\r\n\r\n",
    "1\r\na\r\n2;x\r\nbc\r\n000\r\nA: b\r\nfly-replay: x\r\n\r\n",
    "A\r\n0123456789\r\n0\r\n\r\n",
    '3;a="\r\n"\r\nabc\r\n0\r\n\r\n',
]
HEADS = {
    "request": b"POST / HTTP/1.1\r\nHost: a.localhost\r\n",
    "answer": b"HTTP/1.1 200 OK\r\n",
}
FRAMES = (b"Transfer-Encoding: chunked\r\n\r\n", b"Content-Length: 3\r\n\r\n", b"Content-Length: 0\r\n\r\n")
BYTES = (b"\r", b"\n", b" ", b":", b"\x00", b"\t", b"0", b"3", b";", b",", b"\r\n", b"\r\n\r\n")
_KEPT = 512  # accepted messages of each kind that are bent again
_LONGEST = 4096  # bytes; what grows beyond is made anew


def made(rng: Random, starts: list[str]) -> bytes:
    """One message or two, mostly close to a valid one, some with single bytes changed."""
    data = b""
    for _ in range(1 if rng.random() < 0.8 else 2):
        lines = [rng.choice(starts) if rng.random() < 0.4 else starts[0]]
        lines += ["Host: a.localhost"] if rng.random() < 0.8 else []
        lines += rng.choices(LINES, k=rng.randrange(4))
        end = "\r\n" if rng.random() < 0.95 else rng.choice(["\n", "\r", "\r\r\n", "\n\r"])
        body = rng.choice(BODIES)
        if body[:1] in ("3", "0") and rng.random() < 0.7:
            lines.append("Transfer-Encoding: chunked")
        elif body[:3] == "abc" and rng.random() < 0.7:
            lines.append("Content-Length: 3")
        data += ("\r\n".join(lines) + end + "\r\n" + body).encode("latin-1")
    for _ in range(0 if rng.random() < 0.6 else rng.randrange(1, 4)):
        at = rng.randrange(len(data))
        byte = rng.choice(
            (b"\r", b"\n", b" ", b":", b"\x00", b"\t", b"0", b"3", b";", b",", bytes((rng.randrange(256),)))
        )
        data = data[:at] + byte * rng.randrange(2) + data[at + rng.randrange(2) :]
    return data


def bent(rng: Random, data: bytes, other: bytes) -> bytes:
    """The message with a few places changed: bytes, parts of itself or of another, lines and bodies from the tables."""
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.randrange(12))
        way = rng.randrange(7)
        if way == 0:
            data = data[:at] + rng.choice(BYTES) + data[end:]
        elif way == 1:
            data = data[:at] + bytes((rng.randrange(256),)) + data[at + 1 :]
        elif way == 2:
            data = data[:at] + data[end:]
        elif way == 3:
            data = data[:end] + data[at:]
        elif way == 4:
            data = data[:at] + other[rng.randrange(len(other) + 1) :]
        elif way == 5:
            line = data.find(b"\r\n") + 2
            data = data[:line] + rng.choice(LINES).encode("latin-1") + b"\r\n" + data[line:]
        else:
            data = data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + rng.choice(BODIES).encode("latin-1")
    return data


class Maker:
    """One kind of message, one after the other; those that were accepted are told of and come again, bent."""

    def __init__(self, rng: Random, starts: list[str], head: bytes) -> None:
        self._rng = rng
        self._starts = starts
        self._head = head
        self._accepted = [head + FRAMES[0] + BODIES[2].encode()]

    def message(self) -> bytes:
        """Any of them, whatever is wrong with it."""
        rng = self._rng
        if rng.random() < 0.5:
            return made(rng, self._starts)
        return bent(rng, rng.choice(self._accepted), rng.choice(self._accepted))

    def body(self) -> bytes:
        """A head that is valid, and behind it a body that may not be."""
        rng = self._rng
        body = rng.choice(BODIES).encode("latin-1")
        if rng.random() < 0.3:
            body += rng.choice(BODIES).encode("latin-1")
        if rng.random() < 0.6:
            body = bent(rng, body, rng.choice(BODIES).encode("latin-1"))
        return self._head + rng.choice(FRAMES) + body

    def accepted(self, data: bytes) -> None:
        if len(data) > _LONGEST:
            return
        if len(self._accepted) < _KEPT:
            self._accepted.append(data)
        else:
            self._accepted[self._rng.randrange(_KEPT)] = data
