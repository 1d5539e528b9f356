"""Messages made to be misread, and what must hold of each; `python -m tests.local.fuzzing 1000000 [SEED]` by hand.

fuzz_inputs ──► our reader ──► refused
                          └──► accepted ──► strict readers (h11, llhttp) read the same bodies, as far as they accept it
                                       └──► what we forward is one message, and both read it as we did
"""

import faulthandler
import sys
import time
from collections.abc import Callable
from random import Random

import h11
import httptools

from flylab.local.body import ChunkedReader, LengthReader, Reader, UntilCloseReader, chunk, last_chunk
from flylab.local.glance import NOT_ALIKE, Glance, Likeness, glance, likeness
from flylab.local.heads import HeadWriter
from flylab.local.http1 import BadMessage, RequestHead, ResponseHead, read_request, read_response
from flylab.local.repeat import NOT_ALIKE as NO_ANSWERS_ALIKE
from flylab.local.repeat import NOTHING_KNOWN, repeated
from flylab.local.reply import Reply
from flylab.rules.straight import asks_nothing
from flylab.wire import headers
from tests.local.fuzz_inputs import HEADS, START, STATUS, Maker
from tests.local.strict import KNOWN, LIMIT, Message, by_h11, by_llhttp, names

_TOO_LONG = 60  # seconds for a thousand messages, which take a tenth of one
WRITER = HeadWriter("ams", public_port=80)

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


# ── what must hold ──────────────────────────────────────────────────────────────────────────────────────────────────


def check_requests(data: bytes) -> int:
    """Raises AssertionError; returns how many requests were accepted."""
    ours, _ = requests(data)
    check_glance(data)
    check_glance(data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
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
        strict = by_h11(sent)
        for theirs, refused in (strict, *([by_llhttp(sent)] if message[0] in KNOWN else [])):
            assert [one[:2] for one in theirs] == [message[:2]], (data, sent, theirs)
            assert not refused, (data, sent)
        assert strict[0][0][2] == names(message[2]), (data, sent)
    return len(ours)


def check_glance(data: bytes) -> None:
    """What is seen at a glance is what is read."""
    seen = glance(data)
    if seen is not None:
        check_seen(data, seen)


def check_seen(data: bytes, seen: Glance) -> None:
    """The same of what was seen."""
    found = read_request(data, limit=LIMIT)
    assert found is not None, data
    head, size = found
    method, target, host, kept, seen_size = seen
    assert (head.method, head.target, head.host, size) == (method, target, host, seen_size), data
    assert head.keep_alive, data
    assert not any((head.fields.chunked, head.fields.length, head.upgrade, head.expects)), data
    assert asks_nothing(head.fields.values), data
    assert headers.TRACE.encode() not in head.fields.values, data
    line = b"%b %b HTTP/1.1\r\n" % (method, target)
    assert line + kept + WRITER.tail(b"::1") == WRITER.begun(head, b"::1"), data


class Alike:
    """One connection's heads, each seen by what it has in common with those before, while there is anything."""

    def __init__(self) -> None:
        self._alike: Likeness | None = None
        self._former = b""
        self.fitted = 0

    def check(self, data: bytes) -> None:
        alike = self._alike
        seen = None if alike is None else alike.glance(data)
        if seen is not None:
            self.fitted += 1
            check_seen(data, seen)
        elif (seen := glance(data)) is not None:
            head = data[: seen[4]]
            if self._former:
                self._alike = alike = likeness(alike, self._former, head, seen[2])
                assert alike is NOT_ALIKE or alike.glance(head) in (None, seen), (data, alike.before, alike.after)
            self._former = head if alike is not NOT_ALIKE else b""
            self._alike = alike if alike is not NOT_ALIKE else None


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
    strict = by_h11(sent, h11.CLIENT)
    for theirs, refused in (strict, by_llhttp(sent, httptools.HttpResponseParser)):
        assert [one[:2] for one in theirs] == [message[:2]], (data, sent, theirs)
        assert not refused, (data, sent)
    assert strict[0][0][2] == names(message[2]), (data, sent)
    return 1


class AnswersAlike:
    """One machine's answers, each read by what it has in common with those before, while there is anything."""

    def __init__(self) -> None:
        self._known = NOTHING_KNOWN
        self.fitted = 0

    def check(self, data: bytes) -> None:
        slow, _ = repeated(data, b"GET", NOTHING_KNOWN)
        quick, read = repeated(data, b"GET", self._known)
        assert (quick is None) == (slow is None), data
        if quick is None or slow is None:
            return
        self.fitted += read is None
        assert (quick.start, quick.size, quick.length) == (slow.start, slow.size, slow.length), data
        assert (quick.status, quick.begun, quick.said) == (slow.status, slow.begun, slow.said), data
        assert quick.begun + WRITER.ending == WRITER.answered(_head(data)), data
        self._known = quick if quick.alike is not NO_ANSWERS_ALIKE else NOTHING_KNOWN


def _head(data: bytes) -> ResponseHead:
    found = read_response(data, limit=LIMIT)
    assert found is not None, data
    return found[0]


def check_pieces(data: bytes, cut: int) -> None:
    """The same is read in two pieces as in one; what is refused early would have been refused."""
    data = data.lstrip(b"\r\n")
    for read in (read_request, read_response):
        assert _read(read, data, cut) == _read(read, data, 0), (data, cut)


def _read(read: Callable[..., tuple[object, int] | None], data: bytes, cut: int) -> tuple[object, int] | None:
    try:
        return (read(data[:cut], limit=LIMIT) if cut else None) or read(data, limit=LIMIT, seen=cut)
    except BadMessage:
        return None


def check_body(data: bytes, cuts: list[int]) -> None:
    """A body is the same in pieces as in one, or refused both ways."""
    body = data.partition(b"\r\n\r\n")[2]
    for make in (ChunkedReader, lambda: LengthReader(3)):
        assert _fed(make(), body, cuts) == _fed(make(), body, []), (data, cuts)


def _fed(reader: Reader, body: bytes, cuts: list[int]) -> tuple[bytes, bytes, bytes, bool] | None:
    payload, rest = b"", b""
    at = 0
    try:
        for cut in [*sorted(cuts), len(body)]:
            piece, at = body[at:cut], cut
            if reader.done:
                rest += piece
            elif piece:
                payload += reader.feed(piece)
                rest = reader.rest
    except BadMessage:
        return None
    return payload, rest, reader.trailers, reader.done


def run(count: int, seed: int) -> str:
    """Many of each kind; says how many were accepted. It ends with a traceback when one of them takes too long."""
    rng, began = Random(seed), time.monotonic()
    requests_, answers = Maker(rng, START, HEADS["request"]), Maker(rng, STATUS, HEADS["answer"])
    accepted = [0, 0]
    alike, answers_alike = Alike(), AnswersAlike()
    for number in range(count):
        if number % 1000 == 0:
            faulthandler.dump_traceback_later(_TOO_LONG, exit=True)
        maker, asked = (requests_, True) if number % 2 else (answers, False)
        data = maker.message() if rng.random() < 0.7 else maker.body()
        cut = rng.randrange(len(data) + 1)
        found = check_requests(data) if asked else check_response(data)
        if asked:
            alike.check(data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
        else:
            answers_alike.check(data)
        check_pieces(data, cut)
        check_body(data, [rng.randrange(len(data) + 1) for _ in range(rng.randrange(1, 5))])
        if found:
            accepted[asked] += 1
            maker.accepted(data)
    faulthandler.cancel_dump_traceback_later()
    took = time.monotonic() - began
    return f"{count} inputs in {took:.0f} s, seed {seed}: {accepted[1]} requests, {accepted[0]} answers accepted"


if __name__ == "__main__":
    print(run(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
