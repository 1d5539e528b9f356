"""The room server as a process of its own, with real sockets: who answers, who is replayed, how it starts and ends."""

import asyncio
import signal
import socket
import sys
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

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


def source(machine: str, state: str) -> str:
    return f"instance={machine};region=ams;t=1790000000000000;state={state}"


async def test_a_visitor_of_the_wrong_machine_is_answered_with_a_replay_before_the_upgrade(
    serve: Serve, enter: Enter, tmp_path: Path
) -> None:
    store = tmp_path.as_uri()
    ams, iad = await asyncio.gather(serve("m1", "ams", ROOMS_URL=store), serve("m2", "iad", ROOMS_URL=store))
    ada = await enter(ams, "blue")
    assert (ada.welcome["machine"], ada.welcome["epoch"]) == ("m1", 1)

    status, headers, body = await handshake(iad, "blue")
    assert status == 409
    assert headers["fly-replay"] == "prefer_instance=m1;state=blue@1"
    assert "sec-websocket-accept" not in headers
    assert "fly-replay" in body

    async with httpx.AsyncClient(base_url=iad.address) as client:
        for path in ("/rooms/blue", "/api/rooms/blue"):
            assert (await client.get(path)).headers["fly-replay"] == "prefer_instance=m1;state=blue@1"
        listed = (await client.get("/api/rooms")).json()["rooms"]
    assert [(room["room"], room["machine"], room["region"]) for room in listed] == [("blue", "m1", "ams")]


async def test_a_replayed_visitor_is_accepted_by_the_owner_and_told_how_it_came(serve: Serve, enter: Enter) -> None:
    served = await serve("m1", "ams")
    headers = {"fly-replay-src": source("m2", "blue@1"), "fly-region": "nrt", "fly-request-id": "01ABC-nrt"}
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
    store = tmp_path.as_uri()
    gone = await serve("m1", "ams", ROOMS_URL=store)
    await enter(gone, "blue")
    await gone.stop()
    heir = await serve("m2", "iad", ROOMS_URL=store)
    found = {"fly-replay-src": source("m2", "blue@1"), "fly-preferred-instance-unavailable": "m1"}
    ada = await enter(heir, "blue", headers=found)
    assert (ada.welcome["machine"], ada.welcome["region"], ada.welcome["epoch"]) == ("m2", "iad", 2)


async def test_a_stray_replay_is_refused_instead_of_going_round(serve: Serve, enter: Enter, tmp_path: Path) -> None:
    store = tmp_path.as_uri()
    ams, iad = await asyncio.gather(serve("m1", "ams", ROOMS_URL=store), serve("m2", "iad", ROOMS_URL=store))
    await enter(ams, "blue")
    status, headers, body = await handshake(iad, "blue", fly_replay_src=source("m1", "blue@1"))
    assert status == 503
    assert "fly-replay" not in headers
    assert "room blue lives on machine m1" in body


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
    store = tmp_path.as_uri()
    old, new = await asyncio.gather(serve("m1", "ams", ROOMS_URL=store), serve("m2", "iad", ROOMS_URL=store))
    ada = await enter(old, "blue")
    found = {"fly-replay-src": source("m2", "blue@1"), "fly-preferred-instance-unavailable": "m1"}
    await enter(new, "blue", headers=found)
    status, headers, _ = await handshake(old, "blue")
    assert (status, headers["fly-replay"]) == (409, "prefer_instance=m2;state=blue@2")
    moved = await ada.hear("moved")
    assert (moved["machine"], moved["region"]) == ("m2", "iad")
    with pytest.raises(ConnectionClosed) as closed:
        await ada.hear("anything")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4001


async def test_a_room_is_created_where_it_is_wished(serve: Serve, tmp_path: Path) -> None:
    served = await serve("m1", "ams", ROOMS_URL=tmp_path.as_uri())
    async with httpx.AsyncClient(base_url=served.address) as client:
        away = await client.put("/api/rooms/blue?region=nrt")
        assert away.headers["fly-replay"] == "region=nrt;timeout=15s;fallback=force_self;state=blue@0"
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
        ({"LIMIT_MEMBERS": "0"}, "LIMIT_MEMBERS must be a whole number from 1 to 1000000000, not '0'"),
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
        assert (await client.get("/healthz")).json() == {"alive": True, "ready": True}
        answered = (await client.get("/api/where")).json()["answered_by"]
    assert (answered["machine"], answered["region"], answered["app"]) == ("local", "local", "rooms")
    assert list(answered["boot"]) == ["spawned", "python", "imported", "listening"]


async def test_a_room_tells_programs_who_is_in_it_and_how_they_came_to_know(serve: Serve, enter: Enter) -> None:
    served = await serve("m1", "ams")
    async with httpx.AsyncClient(base_url=served.address) as client:
        unknown = await client.get("/api/rooms/blue")
        assert (unknown.status_code, unknown.text) == (404, "there is no room blue; open /rooms/blue to make it\n")
        ada = await enter(served, "blue", name="Ada")
        await ada.send("say", op="a1", text="one")
        await ada.hear("stored")
        room = (await client.get("/api/rooms/blue", headers={"fly-region": "nrt"})).json()
    assert (room["machine"], room["region"], room["epoch"], room["awake"]) == ("m1", "ams", 1, True)
    assert (room["seq"], room["stored"], [member["name"] for member in room["people"]]) == (1, 1, ["Ada"])
    assert (room["path"]["edge"], room["answered_by"]["connections"]) == ("nrt", 1)


async def test_a_directory_that_does_not_answer_is_said_and_outlived(
    serve: Serve, enter: Enter, tmp_path: Path
) -> None:
    served = await serve("m1", "ams", ROOMS_URL=(tmp_path / "store").as_uri())
    (tmp_path / "store" / "rooms").write_text("a file where a folder should be")
    status, _, body = await handshake(served, "blue")
    assert status == 503
    assert body.startswith("the room directory file://")
    async with httpx.AsyncClient(base_url=served.address) as client:
        assert (await client.put("/api/rooms/blue")).status_code == 503
        assert (await client.post("/api/rooms")).text == "this address cannot do that\n"
        assert (await client.get("/nowhere")).text == "there is nothing at this address\n"
    (tmp_path / "store" / "rooms").unlink()
    assert (await enter(served, "blue")).welcome["epoch"] == 1


async def test_a_page_of_another_site_may_not_open_a_room(serve: Serve) -> None:
    served = await serve(ROOM_ORIGINS="https://friend.example")
    assert (await handshake(served, "blue", origin="https://evil.example"))[0] == 403
    assert (await handshake(served, "blue", origin=f"http://127.0.0.1:{served.port}"))[0] == 101
    assert (await handshake(served, "blue", origin="https://friend.example"))[0] == 101
    async with httpx.AsyncClient(base_url=served.address) as client:
        refused = await client.put("/api/rooms/blue", headers={"Origin": "https://evil.example"})
    assert refused.status_code == 403
