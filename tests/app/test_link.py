"""A member's connection by itself, on a loop and a transport that are turned by hand: what it takes, when, how much."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from app.framing import frame
from app.keepalive import Keepalive
from app.link import ODD_FRAMES, ODD_SECONDS, Link, Shared
from app.wire import BACKLOG, RATE, Wire

MOST = 4_000
UNREAD = 262_144
PING, PONG = b"\x89\x80\0\0\0\0", b"\x8a\x80\0\0\0\0"
EMPTY_PIECE = b"\x00\x80\0\0\0\0"


class Loop(asyncio.AbstractEventLoop):
    """Callbacks of the next turn; `turn` is one turn, and time stands still unless somebody moves it."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.soon: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[..., None], *args: Any) -> None:  # type: ignore[override]
        self.soon.append((callback, args))

    def call_later(self, delay: float, callback: Callable[..., None], *args: Any) -> None:  # type: ignore[override]
        """What comes later does not come here."""

    def turn(self) -> None:
        for _ in range(len(self.soon)):
            callback, args = self.soon.popleft()
            callback(*args)


class Pipe(asyncio.Transport):
    """Takes everything, or keeps all of it while `stuck`."""

    def __init__(self) -> None:
        super().__init__()
        self.link: Link = None  # type: ignore[assignment]
        self.reading = True
        self.stuck = False
        self.sent = bytearray()
        self.held = 0
        self.ended = False
        self.over = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...
    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None: ...
    def can_write_eof(self) -> bool:
        return True

    def write(self, data: Any) -> None:
        self.sent += data
        if self.stuck:
            self.held += len(data)
            self.link.pause_writing()

    def get_write_buffer_size(self) -> int:
        return self.held

    def drain(self) -> None:
        self.stuck, self.held = False, 0
        self.link.resume_writing()

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.over

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.over = True

    def abort(self) -> None:
        self.over = True


class Ear:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.act: Callable[[bytes], None] = lambda payload: None

    def begin(self, wire: Wire) -> None: ...
    def drained(self) -> None: ...
    def lost(self) -> None: ...
    def received(self, frame: bytes, binary: bool) -> None:
        self.heard.append(frame)
        self.act(frame)


class Connection:
    """A link with what is around it."""

    def __init__(self, *, early: bytes = b"") -> None:
        self.loop, self.pipe, self.ear = Loop(), Pipe(), Ear()
        shared = Shared(loop=self.loop, keepalive=Keepalive(self.loop, None), most_bytes=MOST, connections=set())
        self.link = self.pipe.link = Link(shared, self.pipe, self.ear, early)

    def send(self, data: bytes) -> None:
        """The member sends; what is not read stays in the socket."""
        assert self.pipe.reading
        self.link.data_received(data)

    def settle(self) -> int:
        """How many turns it takes until nothing is left to do."""
        turns = 0
        while self.loop.soon:
            self.loop.turn()
            turns += 1
        return turns

    @property
    def closed(self) -> int:
        """The code of our close frame; 0 while there is none."""
        at = self.pipe.sent.find(b"\x88")
        return int.from_bytes(self.pipe.sent[at + 2 : at + 4]) if at >= 0 else 0


def masked(payload: bytes, opcode: int = 1) -> bytes:
    return Frame(Opcode(opcode), payload).serialize(mask=True)


@pytest.fixture
def connection() -> Connection:
    return Connection()


@pytest.mark.parametrize("odd", [PING, PONG, EMPTY_PIECE, PING + PONG], ids=["pings", "pongs", "pieces", "both"])
def test_frames_that_are_no_messages_are_counted_and_too_many_end_the_connection(
    connection: Connection, odd: bytes
) -> None:
    start = b"\x01\x80\0\0\0\0" if odd == EMPTY_PIECE else b""
    count = ODD_FRAMES // (len(odd) // len(PING)) - bool(start)
    connection.send(start + odd * count)
    connection.settle()
    assert connection.closed == 0
    connection.send(odd)
    connection.settle()
    assert connection.closed == 1008
    assert b"more than 1000 frames that are no messages in 20 s" in connection.pipe.sent


def test_the_count_begins_anew_after_a_while_and_messages_are_not_in_it(connection: Connection) -> None:
    for _ in range(5):
        for _ in range(ODD_FRAMES // 4):
            connection.send((PING + masked(b"x") + masked("ü".encode())) * 4)
            connection.settle()
        connection.loop.now += ODD_SECONDS
    assert connection.closed == 0
    assert len(connection.ear.heard) == 10 * ODD_FRAMES


def test_messages_after_our_goodbye_count_too(connection: Connection) -> None:
    connection.link.close(4001, "moved")
    connection.settle()
    connection.send(masked(b"x") * ODD_FRAMES)
    connection.settle()
    assert not connection.pipe.ended
    connection.send(masked(b"x"))
    assert connection.ear.heard == []
    assert connection.pipe.ended  # its answer is not waited for any longer


def test_who_does_not_take_our_pongs_is_not_read(connection: Connection) -> None:
    connection.pipe.stuck = True
    ping = b"\x89\xfd\0\0\0\0" + b"p" * 125
    # So many that no pong alone, but the writes before and the pongs together, are too much.
    connection.link.write(frame(b"x" * (UNREAD - 40_000)))
    sent = 0
    while connection.pipe.reading and sent < ODD_FRAMES:
        connection.send(ping)
        sent += 1
    assert not connection.pipe.reading
    assert UNREAD < connection.pipe.held < UNREAD + 200
    connection.pipe.drain()
    assert connection.pipe.reading
    connection.send(masked(b"still here"))
    assert connection.ear.heard == [b"still here"]


def test_a_full_buffer_is_taken_in_several_turns_in_order_and_nothing_is_read_meanwhile(
    connection: Connection,
) -> None:
    sent, half = [b"%d" % n for n in range(1_000)], masked(b"half")
    connection.send(b"".join(map(masked, sent)) + half[:3])
    assert len(connection.ear.heard) == 64
    assert not connection.pipe.reading
    connection.loop.turn()
    assert len(connection.ear.heard) == 128
    assert connection.settle() == 14
    assert connection.pipe.reading
    connection.send(half[3:])
    assert connection.ear.heard == [*sent, b"half"]


def test_exactly_one_turns_worth_leaves_nothing_to_do(connection: Connection) -> None:
    connection.send(masked("ü".encode()) * 64)
    assert len(connection.ear.heard) == 64
    assert connection.pipe.reading
    assert not connection.loop.soon


def test_a_pause_between_two_turns_holds_and_the_rest_comes_after_it(connection: Connection) -> None:
    connection.send(masked(b"a") * 100)
    connection.link.pause(RATE)
    connection.settle()
    assert len(connection.ear.heard) == 64
    assert not connection.pipe.reading
    connection.link.resume(RATE)
    connection.link.pause(RATE)
    connection.link.resume(RATE)
    assert len(connection.ear.heard) == 64  # not from within whoever resumed
    connection.settle()
    assert len(connection.ear.heard) == 100
    assert connection.pipe.reading


def test_a_connection_that_is_paused_for_two_reasons_is_read_when_both_are_gone(connection: Connection) -> None:
    link, pipe = connection.link, connection.pipe
    link.resume(RATE)
    for first, second in ((RATE, BACKLOG), (BACKLOG, RATE)):
        link.pause(first)
        link.pause(second)
        link.pause(second)
        link.resume(first)
        link.resume(first)
        assert not pipe.reading
        link.resume(second)
        assert pipe.reading
    link.pause(RATE)
    link.pause(BACKLOG)
    link.close(1001, "over")
    connection.settle()
    assert pipe.reading  # for the answer


@pytest.mark.parametrize(("takes", "code"), [(True, 0), (False, 1011)])
def test_who_takes_what_it_is_sent_is_alive_though_its_pong_is_late(
    connection: Connection, takes: bool, code: int
) -> None:
    connection.pipe.stuck = True
    connection.link.beat(excused=False)
    if takes:
        connection.pipe.drain()
    connection.link.beat(excused=False)
    assert connection.closed == code


def test_who_goes_on_taking_is_alive_and_who_takes_no_more_is_not(connection: Connection) -> None:
    connection.pipe.stuck = True
    connection.link.write(frame(b"x" * 60_000))
    for taken in (0, 1, 20_000, 1):
        connection.pipe.held -= taken
        before = connection.pipe.held
        connection.link.beat(excused=False)
        assert connection.closed == 0
        connection.pipe.held = before
    connection.pipe.held += 500  # what the room goes on to write does not count
    connection.link.beat(excused=False)
    assert connection.closed == 1011


def test_what_pauses_from_within_a_turn_stops_it_there(connection: Connection) -> None:
    connection.ear.act = lambda payload: connection.link.pause(RATE) if payload == b"stop" else None
    connection.send(masked(b"a") * 70 + masked(b"stop") + masked(b"b"))
    connection.settle()
    assert connection.ear.heard[-1] == b"stop"
    connection.link.resume(RATE)
    connection.settle()
    assert connection.ear.heard[-1] == b"b"


@pytest.mark.parametrize("end", ["close", "drop"])
def test_an_end_between_two_turns_delivers_nothing_more(connection: Connection, end: str) -> None:
    connection.send(masked(b"a") * 200 + masked(b"\x0f\xa1", 8))
    getattr(connection.link, end)(4001, "moved")
    connection.settle()
    assert len(connection.ear.heard) == 64
    assert connection.closed == 4001
    assert connection.pipe.over == (end == "close")  # its answer was read, behind all the rest


def test_a_connection_that_is_lost_between_two_turns_delivers_nothing_more(connection: Connection) -> None:
    connection.send(masked(b"a") * 200)
    connection.link.connection_lost(None)
    connection.settle()
    assert len(connection.ear.heard) == 64


def test_what_came_before_the_accept_is_taken_in_turns_as_well() -> None:
    connection = Connection(early=masked(b"early") * 100)
    connection.pipe.reading = True  # as the handshake's protocol leaves it
    assert connection.ear.heard == []
    connection.send(masked(b"later"))
    connection.settle()
    assert connection.ear.heard == [b"early"] * 100 + [b"later"]
    assert connection.pipe.reading
