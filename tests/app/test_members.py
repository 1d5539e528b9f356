"""Members in a room over real sockets: chat, cursors, coming back, falling behind, and getting it wrong."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.app.conftest import DEADLINE, Enter, Serve, Served, Visitor


async def refusal(visitor: Visitor) -> int:
    """The code with which the room closes this connection."""
    with pytest.raises(ConnectionClosed) as closed:
        await visitor.hear("nothing of this kind")
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


async def test_fifty_members_hear_every_line_once_in_one_order_and_see_every_cursor(serve: Serve, enter: Enter) -> None:
    served = await serve("m1", "ams")
    visitors = await asyncio.gather(*(enter(served, "blue") for _ in range(50)))
    lines = 5

    async def talk(visitor: Visitor, place: int) -> None:
        for line in range(lines):
            await visitor.send("say", op=f"op-{line}", text=f"{place} says {line}")
            await visitor.send("cursor", x=place / 50, y=line / lines)

    async def listen(visitor: Visitor) -> tuple[list[int], dict[str, tuple[float, float]]]:
        cursors: dict[str, tuple[float, float]] = {}
        heard: list[int] = []
        last = (lines - 1) / lines
        while len(heard) < 50 * lines or sum(y == last for _, y in cursors.values()) < 50:
            message = json.loads(await visitor.socket.recv())
            if message["t"] == "said":
                heard.append(message["seq"])
            elif message["t"] == "cursors":
                cursors |= {member: (x, y) for member, x, y in message["c"]}
        return heard, cursors

    async with asyncio.timeout(DEADLINE * 2):
        results = await asyncio.gather(
            *(listen(visitor) for visitor in visitors), *(talk(visitor, n) for n, visitor in enumerate(visitors))
        )
    for heard, cursors in results[:50]:
        assert heard == list(range(1, 50 * lines + 1))
        assert len(cursors) == 50


async def test_a_returning_member_gets_exactly_what_it_missed(serve: Serve, enter: Enter) -> None:
    served = await serve()
    ada, bob = await enter(served, "blue"), await enter(served, "blue")
    await ada.send("say", op="a1", text="one")
    seen = (await bob.hear("said"))["seq"]
    await bob.socket.close()
    await ada.hear("left")
    for n in (2, 3):
        await ada.send("say", op=f"a{n}", text=f"number {n}")
    await ada.hear("stored", seq=3)
    back = await enter(served, "blue", key=bob.key, log=bob.welcome["log"], since=seen)
    assert back.welcome["resumed"] is True
    assert [(entry["seq"], entry["text"]) for entry in back.welcome["entries"]] == [(2, "number 2"), (3, "number 3")]
    assert back.welcome["you"] == bob.welcome["you"]
    await ada.send("say", op="a4", text="four")
    assert (await back.hear("said"))["seq"] == 4


async def test_a_member_from_another_life_of_the_room_gets_everything_afresh(serve: Serve, enter: Enter) -> None:
    served = await serve()
    ada = await enter(served, "blue")
    await ada.send("say", op="a1", text="one")
    await ada.hear("stored")
    bob = await enter(served, "blue", log="another-log", since=57)
    assert bob.welcome["resumed"] is False
    assert [entry["text"] for entry in bob.welcome["entries"]] == ["one"]


async def test_an_operation_that_comes_twice_counts_once(serve: Serve, enter: Enter) -> None:
    served = await serve()
    ada = await enter(served, "blue")
    await ada.send("say", op="a1", text="one")
    await ada.hear("said")
    await ada.socket.close()
    back = await enter(served, "blue", key=ada.key, log=ada.welcome["log"], since=1)
    await back.send("say", op="a1", text="one")
    assert (await back.hear("accepted")) == {"t": "accepted", "op": "a1", "seq": 1}
    other = await enter(served, "blue")
    await other.send("say", op="a1", text="the same word of somebody else")
    assert (await other.hear("said"))["seq"] == 2


async def test_members_come_rename_and_go(serve: Serve, enter: Enter) -> None:
    served = await serve()
    ada = await enter(served, "blue", name="  Ada\n Lovelace ", headers={"fly-region": "ams"})
    assert [(member["name"], member["region"]) for member in ada.welcome["members"]] == [("Ada Lovelace", "ams")]
    bob = await enter(served, "blue", name="Bob")
    assert (await ada.hear("joined"))["member"]["name"] == "Bob"
    second_tab = await enter(served, "blue", name="Robert", key=bob.key)
    assert (await ada.hear("renamed"))["member"]["name"] == "Robert"
    await second_tab.send("rename", name="Bobby")
    assert (await ada.hear("renamed"))["member"]["name"] == "Bobby"
    await second_tab.socket.close()
    await bob.socket.close()
    assert (await ada.hear("left"))["id"] == bob.welcome["you"]
    assert [message["t"] for message in ada.heard].count("left") == 1


async def test_a_member_who_never_reads_is_dropped_and_the_others_hear_on(serve: Serve, enter: Enter) -> None:
    served = await serve(LIMIT_MESSAGES_PER_SECOND="100000", LIMIT_BURST="100000", LIMIT_OUTBOX_BYTES="200000")
    ada, bob, sloth = await enter(served, "blue"), await enter(served, "blue"), await enter(served, "blue")
    sloth.socket.transport.pause_reading()
    gone = asyncio.create_task(bob.hear("left", id=sloth.welcome["you"]))
    said = 0
    # First the socket buffers of both sides fill, a few MB of them, then the outbox.
    while not gone.done() and said < 10_000:
        for _ in range(20):
            said += 1
            await ada.send("say", op=f"a{said}", text=f"{said} " + "x" * 1_900)
        await ada.hear("said", seq=said)
    assert (await gone)["t"] == "left"
    await ada.send("say", op="last", text="still here")
    await bob.hear("said", seq=said + 1)
    assert [message["seq"] for message in bob.heard if message["t"] == "said"] == list(range(1, said + 2))
    back = await enter(served, "blue", key=sloth.key, log=sloth.welcome["log"], since=said)
    assert [entry["text"] for entry in back.welcome["entries"]] == ["still here"]


async def test_a_dead_connection_vanishes(serve: Serve, enter: Enter) -> None:
    served = await serve(HEARTBEAT_SECONDS="1")
    ada, ghost = await enter(served, "blue"), await enter(served, "blue")
    ghost.socket.transport.pause_reading()  # no pong from now on, as from a laptop whose lid was closed
    assert (await ada.hear("left"))["id"] == ghost.welcome["you"]


NONSENSE: list[tuple[str | bytes, str, str]] = [
    ("{not json", "malformed", "a message must be one JSON object: "),
    ("", "malformed", "a message must be one JSON object: "),
    (b"", "malformed", "a message must be one JSON object: "),
    (b"\xff", "malformed", "a message must be one JSON object: "),
    ("[1, 2]", "malformed", "a message must be one JSON object"),
    ('{"t": "dance"}', "unknown", "unknown message 'dance'; known are hello, say, cursor, rename, ping"),
    ('{"op": "a"}', "unknown", "unknown message None"),
    ('{"t": "say", "op": "a1"}', "invalid", "message 'say': Object missing required field `text`"),
    ('{"t": "say", "op": "a 1", "text": "x"}', "invalid", "message 'say': Expected `str` matching regex"),
    ('{"t": "cursor", "x": 7, "y": 0}', "invalid", "message 'cursor': Expected `float` <= 1.0"),
    ('{"t": "say", "op": "a1", "text": "  \\n "}', "empty", "there is no text in this line"),
    (json.dumps({"t": "say", "op": "a1", "text": "x" * 9_000}), "too-large", "a message may have 8192 bytes"),
    ('{"t": "hello", "v": 1, "key": "0123456789abcdef", "name": "x"}', "hello-again", "hello was said already"),
]


async def test_a_message_that_makes_no_sense_is_answered_and_harms_nobody(serve: Serve, enter: Enter) -> None:
    served = await serve()
    ada, bob = await enter(served, "blue"), await enter(served, "blue")
    for frame, code, text in NONSENSE:
        await ada.socket.send(frame)
        error = await ada.hear("error")
        assert error["code"] == code
        assert error["text"].startswith(text)
    await ada.send("say", op="after", text="still here")
    assert (await bob.hear("said"))["text"] == "still here"
    assert [message["t"] for message in bob.heard] == ["welcome", "said"]


BAD_STARTS: list[tuple[dict[str, Any], int, str]] = [
    ({"t": "say", "op": "a", "text": "x"}, 4000, "the first message must be hello"),
    ({"t": "hello", "v": 9, "key": "0123456789abcdef", "name": "x"}, 4000, "this room speaks version 1, not 9"),
    ({"t": "hello", "v": 1, "key": "short", "name": "x"}, 4000, "message 'hello': Expected `str` of length >= 16"),
]


async def test_a_connection_that_starts_wrongly_is_closed_with_a_reason(serve: Serve) -> None:
    served = await serve()
    for first, close, text in BAD_STARTS:
        async with connect(f"{served.ws}/rooms/blue/ws") as socket:
            visitor = Visitor(socket, "")
            await socket.send(json.dumps(first))
            assert (await visitor.hear("error"))["text"].startswith(text)
            assert await refusal(visitor) == close


async def test_limits_hold(serve: Serve, enter: Enter) -> None:
    served = await serve(
        LIMIT_MEMBERS="2", LIMIT_ROOMS="1", LIMIT_MESSAGES_PER_SECOND="1", LIMIT_BURST="10", LIMIT_CONNECTIONS="3"
    )
    ada = await enter(served, "blue")
    await enter(served, "blue")
    async with connect(f"{served.ws}/rooms/blue/ws") as socket:
        third = Visitor(socket, "")
        await third.send("hello", v=1, key="0123456789abcdef", name="third")
        assert (await third.hear("error"))["text"] == "room blue is full: 2 connections"
        assert await refusal(third) == 4005
    assert await refused_upgrade(served, "red") == (503, "machine local holds 1 rooms already\n")
    async with connect(f"{served.ws}/rooms/blue/ws"):
        assert await refused_upgrade(served, "blue") == (503, "machine local has 3 connections, the most it takes\n")
    for n in range(600):
        await ada.send("ping", n=n)
    assert (await ada.hear("error"))["code"] == "rate"
    assert await refusal(ada) == 4003


async def test_a_huge_frame_ends_the_connection_only(serve: Serve, enter: Enter) -> None:
    served = await serve()
    ada, bob = await enter(served, "blue"), await enter(served, "blue")
    await bob.socket.send("x" * 1_000_000)
    assert await refusal(bob) == 1009
    assert (await ada.hear("left"))["id"] == bob.welcome["you"]


async def refused_upgrade(served: Served, room: str) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{served.ws}/rooms/{room}/ws")
    body = refused.value.response.body
    return refused.value.response.status_code, bytes(body or b"").decode()
