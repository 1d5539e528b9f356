"""Members in a room over real sockets: chat, shapes, cursors, coming back, falling behind, and getting it wrong."""

import asyncio
import json
import time
from typing import Any

import httpx
import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.app.conftest import DEADLINE, Enter, Serve, Served, Visitor

KEY = "0123456789abcdef"


async def refusal(visitor: Visitor) -> int:
    """The code with which the room closes this connection."""
    with pytest.raises(ConnectionClosed) as closed:
        await visitor.hear("nothing of this kind")
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def kinds(visitor: Visitor) -> list[str]:
    return [message["t"] for message in visitor.heard]


async def test_fifty_members_hear_every_line_once_in_one_order_and_see_every_cursor(serve: Serve, enter: Enter) -> None:
    served = await serve("m1", "ams")
    visitors = await asyncio.gather(*(enter(served, "blue") for _ in range(50)))
    lines = 5

    async def talk(visitor: Visitor, place: int) -> None:
        for line in range(lines):
            await visitor.operate("say", text=f"{place} says {line}")
            await visitor.send("cursor", x=place, y=line)

    async def listen(visitor: Visitor) -> tuple[list[int], dict[int, tuple[int, int]]]:
        cursors: dict[int, tuple[int, int]] = {}
        heard: list[int] = []
        stored = 0
        done = 50 * lines
        while len(heard) < done or sum(y == lines - 1 for _, y in cursors.values()) < 50 or stored < done + 1:
            message = await visitor.next()
            if message["t"] == "said":
                heard.append(message["seq"])
            elif message["t"] == "cursors":
                cursors |= {n: (x, y) for n, x, y in message["c"]}
            elif message["t"] == "stored":
                stored = message["seq"]
        return heard, cursors

    async with asyncio.timeout(DEADLINE * 2):
        results = await asyncio.gather(
            *(listen(visitor) for visitor in visitors), *(talk(visitor, n) for n, visitor in enumerate(visitors))
        )
    for heard, cursors in results[:50]:
        # Entry 1 is the epoch.
        assert heard == list(range(2, 50 * lines + 2))
        assert len(cursors) == 50


async def test_a_returning_member_gets_exactly_what_it_missed(serve: Serve, enter: Enter) -> None:
    served = await serve()
    ada, bob = await enter(served, "blue"), await enter(served, "blue")
    await ada.operate("say", text="one")
    seen = (await bob.hear("said"))["seq"]
    await bob.socket.close()
    await ada.hear("left")
    for n in (2, 3):
        await ada.operate("say", text=f"number {n}")
    await ada.stored(4)
    back = await enter(served, "blue", key=bob.key, epoch=bob.welcome["epoch"], since=seen)
    assert (back.welcome["resumed"], back.welcome["parts"]) == (True, 0)
    assert back.welcome["you"] == bob.welcome["you"]
    missed = [await back.hear("said"), await back.hear("said")]
    assert [(entry["seq"], entry["text"]) for entry in missed] == [(3, "number 2"), (4, "number 3")]
    await ada.operate("say", text="four")
    assert (await back.hear("said"))["seq"] == 5


@pytest.mark.parametrize("claim", [{"epoch": 7, "since": 1}, {"epoch": 1, "since": 57}, {}])
async def test_who_claims_to_have_heard_what_never_was_gets_everything_afresh(
    serve: Serve, enter: Enter, claim: dict[str, int]
) -> None:
    served = await serve()
    ada = await enter(served, "blue")
    await ada.operate("say", text="one")
    await ada.operate("edit", changes=[{"id": "r", "set": {"kind": "rect", "x": 1, "y": 2}}])
    await ada.stored(3)
    bob = await enter(served, "blue", **claim)
    assert (bob.welcome["resumed"], bob.welcome["parts"]) == (False, 1)
    state = await bob.hear("state")
    assert [entry["text"] for entry in state["chat"]] == ["one"]
    assert [(shape["id"], shape["x"], shape["y"]) for shape in state["shapes"]] == [("r", 1, 2)]


async def test_an_operation_that_comes_twice_counts_once(serve: Serve, enter: Enter) -> None:
    served = await serve()
    ada = await enter(served, "blue")
    await ada.send("say", op=1, text="one")
    await ada.hear("said")
    await ada.socket.close()
    back = await enter(served, "blue", key=ada.key, client=ada.client, epoch=1, since=2)
    assert (back.welcome["op"], back.welcome["skipped"]) == (1, [])
    await back.send("say", op=1, text="one")
    assert (await back.hear("accepted")) == {"t": "accepted", "op": 1, "seq": 2}
    other = await enter(served, "blue", client=ada.client)
    await other.send("say", op=1, text="the same client and number of somebody else")
    assert (await other.hear("said"))["seq"] == 3


async def test_an_edit_is_undone_for_all_and_what_somebody_else_changed_since_stays(serve: Serve, enter: Enter) -> None:
    served = await serve()
    ada, bob = await enter(served, "blue"), await enter(served, "blue")
    await ada.operate("edit", changes=[{"id": "r", "set": {"kind": "rect", "x": 1, "y": 1, "fill": "red"}}])
    await ada.operate("edit", changes=[{"id": "r", "set": {"x": 50, "fill": "blue"}}])
    await bob.hear("edited", op=2)
    await bob.operate("edit", changes=[{"id": "r", "set": {"fill": "green"}}])
    await ada.hear("edited", by=bob.welcome["you"])
    await ada.operate("undo")
    undone = await bob.hear("edited", undoes=3)
    assert undone["changes"] == [{"id": "r", "set": {"x": 1}}]
    await ada.operate("redo")
    assert (await bob.hear("edited", redoes=3))["changes"] == [{"id": "r", "set": {"x": 50}}]
    await bob.operate("undo")
    await ada.hear("edited", undoes=4)
    await bob.operate("undo")
    assert (await bob.hear("error"))["code"] == "nothing-to-undo"


async def test_drags_and_selections_are_seen_by_others_and_kept_by_nobody(serve: Serve, enter: Enter) -> None:
    served = await serve()
    ada, bob = await enter(served, "blue"), await enter(served, "blue")
    n = ada.welcome["n"]
    await ada.send("select", ids=["r", "s"])
    assert (await bob.hear("selected"))["s"] == [[n, ["r", "s"]]]
    await ada.send("drag", changes=[{"id": "r", "set": {"x": 5}}])
    assert (await bob.hear("drags"))["d"] == [[n, [{"id": "r", "set": {"x": 5}}]]]
    await ada.send("drag")
    assert (await bob.hear("drags"))["d"] == [[n, []]]
    late = await enter(served, "blue")
    assert late.welcome["selected"] == [[n, ["r", "s"]]]
    assert late.welcome["seq"] == 1


async def test_members_come_rename_and_go(serve: Serve, enter: Enter) -> None:
    served = await serve()
    ada = await enter(served, "blue", name="  Ada\n Lovelace ", headers={"fly-region": "ams"})
    assert [(member["name"], member["region"]) for member in ada.welcome["members"]] == [("Ada Lovelace", "ams")]
    bob = await enter(served, "blue", name="Bob")
    assert (await ada.hear("joined", member=bob.welcome["members"][1]))["member"]["name"] == "Bob"
    second_tab = await enter(served, "blue", name="Robert", key=bob.key)
    assert (await ada.hear("changed"))["member"]["name"] == "Robert"
    await second_tab.send("rename", name="Bobby")
    assert (await ada.hear("changed"))["member"]["name"] == "Bobby"
    await second_tab.send("ping", n=1, rtt=42.25)
    assert (await ada.hear("changed"))["member"]["rtt"] == pytest.approx(42.2, abs=0.1)
    await second_tab.socket.close()
    await bob.socket.close()
    assert (await ada.hear("left"))["id"] == bob.welcome["you"]
    assert kinds(ada).count("left") == 1


async def test_one_may_speak_msgpack_and_see_the_same(serve: Serve, enter: Enter) -> None:
    served = await serve()
    ada = await enter(served, "blue")
    async with connect(f"{served.ws}/rooms/blue/ws") as socket:

        async def hear(kind: str) -> dict[str, Any]:
            async with asyncio.timeout(DEADLINE):
                while True:
                    frame = await socket.recv()
                    assert isinstance(frame, bytes)
                    for message in msgspec.msgpack.decode(frame):
                        if message["t"] == kind:
                            return dict(message)

        pack = msgspec.msgpack.encode
        await socket.send(pack({"t": "hello", "v": 2, "key": KEY, "client": "packed", "name": "Max"}))
        n = (await hear("welcome"))["n"]
        await socket.send(pack({"t": "say", "op": 1, "text": "binary"}))
        assert (await hear("said"))["text"] == (await ada.hear("said"))["text"] == "binary"
        await socket.send(pack({"t": "cursor", "x": -3, "y": 32767}))
        assert (await ada.hear("cursors"))["c"] == [[n, -3, 32767]]
        await ada.send("cursor", x=7, y=8)
        packed = b""
        while bytes([ada.welcome["n"], 0, 7, 0, 8, 0]) not in packed:
            packed = (await hear("cursors"))["c"]
        assert len(packed) % 6 == 0


async def test_a_member_who_never_reads_holds_little_and_gets_exactly_what_it_missed(
    serve: Serve, enter: Enter
) -> None:
    served = await serve(LIMIT_MESSAGES_PER_SECOND="100000", LIMIT_BURST="100000")
    ada, bob, sloth = await enter(served, "blue"), await enter(served, "blue"), await enter(served, "blue")
    sloth.socket.transport.pause_reading()
    said = 0
    # More than the socket buffers of both sides hold, a few MB of them.
    while said < 4_000:
        for _ in range(40):
            said += 1
            await ada.operate("say", text=f"{said} " + "x" * 1_900)
        await ada.hear("said", op=said)
    await bob.hear("said", op=said)
    assert [message["op"] for message in bob.heard if message["t"] == "said"] == list(range(1, said + 1))
    sloth.socket.transport.resume_reading()
    await sloth.hear("said", op=said)
    assert [message["seq"] for message in sloth.heard if message["t"] == "said"] == list(range(2, said + 2))


async def test_a_member_too_far_behind_is_dropped_and_comes_back_to_all_there_is(serve: Serve, enter: Enter) -> None:
    served = await serve(
        LIMIT_MESSAGES_PER_SECOND="100000", LIMIT_BURST="100000", LIMIT_WINDOW_BYTES="100000", HEARTBEAT_SECONDS="60"
    )
    ada, sloth = await enter(served, "blue"), await enter(served, "blue")
    sloth.socket.transport.pause_reading()
    said = 0
    while said < 4_000:
        for _ in range(40):
            said += 1
            await ada.operate("say", text=f"{said} " + "x" * 1_900)
        await ada.hear("said", op=said)
    sloth.socket.transport.resume_reading()
    assert await refusal(sloth) == 4002
    heard = [message["seq"] for message in sloth.heard if message["t"] == "said"]
    assert heard == list(range(2, len(heard) + 2))
    back = await enter(served, "blue", key=sloth.key, epoch=1, since=heard[-1])
    assert back.welcome["resumed"] is False
    chat: list[str] = []
    for _ in range(back.welcome["parts"]):
        chat += [entry["text"].partition(" ")[0] for entry in (await back.hear("state"))["chat"]]
    assert chat == [str(n) for n in range(said - 499, said + 1)]


async def test_a_dead_connection_vanishes(serve: Serve, enter: Enter) -> None:
    served = await serve(HEARTBEAT_SECONDS="1")
    ada, ghost = await enter(served, "blue"), await enter(served, "blue")
    ghost.socket.transport.pause_reading()  # no pong from now on, as from a laptop whose lid was closed
    assert (await ada.hear("left"))["id"] == ghost.welcome["you"]


NONSENSE: list[tuple[str | bytes, str, str]] = [
    ("{not json", "malformed", "a message must be one JSON object: "),
    ("", "malformed", "a message must be one JSON object: "),
    (b"", "malformed", "a message must be one msgpack map: "),
    (b"\xff", "malformed", "a message must be one msgpack map"),
    ("[1, 2]", "malformed", "a message must be one JSON object"),
    ("[" * 5_000, "malformed", "a message must be one JSON object"),
    ('{"t": "dance"}', "unknown", "unknown message 'dance'; known are hello, say, edit"),
    ('{"op": 1}', "unknown", "unknown message None"),
    ('{"t": "say", "op": 1}', "invalid", "message 'say': Object missing required field `text`"),
    ('{"t": "say", "op": "a1", "text": "x"}', "invalid", "message 'say': Expected `int`"),
    ('{"t": "say", "op": -1, "text": "x"}', "invalid", "message 'say': Expected `int` >= 1"),
    ('{"t": "cursor", "x": 40000, "y": 0}', "invalid", "message 'cursor': Expected `int` <= 32767"),
    ('{"t": "say", "op": 1, "text": "  \\n "}', "empty", "there is no text in this line"),
    ('{"t": "say", "op": 99999, "text": "x"}', "gap", "operation 99999 is more than"),
    ('{"t": "edit", "op": 1, "changes": [{"id": "n", "set": {"x": 1}}]}', "gone", ""),
    ('{"t": "edit", "op": 1, "changes": [{"id": "n", "set": {"kind": "rect", "x": 1e300}}]}', "invalid", ""),
    (json.dumps({"t": "say", "op": 1, "text": "x" * 70_000}), "too-large", "a message may have 65536 bytes"),
    ('{"t": "hello", "v": 2, "key": "0123456789abcdef", "client": "page", "name": "x"}', "hello-again", "hello was"),
    ('{"t": "move", "region": "local"}', "invalid", "message 'move'"),
]


async def test_a_message_that_makes_no_sense_is_answered_and_harms_nobody(serve: Serve, enter: Enter) -> None:
    served = await serve()
    ada, bob = await enter(served, "blue"), await enter(served, "blue")
    for frame, code, text in NONSENSE:
        await ada.socket.send(frame)
        error = await ada.hear("error")
        assert (error["code"], error["text"][: len(text)]) == (code, text), frame[:80]
    await ada.operate("say", text="still here")
    assert (await bob.hear("said"))["text"] == "still here"
    assert set(kinds(bob)) <= {"welcome", "state", "joined", "said", "stored"}


BAD_STARTS: list[tuple[dict[str, Any], int, str]] = [
    ({"t": "say", "op": 1, "text": "x"}, 4000, "the first message must be hello"),
    ({"t": "hello", "v": 9, "key": KEY, "client": "page", "name": "x"}, 4000, "this room speaks version 2, not 9"),
    ({"t": "hello", "v": 1, "key": KEY, "name": "x"}, 4000, "message 'hello': Object missing required field `client`"),
    ({"t": "hello", "v": 2, "key": "short", "client": "page", "name": "x"}, 4000, "message 'hello': Expected `str`"),
]


async def test_a_connection_that_starts_wrongly_is_closed_with_a_reason(serve: Serve) -> None:
    served = await serve()
    for first, close, text in BAD_STARTS:
        async with connect(f"{served.ws}/rooms/blue/ws") as socket:
            visitor = Visitor(socket, "", "")
            await socket.send(json.dumps(first))
            assert (await visitor.hear("error"))["text"].startswith(text)
            assert await refusal(visitor) == close


async def test_limits_hold(serve: Serve, enter: Enter) -> None:
    served = await serve("m1", "ams", LIMIT_MEMBERS="2", LIMIT_ROOMS="1", LIMIT_CONNECTIONS="3")
    await enter(served, "blue")
    await enter(served, "blue")
    async with connect(f"{served.ws}/rooms/blue/ws") as socket:
        third = Visitor(socket, "", "")
        await third.send("hello", v=2, key=KEY, client="page", name="third")
        assert (await third.hear("error"))["text"] == "room blue is full: 2 connections"
        assert await refusal(third) == 4005
    status, headers, _ = await refused_upgrade(served, "red")
    assert (status, "fly-replay" in headers) == (409, True), "a full machine passes the visitor on"
    async with connect(f"{served.ws}/rooms/blue/ws"):
        status, _, body = await refused_upgrade(served, "blue")
        assert (status, body) == (503, "machine m1 has 3 connections, the most it takes\n")


async def test_who_sends_too_much_is_slowed_down_and_loses_nothing(serve: Serve, enter: Enter) -> None:
    served = await serve(LIMIT_MESSAGES_PER_SECOND="200", LIMIT_BURST="20")
    ada, bob = await enter(served, "blue"), await enter(served, "blue")
    began = time.monotonic()
    for n in range(300):
        await ada.operate("say", text=f"line {n}")
    await bob.operate("say", text="not held up by that")
    await bob.hear("said", by=bob.welcome["you"])
    assert (await ada.hear("error"))["code"] == "rate"
    await bob.hear("said", op=300)  # which he has not heard yet
    assert time.monotonic() - began > 1.0
    lines = [message["text"] for message in bob.heard if message["t"] == "said" and message["by"] == ada.welcome["you"]]
    assert lines == [f"line {n}" for n in range(300)]


async def test_a_huge_frame_ends_the_connection_only(serve: Serve, enter: Enter) -> None:
    served = await serve()
    ada, bob = await enter(served, "blue"), await enter(served, "blue")
    await bob.socket.send("x" * 1_000_000)
    assert await refusal(bob) == 1009
    assert (await ada.hear("left"))["id"] == bob.welcome["you"]


async def test_a_private_room_opens_with_its_links_alone_and_they_can_be_taken_back(serve: Serve, enter: Enter) -> None:
    served = await serve()
    async with httpx.AsyncClient(base_url=served.address) as client:
        made = (await client.post("/api/rooms")).json()
        room = made["room"]
        assert len(room) == 22
        edit, view = (made[role].partition("?k=")[2] for role in ("edit", "view"))
        assert (await client.get("/api/rooms")).json()["rooms"] == []
        assert (await client.get(f"/api/rooms/{room}")).status_code == 403
        assert (await client.get(f"/api/rooms/{room}", params={"k": view})).status_code == 200
    ada = await enter(served, room, link=edit)
    guest = await enter(served, room, link=view)
    assert (ada.welcome["role"], guest.welcome["role"], ada.welcome["public"]) == ("edit", "view", "")
    for message in (
        {"t": "say", "op": 1, "text": "x"},
        {"t": "edit", "op": 1, "changes": [{"id": "r", "gone": True}]},
        {"t": "sleep"},
        {"t": "move", "region": "nrt"},
    ):
        await guest.send(**message)
        assert (await guest.hear("error"))["code"] == "read-only"
    await guest.send("cursor", x=1, y=1)
    await ada.hear("cursors")
    forged = edit[:-9] + ("A" if edit[-9] != "A" else "B") + edit[-8:]
    for link in ("", "nonsense", forged, view + "x"):
        status, headers, _ = await refused_upgrade(served, room, link)
        assert (status, headers["x-rooms-reason"]) == (403, "forbidden")
    async with httpx.AsyncClient(base_url=served.address) as client:
        other = (await client.post("/api/rooms")).json()
    assert (await refused_upgrade(served, other["room"], edit))[0] == 403, "another room's link"
    await ada.operate("share", revoke="view")
    assert (await guest.hear("error"))["code"] == "forbidden"
    assert await refusal(guest) == 4006
    fresh = (await ada.hear("linked"))["view"].partition("?k=")[2]
    assert fresh != view
    assert (await enter(served, room, link=fresh)).welcome["role"] == "view"
    status, headers, body = await refused_upgrade(served, room, view)
    assert (status, headers["x-rooms-reason"]) == (403, "forbidden")
    assert "this link was taken back" in body


async def test_who_takes_the_edit_links_back_keeps_a_good_one(serve: Serve, enter: Enter) -> None:
    served = await serve()
    async with httpx.AsyncClient(base_url=served.address) as client:
        made = (await client.post("/api/rooms")).json()
    edit = made["edit"].partition("?k=")[2]
    ada, bob = await enter(served, made["room"], link=edit), await enter(served, made["room"], link=edit)
    await ada.operate("share", revoke="edit")
    assert await refusal(bob) == 4006
    fresh = (await ada.hear("linked"))["edit"].partition("?k=")[2]
    await ada.operate("say", text="still an editor")
    await ada.hear("said")
    assert (await enter(served, made["room"], link=fresh)).welcome["role"] == "edit"


async def test_who_revoked_and_never_heard_the_answer_comes_in_by_the_old_link(serve: Serve, enter: Enter) -> None:
    served = await serve()
    async with httpx.AsyncClient(base_url=served.address) as client:
        made = (await client.post("/api/rooms")).json()
    room, old = made["room"], made["edit"].partition("?k=")[2]
    ada, bob = await enter(served, room, link=old), await enter(served, room, link=old)
    await ada.send("share", op=1, revoke="edit")
    assert await refusal(bob) == 4006
    ada.socket.transport.abort()  # whatever she was told is not heard
    back = await enter(served, room, link=old, key=ada.key, client=ada.client)
    assert back.welcome["role"] == "edit"
    fresh = (await back.hear("linked"))["edit"].partition("?k=")[2]
    assert fresh != old
    await back.send("share", op=1, revoke="edit")  # it was not acknowledged, so it comes again
    assert (await back.hear("accepted"))["op"] == 1
    assert (await back.hear("linked"))["edit"].partition("?k=")[2] == fresh
    async with connect(f"{served.ws}/rooms/{room}/ws?k={old}") as socket:
        other = Visitor(socket, "", "")
        await other.send("hello", v=2, key=KEY, client="page", name="Bob")
        assert "this link was taken back" in (await other.hear("error"))["text"]
        assert await refusal(other) == 4006
    async with httpx.AsyncClient(base_url=served.address) as client:
        assert (await client.post(f"/api/rooms/{room}/sleep?k={old}")).status_code == 403
        assert (await client.get(f"/api/rooms/{room}?k={old}")).status_code == 403


async def test_editors_of_a_public_room_cannot_lock_others_out(serve: Serve, enter: Enter) -> None:
    served = await serve()
    ada = await enter(served, "blue")
    await ada.operate("share", public="")
    assert (await ada.hear("error"))["code"] == "not-yours"


async def refused_upgrade(served: Served, room: str, link: str = "") -> tuple[int, dict[str, str], str]:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{served.ws}/rooms/{room}/ws" + (f"?k={link}" if link else ""))
    response = refused.value.response
    headers = {name.lower(): value for name, value in response.headers.raw_items()}
    return response.status_code, headers, bytes(response.body or b"").decode()
