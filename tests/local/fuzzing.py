"""Messages made to be misread, and what must hold of each; `python -m tests.local.fuzzing 1000000 [SEED]` by hand.

bytes ──► our reader ──► refused
                    └──► accepted ──► strict readers (h11, llhttp) read the same bodies, as far as they accept it
                                 └──► what we forward is one message, and both read it as we did
"""

import sys
import time
from collections.abc import Callable
from random import Random
from typing import Any

import h11
import httptools

from flylab.local.body import ChunkedReader, LengthReader, Reader, UntilCloseReader, chunk, last_chunk
from flylab.local.heads import HeadWriter
from flylab.local.http1 import BadMessage, RequestHead, ResponseHead, read_request, read_response
from flylab.local.reply import Reply
from flylab.wire import headers

LIMIT = 65_536
WRITER = HeadWriter("ams", public_port=80)
Message = tuple[bytes, bytes, bytes]  # method or status, body, trailers

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
KNOWN = frozenset(
    b"GET HEAD POST PUT OPTIONS DELETE PATCH M-SEARCH".split()
)  # llhttp refuses methods it never heard of
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
]


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


# ── our reading ─────────────────────────────────────────────────────────────────────────────────────────────────────


def requests(data: bytes) -> tuple[list[tuple[RequestHead, Message]], bool]:
    """Those that are complete, and whether the rest is refused."""
    found: list[tuple[RequestHead, Message]] = []
    try:
        while data := data.lstrip(b"\r\n"):
            read = read_request(data, limit=LIMIT)
            if read is None:
                break
            head, size = read
            reader: Reader = ChunkedReader() if head.fields.chunked else LengthReader(head.fields.length or 0)
            rest = data[size:]
            body = reader.feed(rest) if rest else b""
            if not reader.done:
                break
            found.append((head, (head.method, body, reader.trailers)))
            data = rest if not reader.rest and not body and not head.fields.chunked else reader.rest
    except BadMessage:
        return found, True
    return found, False


def response(data: bytes, method: bytes = b"GET") -> tuple[ResponseHead, Message] | None:
    """The first that is no hint, when it is complete; None when it is not or is refused."""
    try:
        while True:
            read = read_response(data, limit=LIMIT)
            if read is None:
                return None
            head, size = read
            data = data[size:]
            if head.status >= 200 or head.status == 101:
                break
        fields = head.fields
        if not head.has_body(method):
            return head, (b"%d" % head.status, b"", b"")
        if fields.chunked:
            reader: Reader = ChunkedReader()
        else:
            reader = UntilCloseReader() if fields.length is None else LengthReader(fields.length)
        body = reader.feed(data) if data else b""
        return (head, (b"%d" % head.status, body, reader.trailers)) if reader.done or reader.end() else None
    except BadMessage:
        return None


def forwarded(head: RequestHead, message: Message) -> bytes:
    """What a machine is sent."""
    sent = WRITER.request(head, address=b"127.0.0.1", request_id=b"id", added=((headers.REPLAY_SRC, "ours"),))
    if not head.fields.chunked:
        return sent + message[1]
    return sent + (chunk(message[1]) if message[1] else b"") + last_chunk(message[2])


class Sent:
    """A client that keeps what it is sent."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data

    def request_complete(self) -> bool:
        return True


ASKED, _ = read_request(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", limit=LIMIT) or (None, 0)


def relayed(head: ResponseHead, message: Message) -> bytes:
    """What a client is sent."""
    assert ASKED is not None
    client = Sent()
    reply = Reply(client, WRITER, ASKED, b"id")
    reply.begin(head, b"")
    if message[1]:
        reply.body(message[1])
    reply.end(message[2])
    return client.data


# ── the others ──────────────────────────────────────────────────────────────────────────────────────────────────────


def by_h11(data: bytes, role: Any = h11.SERVER) -> tuple[list[Message], bool]:
    """What h11 reads, and whether it refuses the rest."""
    found: list[Message] = []
    connection = h11.Connection(role, max_incomplete_event_size=LIMIT)
    if role is h11.CLIENT:
        connection.send(h11.Request(method="GET", target="/", headers=[("host", "a")]))
        connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    try:
        start, body = b"", b""
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                start, body = event.method, b""
            elif isinstance(event, h11.Response):
                start, body = b"%d" % event.status_code, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                found.append((start, body, b""))
                if role is h11.CLIENT:
                    return found, False
                connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                    return found, False
                connection.start_next_cycle()
            elif not isinstance(event, h11.InformationalResponse):
                return found, False
    except (h11.RemoteProtocolError, h11.LocalProtocolError):
        return found, True


class _Heard:
    def __init__(self) -> None:
        self.found: list[Message] = []
        self.parser: httptools.HttpRequestParser | httptools.HttpResponseParser | None = None
        self._body = b""

    def on_message_begin(self) -> None:
        self._body = b""

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        parser = self.parser
        if isinstance(parser, httptools.HttpRequestParser):
            start = parser.get_method()
        else:
            assert parser is not None
            start = b"%d" % parser.get_status_code()
        self.found.append((start, self._body, b""))


def by_llhttp(
    data: bytes, make: Callable[[object], object] = httptools.HttpRequestParser
) -> tuple[list[Message], bool]:
    """What llhttp reads, and whether it refuses the rest."""
    heard = _Heard()
    heard.parser = parser = make(heard)
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        return heard.found, False
    except httptools.HttpParserError:
        return heard.found, True
    return heard.found, False


# ── what must hold ──────────────────────────────────────────────────────────────────────────────────────────────────


def check_requests(data: bytes) -> int:
    """Raises AssertionError; returns how many requests were accepted."""
    ours, _ = requests(data)
    for theirs in (by_h11(data)[0], by_llhttp(data)[0]):
        for (head, mine), other in zip(ours, theirs, strict=False):
            if b"upgrade" in head.fields.connection:
                # llhttp reads no body where another protocol is asked for; we do, and ask a machine for none then.
                break
            assert mine[:2] == other[:2], (data, mine, other)
    for head, message in ours:
        if not head.host:  # of no app, so it is not forwarded
            continue
        sent = forwarded(head, message)
        sent_head = sent.partition(b"\r\n\r\n")[0].lower()
        assert sent_head.count(b"\r\nfly-replay-src:") == 1, data
        assert sent_head.count(b"\r\nhost:") <= 1, data
        again = requests(sent)
        assert [one for _, one in again[0]] == [message], (data, sent)
        assert not again[1], (data, sent)
        for theirs, refused in (by_h11(sent), *([by_llhttp(sent)] if message[0] in KNOWN else [])):
            assert [one[:2] for one in theirs] == [message[:2]], (data, sent, theirs)
            assert not refused, (data, sent)
    return len(ours)


def check_response(data: bytes) -> int:
    """Raises AssertionError; returns 1 when it was accepted."""
    ours = response(data)
    if ours is None or ours[0].status == 101:
        return 0
    head, message = ours
    sent = relayed(head, message)
    assert b"\r\nfly-replay" not in sent.partition(b"\r\n\r\n")[0].lower(), data
    again = response(sent)
    assert again is not None, (data, sent)
    assert again[1] == message, (data, sent)
    for theirs, refused in (by_h11(sent, h11.CLIENT), by_llhttp(sent, httptools.HttpResponseParser)):
        assert [one[:2] for one in theirs] == [message[:2]], (data, sent, theirs)
        assert not refused, (data, sent)
    return 1


def check_pieces(data: bytes, cut: int) -> None:
    """The same is read in two pieces as in one; what is refused early would have been refused."""
    data = data.lstrip(b"\r\n")
    try:
        whole = read_request(data, limit=LIMIT)
    except BadMessage:
        whole = None
    try:
        begun = read_request(data[:cut], limit=LIMIT)
        late = begun or read_request(data, limit=LIMIT, seen=cut)
    except BadMessage:
        late = None
    assert late == whole, (data, cut)


def run(count: int, seed: int) -> str:
    """Many of each kind; says how many were accepted."""
    rng, accepted, began = Random(seed), [0, 0], time.monotonic()
    for _ in range(count // 2):
        data = made(rng, START)
        accepted[0] += check_requests(data)
        check_pieces(data, rng.randrange(len(data) + 1))
        accepted[1] += check_response(made(rng, STATUS))
    return f"{count} inputs in {time.monotonic() - began:.0f} s: {accepted[0]} requests, {accepted[1]} answers accepted"


if __name__ == "__main__":
    print(run(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
