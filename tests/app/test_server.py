"""The room server as a process of its own, with real sockets: who answers, who is replayed, how it starts and ends."""

import asyncio
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from app.signing import Signer, State, Word
from flylab.wire.replay import parse_replay
from tests.app.conftest import DEADLINE, ROOT, Enter, Serve, Served

UPGRADE = (
    "GET /rooms/{room}/ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{extra}\r\n"
)


async def handshake(served: Served, room: str, **headers: str) -> tuple[int, dict[str, str], str]:
    """The raw answer to an upgrade request: status, headers, body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    writer.write(UPGRADE.format(room=room, host=f"127.0.0.1:{served.port}", extra=extra).encode())
    async with asyncio.timeout(DEADLINE):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")
        found = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
        body = await reader.readexactly(int(found.get("content-length", 0)))
    writer.close()
    await writer.wait_closed()
    return int(lines[0].split()[1]), found, body.decode()


SECRET = "a-secret-of-sixteen-or-more"


def source(machine: str, room: str, word: Word, epoch: int) -> str:
    """What the proxy says of a replay by another machine of ours, with a state that it signed."""
    state = Signer(SECRET.encode()).sign(State(room=room, word=word, epoch=epoch))
    return f"instance={machine};region=ams;t=1790000000000000;state={state}"


async def two(serve: Serve, store: Path) -> tuple[Served, Served]:
    # These rooms are taken over as soon as they were made.
    env = {"ROOMS_URL": store.as_uri(), "ROOMS_SECRET": SECRET, "SETTLE_SECONDS": "0"}
    ams, iad = await asyncio.gather(serve("m1", "ams", **env), serve("m2", "iad", **env))
    return ams, iad


async def test_a_visitor_of_the_wrong_machine_is_answered_with_a_replay_before_the_upgrade(
    serve: Serve, enter: Enter, tmp_path: Path
) -> None:
    ams, iad = await two(serve, tmp_path)
    ada = await enter(ams, "blue")
    assert (ada.welcome["machine"], ada.welcome["epoch"]) == ("m1", 1)

    status, headers, body = await handshake(iad, "blue")
    assert status == 409
    asked = parse_replay(headers["fly-replay"])
    assert (asked.prefer_instance, asked.app) == ("m1", None)
    read = Signer(SECRET.encode()).read(asked.state, room="blue").state
    assert read is not None
    assert (read.word in (Word.HINT, Word.HELD), read.epoch, read.hops) == (True, 1, 1)
    assert "sec-websocket-accept" not in headers
    assert "fly-replay" in body

    async with httpx.AsyncClient(base_url=iad.address) as client:
        for path in ("/rooms/blue", "/api/rooms/blue"):
            replay = parse_replay((await client.get(path)).headers["fly-replay"])
            assert replay.prefer_instance == "m1"
        listed = (await client.get("/api/rooms")).json()["rooms"]
    assert [(room["room"], room["machine"], room["region"]) for room in listed] == [("blue", "m1", "ams")]


async def test_a_replayed_visitor_is_accepted_by_the_owner_and_told_how_it_came(serve: Serve, enter: Enter) -> None:
    served = await serve("m1", "ams", ROOMS_SECRET=SECRET)
    headers = {"fly-replay-src": source("m2", "blue", Word.HELD, 1), "fly-region": "nrt", "fly-request-id": "01ABC-nrt"}
    await enter(served, "blue")
    ada = await enter(served, "blue", headers=headers)
    assert ada.welcome["path"] == {
        "edge": "nrt",
        "replayed_from": "m2",
        "replayed_region": "ams",
        "request": "01ABC-nrt",
    }


async def test_a_room_whose_machine_is_gone_is_taken_over_by_the_one_that_the_proxy_found(
    serve: Serve, enter: Enter, tmp_path: Path
) -> None:
    gone, heir = await two(serve, tmp_path)
    ada = await enter(gone, "blue")
    await ada.operate("say", text="kept")
    await ada.stored(2)
    await gone.stop(signal.SIGKILL)
    found = {"fly-replay-src": source("m2", "blue", Word.HELD, 1), "fly-preferred-instance-unavailable": "m1"}
    bob = await enter(heir, "blue", headers=found)
    assert (bob.welcome["machine"], bob.welcome["region"], bob.welcome["epoch"]) == ("m2", "iad", 2)
    assert [said["text"] for said in (await bob.hear("state"))["chat"]] == ["kept"]


async def test_nobody_takes_a_room_over_on_a_strangers_word(serve: Serve, enter: Enter, tmp_path: Path) -> None:
    ams, iad = await two(serve, tmp_path)
    await enter(ams, "blue")
    forged = Signer(b"another secret of somebody").sign(State(room="blue", word=Word.LOST, epoch=1))
    for state in (forged, "blue@1", ""):
        claim = {"fly_replay_src": f"instance=m1;region=ams;t=1790000000000000;state={state}"}
        status, headers, _ = await handshake(iad, "blue", fly_preferred_instance_unavailable="m1", **claim)
        assert status in (409, 503)
        assert "sec-websocket-accept" not in headers


async def test_a_stray_replay_is_refused_instead_of_going_round(serve: Serve, enter: Enter, tmp_path: Path) -> None:
    ams, iad = await two(serve, tmp_path)
    await enter(ams, "blue")
    status, headers, body = await handshake(iad, "blue", fly_replay_src=source("m1", "blue", Word.HELD, 1))
    assert status == 503
    assert "fly-replay" not in headers
    assert (headers["x-rooms-reason"], headers["retry-after"]) == ("stray", "1")
    assert "m1" in body


async def test_of_two_machines_that_are_entered_at_once_exactly_one_holds_the_room(
    serve: Serve, enter: Enter, tmp_path: Path
) -> None:
    store = tmp_path.as_uri()
    machines = await asyncio.gather(*(serve(f"m{n}", "ams", ROOMS_URL=store) for n in range(3)))
    answers = await asyncio.gather(*(handshake(machine, "blue") for machine in machines))
    assert sorted(status for status, _, _ in answers) == [101, 409, 409]


async def test_a_machine_that_lost_its_room_tells_its_members_and_closes(
    serve: Serve, enter: Enter, tmp_path: Path
) -> None:
    old, new = await two(serve, tmp_path)
    ada = await enter(old, "blue")
    found = {"fly-replay-src": source("m2", "blue", Word.HELD, 1), "fly-preferred-instance-unavailable": "m1"}
    await enter(new, "blue", headers=found)
    op = await ada.operate("say", text="said to a machine that has lost the room")
    moved = await ada.hear("moved")
    assert not [message for message in ada.heard if message["t"] == "stored" and message["seq"] > 1]
    assert op == 1
    assert (moved["machine"], moved["region"]) == ("m2", "iad")
    with pytest.raises(ConnectionClosed) as closed:
        await ada.hear("anything")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4001
    status, headers, _ = await handshake(old, "blue")
    assert (status, parse_replay(headers["fly-replay"]).prefer_instance) == (409, "m2")


async def test_a_room_is_created_where_it_is_wished(serve: Serve, tmp_path: Path) -> None:
    served = await serve("m1", "ams", ROOMS_URL=tmp_path.as_uri())
    async with httpx.AsyncClient(base_url=served.address) as client:
        away = await client.put("/api/rooms/blue?region=nrt")
        asked = parse_replay(away.headers["fly-replay"])
        assert (asked.regions, asked.timeout, asked.fallback) == (("nrt",), 15.0, "force_self")
        failed = {"fly-replay-failed": "app=rooms;region=nrt;replay_source=m1;reason=no_candidate;elapsed_ms=12"}
        back = await client.put("/api/rooms/blue?region=nrt", headers=failed)
        assert (back.status_code, back.text) == (
            503,
            "no machine of rooms in region nrt could be reached (no_candidate)\n",
        )
        here = await client.put("/api/rooms/blue?region=ams")
        assert (here.status_code, here.json()["region"], here.json()["epoch"]) == (201, "ams", 1)
        again = await client.put("/api/rooms/blue")
        assert (again.status_code, again.text) == (409, "room blue exists already, in ams\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_leaves_cleanly_when_told_to(serve: Serve, enter: Enter, number: int) -> None:
    served = await serve("m1", "ams")
    ada = await enter(served, "blue")
    leaving = asyncio.create_task(served.stop(number))
    assert (await ada.hear("closing"))["why"]
    with pytest.raises(ConnectionClosed) as closed:
        await ada.hear("anything")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001
    async with asyncio.timeout(4):
        assert await leaving == 0


async def test_it_leaves_in_time_although_a_member_never_reads(serve: Serve, enter: Enter) -> None:
    served = await serve("m1", "ams")
    ada = await enter(served, "blue")
    ada.socket.transport.pause_reading()
    async with asyncio.timeout(5):
        assert await served.stop() == 0


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({"PORT": "many"}, "PORT must be a whole number from 0 to 65535, not 'many'"),
        ({"ROOMS_URL": "ftp://x"}, "ROOMS_URL must be memory:///, file:///… or s3://…, not 'ftp://x'"),
        ({"LIMIT_MEMBERS": "0"}, "LIMIT_MEMBERS must be a whole number from 1 to 65535, not '0'"),
        (
            {"ROOM_ORIGINS": "https://friend.example, friend.example"},
            "ROOM_ORIGINS must be origins such as https://example.org, separated by commas: cannot read origin"
            " 'friend.example': use scheme://host or scheme://host:port, or null",
        ),
        ({"FLY_MACHINE_ID": "m1"}, "FLY_MACHINE_ID is set, so FLY_APP_NAME, FLY_REGION, PORT must be set too"),
    ],
)
async def test_a_bad_setting_is_one_clear_sentence(env: dict[str, str], sentence: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", cwd=ROOT, env=env, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert errors.decode() == f"room server: {sentence}\n"


async def test_a_port_in_use_is_one_clear_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app", cwd=ROOT, env={"PORT": str(port)}, stderr=asyncio.subprocess.PIPE
        )
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert errors.decode() == f"room server: cannot listen on 127.0.0.1:{port}: address already in use\n"


async def test_pages_answer_with_a_strict_policy_and_only_known_files(serve: Serve) -> None:
    served = await serve()
    async with httpx.AsyncClient(base_url=served.address) as client:
        lobby = await client.get("/")
        assert lobby.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'; script-src 'self'" in lobby.headers["content-security-policy"]
        again = await client.get("/", headers={"If-None-Match": lobby.headers["etag"]})
        assert again.status_code == 304
        assert (await client.get("/static/%2e%2e%2fconfig.py")).status_code == 404
        assert (await client.get("/rooms/Not_A_Room")).status_code == 400
        assert (await client.get("/healthz")).json() == {"alive": True, "ready": True, "why": ""}
        assert (await client.get("/healthz/alive")).json() == {"alive": True}
        answered = (await client.get("/api/where")).json()["answered_by"]
    assert (answered["machine"], answered["region"], answered["app"]) == ("local", "local", "rooms")
    assert list(answered["boot"]) == ["spawned", "python", "imported", "listening", "pages"]
    assert answered["boot"]["pages"] <= answered["now"] <= time.time()


async def test_a_room_tells_programs_who_is_in_it_and_how_they_came_to_know(serve: Serve, enter: Enter) -> None:
    served = await serve("m1", "ams")
    async with httpx.AsyncClient(base_url=served.address) as client:
        unknown = await client.get("/api/rooms/blue")
        assert (unknown.status_code, unknown.text) == (404, "there is no room blue; open /rooms/blue to make it\n")
        ada = await enter(served, "blue", name="Ada")
        await ada.operate("say", text="one")
        await ada.stored(2)
        room = (await client.get("/api/rooms/blue", headers={"fly-region": "nrt"})).json()
    assert (room["machine"], room["region"], room["epoch"], room["awake"]) == ("m1", "ams", 1, True)
    assert (room["seq"], room["stored"], [member["name"] for member in room["people"]]) == (2, 2, ["Ada"])
    assert (room["path"]["edge"], room["answered_by"]["connections"]) == ("nrt", 1)


async def test_a_store_that_does_not_answer_is_said_and_outlived(serve: Serve, enter: Enter, tmp_path: Path) -> None:
    served = await serve("m1", "ams", ROOMS_URL=(tmp_path / "store").as_uri(), ROOMS_SECRET=SECRET)
    (tmp_path / "store" / "rooms").write_text("a file where a folder should be")
    status, headers, _ = await handshake(served, "blue")
    # Another machine may be able to: the visitor is passed on, and refused when that came back.
    assert (status, "fly-replay" in headers) == (409, True)
    failed = "app=rooms;region=ams;replay_source=m1;reason=no_candidate;elapsed_ms=12"
    status, headers, body = await handshake(served, "blue", fly_replay_failed=failed)
    assert (status, "fly-replay" in headers) == (503, False)
    assert body.strip()
    async with httpx.AsyncClient(base_url=served.address) as client:
        assert (await client.post("/api/where")).text == "this address cannot do that\n"
        assert (await client.get("/nowhere")).text == "there is nothing at this address\n"
    (tmp_path / "store" / "rooms").unlink()
    assert (await enter(served, "blue")).welcome["epoch"] == 1


async def test_a_page_of_another_site_may_not_open_a_room(serve: Serve) -> None:
    served = await serve(ROOM_ORIGINS="https://friend.example")
    assert (await handshake(served, "blue", origin="https://evil.example"))[0] == 403
    assert (await handshake(served, "blue", origin=f"http://127.0.0.1:{served.port}"))[0] == 101
    assert (await handshake(served, "blue", origin="https://friend.example"))[0] == 101
    assert (await handshake(served, "blue", origin="null"))[0] == 403
    # Behind the proxy, which ends TLS, our own pages have another scheme than the request.
    ours = f"https://127.0.0.1:{served.port}"
    status, _, body = await handshake(served, "blue", origin=ours)
    assert (status, body) == (403, f"pages of {ours} may not open rooms here; ROOM_ORIGINS can name it\n")
    assert (await handshake(served, "blue", origin=ours, x_forwarded_proto="https"))[0] == 101
    async with httpx.AsyncClient(base_url=served.address) as client:
        refused = await client.put("/api/rooms/blue", headers={"Origin": "https://evil.example"})
    assert refused.status_code == 403


async def test_names_that_nobody_used_before_are_not_opened_without_end(serve: Serve) -> None:
    served = await serve(LIMIT_NEW_ROOMS_BURST="3", LIMIT_NEW_ROOMS_PER_SECOND="1")
    answers = await asyncio.gather(*(handshake(served, f"room-{n}") for n in range(50)))
    refused = [(headers["x-rooms-reason"], headers["retry-after"]) for status, headers, _ in answers if status != 101]
    assert 40 <= len(refused) <= 47
    assert set(refused) == {("busy", "1")}


@pytest.mark.parametrize("request_line", ["GET / HTTP/1.1\r\n", UPGRADE.partition("\r\n")[0] + "\r\n"])
async def test_an_endless_head_is_refused_and_others_are_served(serve: Serve, request_line: str) -> None:
    served = await serve()
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    async with asyncio.timeout(DEADLINE):
        writer.write(request_line.format(room="blue").encode() + b"cookie: ")
        with suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"x" * 10_000)
                await writer.drain()
                await asyncio.sleep(0)
    writer.close()
    async with httpx.AsyncClient(base_url=served.address) as client:
        assert (await client.get("/healthz/alive", headers={"x-large": "y" * 60_000})).status_code == 200
