"""What somebody sees who watches a room server: counters, log lines, health, and how it sleeps and ends by itself."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.app.conftest import DEADLINE, Enter, Serve, Served
from tests.support import until


async def metrics(served: Served) -> dict[str, float]:
    """Every sample by its name and labels."""
    async with httpx.AsyncClient(base_url=served.address) as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation
        for sample in family.samples:
            labels = ",".join(sample.labels.values())
            found[f"{sample.name}[{labels}]" if labels else sample.name] = sample.value
    return found


async def lines(served: Served, event: str) -> dict[str, Any]:
    """The next line of the log about this event; every line on the way must be one object."""
    assert served.process.stdout is not None
    async with asyncio.timeout(DEADLINE):
        while True:
            line: dict[str, Any] = json.loads(await served.process.stdout.readline())
            assert {"at", "level", "event"} <= set(line)
            if line["event"] == event:
                return line


async def test_counters_follow_what_happens(serve: Serve, enter: Enter, tmp_path: Path) -> None:
    served = await serve("m1", "ams", ROOMS_URL=tmp_path.as_uri())
    before = await metrics(served)
    assert (before["rooms_held"], before["rooms_connections"], before["rooms_ready"]) == (0, 0, 1)
    ada, bob = await enter(served, "blue"), await enter(served, "red")
    for _ in range(3):
        await ada.operate("say", text="counted")
    await ada.stored(4)
    after = await metrics(served)
    assert (after["rooms_held"], after["rooms_members"], after["rooms_connections"]) == (2, 2, 2)
    assert (after["rooms_entries_total"], after["rooms_epochs_total[taken]"]) == (3, 2)
    assert after["rooms_store_calls_total[create]"] >= 3
    assert after.get("rooms_store_errors_total[create]", 0) == 0
    assert after["rooms_unstored_entries"] == 0
    assert after["rooms_cpu_seconds_total"] >= before["rooms_cpu_seconds_total"]
    await bob.socket.close()


async def test_the_log_tells_of_epochs_with_room_epoch_and_seq(serve: Serve, enter: Enter, tmp_path: Path) -> None:
    served = await serve("m1", "ams", ROOMS_URL=tmp_path.as_uri())
    await enter(served, "blue")
    began = await lines(served, "epoch begins")
    assert (began["room"], began["epoch"], began["seq"], began["why"]) == ("blue", 1, 1, "made")
    async with httpx.AsyncClient(base_url=served.address) as client:
        assert (await client.post("/api/rooms/blue/sleep")).status_code == 200
    ended = await lines(served, "epoch ends")
    assert (ended["room"], ended["epoch"], ended["seq"], ended["released"]) == ("blue", 1, 2, True)


async def test_health_tells_ready_from_alive(serve: Serve, enter: Enter, tmp_path: Path) -> None:
    served = await serve("m1", "ams", ROOMS_URL=(tmp_path / "store").as_uri())
    ada = await enter(served, "blue")
    async with httpx.AsyncClient(base_url=served.address) as client:
        assert (await client.get("/healthz")).status_code == 200
        (tmp_path / "store").rename(tmp_path / "away")
        (tmp_path / "store").write_text("a file where the folder was")
        await ada.operate("say", text="where shall this go?")

        async def unwell() -> httpx.Response | None:
            await ada.send("ping", n=1)
            await ada.hear("pong")
            answer = await client.get("/healthz")
            return answer if answer.status_code != 200 else None

        answer = await until(unwell, 2 * DEADLINE)
        assert (answer.status_code, answer.json()["alive"], answer.json()["why"]) == (
            503,
            True,
            "the object store does not answer",
        )
        assert (await client.get("/healthz/alive")).status_code == 200
        assert (await client.post("/healthz")).status_code == 405
        head = await client.head("/healthz")
        assert (head.status_code, head.content) == (503, b"")


async def test_an_empty_room_sleeps_and_a_machine_without_rooms_ends(
    serve: Serve, enter: Enter, tmp_path: Path
) -> None:
    served = await serve("m1", "ams", ROOMS_URL=tmp_path.as_uri(), SLEEP_SECONDS="1", IDLE_SECONDS="2")
    ada = await enter(served, "blue")
    await ada.operate("say", text="good night")
    await ada.stored(2)
    await ada.socket.close()
    ended = await lines(served, "epoch ends")
    assert ended["why"] == "empty"
    assert (await lines(served, "ending: nothing to do"))["seconds"] == 2
    async with asyncio.timeout(DEADLINE):
        assert await served.process.wait() == 0
    woken = await serve("m2", "nrt", ROOMS_URL=tmp_path.as_uri())
    async with httpx.AsyncClient(base_url=woken.address) as client:
        (room,) = (await client.get("/api/rooms")).json()["rooms"]
    assert (room["awake"], room["machine"]) == (False, "m1")
    bob = await enter(woken, "blue")
    assert (bob.welcome["epoch"], bob.welcome["region"]) == (2, "nrt")
    assert [said["text"] for said in (await bob.hear("state"))["chat"]] == ["good night"]


async def test_moving_and_sleeping_by_the_api_are_for_editors(serve: Serve, enter: Enter, tmp_path: Path) -> None:
    served = await serve("m1", "ams", ROOMS_URL=tmp_path.as_uri())
    async with httpx.AsyncClient(base_url=served.address) as client:
        assert (await client.post("/api/rooms/nowhere/move?region=nrt")).status_code == 404
        made = (await client.post("/api/rooms")).json()
        room = made["room"]
        view, edit = (made[role].partition("?k=")[2] for role in ("view", "edit"))
        assert (await client.post(f"/api/rooms/{room}/move?region=nrt")).status_code == 403
        assert (await client.post(f"/api/rooms/{room}/move?region=nrt&k={view}")).status_code == 403
        assert (await client.post(f"/api/rooms/{room}/move?k={edit}")).status_code == 400
        assert (await client.post(f"/api/rooms/{room}/move?region=ams&k={edit}")).status_code == 409
        foreign = {"Origin": "https://evil.example"}
        assert (await client.post(f"/api/rooms/{room}/sleep?k={edit}", headers=foreign)).status_code == 403
        ada = await enter(served, room, link=edit)
        moved = await client.post(f"/api/rooms/{room}/move?region=nrt&k={edit}")
        assert (moved.status_code, moved.json()["region"], moved.json()["awake"]) == (200, "nrt", False)
        assert (await ada.hear("moved"))["region"] == "nrt"


async def test_orders_by_the_api_are_obeyed_once_in_a_while(serve: Serve, enter: Enter, tmp_path: Path) -> None:
    served = await serve("m1", "ams", ROOMS_URL=tmp_path.as_uri(), ORDER_PAUSE_SECONDS="500")
    async with httpx.AsyncClient(base_url=served.address) as client:
        await enter(served, "blue")
        assert (await client.post("/api/rooms/blue/sleep")).status_code == 200
        assert (await client.post("/api/rooms/blue/sleep")).status_code == 200, "nobody is in it"
        await enter(served, "blue")
        for order in ("sleep", "move?region=nrt"):
            refused = await client.post(f"/api/rooms/blue/{order}")
            assert (refused.status_code, refused.headers["x-rooms-reason"]) == (429, "too-soon")
            left = int(refused.headers["retry-after"])
            assert 400 < left <= 500
            assert refused.text.endswith(f"can be done again in {left} s\n")
        made = (await client.post("/api/rooms")).json()
        room, edit = made["room"], made["edit"].partition("?k=")[2]
        for _ in range(3):
            await enter(served, room, link=edit)
            assert (await client.post(f"/api/rooms/{room}/sleep?k={edit}")).status_code == 200


async def test_a_link_that_was_taken_back_shows_nothing_of_a_room_that_sleeps(
    serve: Serve, enter: Enter, tmp_path: Path
) -> None:
    served = await serve("m1", "ams", ROOMS_URL=tmp_path.as_uri())
    async with httpx.AsyncClient(base_url=served.address) as client:
        made = (await client.post("/api/rooms")).json()
        address = f"/api/rooms/{made['room']}"
        edit, old = (made[role].partition("?k=")[2] for role in ("edit", "view"))
        ada = await enter(served, made["room"], link=edit)
        await ada.operate("share", revoke="view")
        fresh = (await ada.hear("linked"))["view"].partition("?k=")[2]
        hint = tmp_path / "owners" / made["room"]
        async with asyncio.timeout(DEADLINE):
            while b'"view":' not in hint.read_bytes():  # lobbies are told at once
                await ada.send("ping", n=1)
                await ada.hear("pong")
        assert (await client.post(f"{address}/sleep?k={edit}")).status_code == 200
        assert (await client.get(f"{address}?k={fresh}")).json()["awake"] is False
        stranger, holder = await client.get(address), await client.get(f"{address}?k={old}")
        assert (holder.status_code, holder.text, holder.headers["x-rooms-reason"]) == (403, stranger.text, "forbidden")
        assert stranger.text.startswith(f"room {made['room']} is private")


@pytest.mark.parametrize("path", ["/metrics", "/api/where"])
async def test_pages_are_served_while_rooms_are_busy(serve: Serve, enter: Enter, path: str) -> None:
    served = await serve()
    ada = await enter(served, "blue")
    for _ in range(50):
        await ada.operate("say", text="busy")
    async with httpx.AsyncClient(base_url=served.address) as client:
        assert (await client.get(path)).status_code == 200
    await ada.hear("said", op=50)
