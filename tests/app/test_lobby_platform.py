"""A lobby on a running platform: before the Machines API alone, and as an app of its own in front of the rooms."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

from app.arrival import Arrival
from app.config import Pool, Settings
from app.layout import hint_key
from app.lobby import Lobby
from app.machines import Machines
from app.onward import Onward, ReplayTo
from app.ownership import Hint, Place
from app.signing import Keys, Signer, Word
from app.store import Store, open_store
from flylab.client import Client
from flylab.kit.configs import room, router
from flylab.kit.platform import Platform
from flylab.wire.machine import MachineState
from flylab.wire.runtime import Runtime

REGIONS = ("ams", "iad", "nrt")
SECRET = "a secret of at least sixteen"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    platform = Platform(regions=REGIONS, latency="off", log=tmp_path_factory.mktemp("platform") / "up.log")
    yield platform
    platform.stop()


@pytest.fixture
async def platform(shared: Platform, nothing_left: None) -> AsyncIterator[Platform]:
    """The module's platform, without any app before and after the test."""
    yield shared
    async with Client(shared.address.api, shared.address.token) as api:
        for app in await api.apps(shared.address.org):
            await api.delete_app(app.name, force=True)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store((tmp_path / "rooms").as_uri())


@asynccontextmanager
async def lobbies(platform: Platform, store: Store, *names: str, **pool: int) -> AsyncIterator[list[Lobby]]:
    address = platform.address
    found = [
        Lobby(
            Settings(
                rooms_app="rooms",
                regions=REGIONS,
                pool=Pool(token=address.token, hostname=address.api, **pool),  # type: ignore[arg-type]
                runtime=Runtime(app="front", machine_id=name, region="ams"),
            ),
            store,
            Keys(store, SECRET),
        )
        for name in names
    ]
    yield found
    for lobby in found:
        await lobby.close()


def target_of(outcome: Onward) -> str | None:
    assert isinstance(outcome, ReplayTo), outcome
    assert outcome.replay.app == "rooms"
    return outcome.replay.prefer_instance


async def test_two_lobbies_make_one_machine_like_the_one_that_is_there(platform: Platform, store: Store) -> None:
    async with Client(platform.address.api, platform.address.token) as api:
        await api.create_app("rooms")
        model = await api.create_machine("rooms", router("local"), region="nrt")
        await api.wait("rooms", model.id)
        async with lobbies(platform, store, "f1", "f2", most_per_region=1) as (one, other):
            visitor = Arrival(edge="ams")
            both = await asyncio.gather(one.route("blue", visitor), other.route("red", visitor))
            made = {target_of(outcome) for outcome in both}
            assert len(made) == 1
            machine = await api.machine("rooms", str(made.pop()))
            assert (machine.name, machine.region, machine.state) == ("rooms-ams-1", "ams", MachineState.STARTED)
            assert machine.config.services == model.config.services
            assert machine.config.init == model.config.init
            # The next one, at a lobby that starts just now, finds it; a stopped one is as good.
            await api.stop("rooms", machine.id)
            await api.wait("rooms", machine.id, "stopped")
            async with lobbies(platform, store, "f3", most_per_region=1) as (third,):
                assert target_of(await third.route("green", visitor)) == machine.id
            assert len(await api.machines("rooms")) == 2


async def test_a_room_is_made_in_the_region_that_was_wished_for(platform: Platform, store: Store) -> None:
    async with Client(platform.address.api, platform.address.token) as api:
        await api.create_app("rooms")
        await api.create_machine("rooms", router("local"), region="ams")
        async with lobbies(platform, store, "f1") as (lobby,):
            made = target_of(await lobby.create("blue", "nrt", Arrival(edge="ams")))
            assert (await api.machine("rooms", str(made))).region == "nrt"


async def test_with_the_api_gone_existing_rooms_are_found_and_new_ones_placed(
    store: Store, tmp_path: Path, nothing_left: None
) -> None:
    platform = Platform(regions=REGIONS, latency="off", log=tmp_path / "up.log")
    place = Place(machine="m1", region="iad", app="rooms")
    known = Hint(room="blue", epoch=3, place=place, at=0.0, awake=True)
    await store.put(hint_key("blue"), known.to_json().encode())
    platform.stop()
    async with lobbies(platform, store, "f1") as (lobby,):
        assert target_of(await lobby.route("blue", Arrival(edge="ams"))) == "m1"
        placed = await lobby.route("red", Arrival(edge="iad"))
        assert isinstance(placed, ReplayTo)
        assert placed.replay.regions == ("iad", "ams", "nrt", "any")
        state = Signer(SECRET.encode()).read(placed.replay.state, room="red").state
        assert state is not None
        assert (state.word, state.epoch) == (Word.FREE, 0)


@dataclass
class Member:
    """Somebody in a room, who knows the welcome and what was said."""

    socket: ClientConnection
    welcome: dict[str, Any]
    said: list[str]

    async def until(self, kind: str) -> dict[str, Any]:
        """The next message of that kind; lines of chat on the way are kept."""
        while True:
            for message in json.loads(await self.socket.recv()):
                if message["t"] == "said":
                    self.said.append(message["text"])
                if message["t"] == "state":
                    self.said += [line["text"] for line in message["chat"]]
                if message["t"] == kind:
                    return message  # type: ignore[no-any-return]

    async def say(self, text: str) -> None:
        """Say it, and return when it is stored."""
        await self.socket.send(json.dumps({"t": "say", "op": 1, "text": text}))
        while text not in self.said:
            await self.until("said")
        await self.until("stored")


class Town:
    """Two apps on one platform: lobbies in ams and iad, and rooms where they were made."""

    def __init__(self, platform: Platform, api: Client, store: Store) -> None:
        self.api = api
        self.store = store
        self.refusals: list[Response] = []
        self._edges = platform.address.edges

    @asynccontextmanager
    async def enter(self, room: str, edge: str, *, tries: int = 1) -> AsyncIterator[Member]:
        """Come into the room through an edge, as a page does that reconnects a few times."""
        url = httpx.URL(self._edges[edge])
        address = f"ws://front.fly.dev/rooms/{room}/ws"
        while True:
            try:
                socket = await connect(address, proxy=None, host=url.host, port=url.port, open_timeout=30)
                break
            except InvalidStatus as exc:
                tries -= 1
                self.refusals.append(exc.response)
                if not tries:
                    raise
        async with socket:
            hello = {"t": "hello", "v": 2, "key": secrets.token_urlsafe(18), "client": secrets.token_hex(4)}
            await socket.send(json.dumps(hello | {"name": f"visitor of {edge}"}))
            member = Member(socket, {}, [])
            member.welcome = await member.until("welcome")
            if member.welcome["parts"] and not member.said:
                await member.until("state")
            yield member

    async def ask(self, method: str, path: str, edge: str = "ams") -> httpx.Response:
        async with httpx.AsyncClient(base_url=self._edges[edge], trust_env=False, timeout=30) as client:
            return await client.request(method, path, headers={"host": "front.fly.dev"})

    async def rooms(self) -> dict[str, str]:
        """The machines of the rooms app: name and region."""
        return {machine.name: machine.region for machine in await self.api.machines("rooms")}


@asynccontextmanager
async def open_town(
    platform: Platform, store: Store, folder: Path, *, token: bool = True, **limits: str
) -> AsyncIterator[Town]:
    """Lobbies that may make machines, or, without a token, only know what the proxy finds."""
    url, address = folder.as_uri(), platform.address
    held = room("local", url, ROOMS_APP="rooms", SLEEP_SECONDS="1", **limits)
    extra = {"FLY_API_TOKEN": address.token, "FLY_API_HOSTNAME": address.api} if token else {}
    front = room("local", url, ROOMS_APP="rooms", ROOM_MACHINE=json.dumps(held.to_json()), **extra)
    async with Client(address.api, address.token) as api:
        await api.create_app("front")
        await api.create_app("rooms")
        for region in ("ams", "iad"):
            lobby = await api.create_machine("front", front, region=region)
            await Machines(api, "front").started(lobby.id)
        if not token:
            for region in ("iad", "nrt"):
                await Machines(api, "rooms").started((await api.create_machine("rooms", held, region=region)).id)
        yield Town(platform, api, store)


@pytest.fixture
async def town(platform: Platform, store: Store, tmp_path: Path) -> AsyncIterator[Town]:
    async with open_town(platform, store, tmp_path / "rooms") as town:
        yield town


async def test_a_room_is_made_near_its_first_visitor_and_found_from_everywhere(town: Town) -> None:
    async with town.enter("blue", "ams") as first, town.enter("blue", "nrt") as second:
        assert first.welcome["region"] == second.welcome["region"] == "ams"
        assert first.welcome["machine"] == second.welcome["machine"]
        assert first.welcome["epoch"] == second.welcome["epoch"] == 1
        assert await town.rooms() == {"rooms-ams-1": "ams"}
        async with town.enter("red", "nrt") as third:
            assert third.welcome["region"] == "nrt"
        assert await town.rooms() == {"rooms-ams-1": "ams", "rooms-nrt-1": "nrt"}


async def test_looking_makes_nothing(town: Town) -> None:
    assert (await town.ask("GET", "/rooms/blue")).status_code == 200
    assert (await town.ask("GET", "/api/rooms/blue")).status_code == 404
    assert await town.rooms() == {}
    assert await town.store.keys("rooms/blue/") == []


async def test_a_room_goes_on_after_its_machine_and_a_lobby_are_gone(town: Town) -> None:
    async with town.enter("blue", "ams") as first:
        await first.say("kept")
        for lobby in await town.api.machines("front"):
            if lobby.region == "ams":
                await town.api.destroy("front", lobby.id, force=True)
        await town.api.destroy("rooms", first.welcome["machine"], force=True)
        await town.api.wait("rooms", first.welcome["machine"], "destroyed")
    # Nobody can be reached: the lobby notes it, and the next request is placed anew, on a machine that it makes.
    async with town.enter("blue", "iad", tries=3) as second:
        assert second.said == ["kept"]
        assert second.welcome["epoch"] == 2
        assert second.welcome["region"] == "iad"
    assert [refusal.status_code for refusal in town.refusals] == [503]
    assert town.refusals[0].headers["X-Rooms-Reason"] == "unreachable"
    assert town.refusals[0].headers["Retry-After"]


async def test_a_room_is_taken_over_where_the_proxy_finds_another_machine(
    platform: Platform, store: Store, tmp_path: Path
) -> None:
    async with open_town(platform, store, tmp_path / "rooms", SETTLE_SECONDS="0") as town:
        async with town.enter("blue", "ams") as first, town.enter("red", "nrt"):
            await first.say("kept")
            await town.api.destroy("rooms", first.welcome["machine"], force=True)
            await town.api.wait("rooms", first.welcome["machine"], "destroyed")
            async with town.enter("blue", "ams", tries=3) as second:
                assert (second.said, second.welcome["epoch"], second.welcome["region"]) == (["kept"], 2, "nrt")
        assert await town.rooms() == {"rooms-nrt-1": "nrt"}  # there was no need to make another one


async def test_a_full_machine_sends_its_visitors_back_and_another_one_is_made(
    platform: Platform, store: Store, tmp_path: Path
) -> None:
    async with (
        open_town(platform, store, tmp_path / "rooms", LIMIT_ROOMS="1") as town,
        town.enter("blue", "ams") as first,
        town.enter("red", "ams") as second,
    ):
        assert first.welcome["machine"] != second.welcome["machine"]
        assert await town.rooms() == {"rooms-ams-1": "ams", "rooms-ams-2": "ams"}


async def test_without_the_machines_api_rooms_are_made_and_found_all_the_same(
    platform: Platform, store: Store, tmp_path: Path
) -> None:
    async with open_town(platform, store, tmp_path / "rooms", token=False) as town:
        async with town.enter("blue", "nrt") as first, town.enter("blue", "ams") as second:
            assert first.welcome["region"] == "nrt"
            assert second.welcome["machine"] == first.welcome["machine"]
        assert len(await town.rooms()) == 2


async def test_a_room_moves_where_it_is_told_to(town: Town) -> None:
    async with town.enter("blue", "ams") as first:
        await first.say("kept")
        moved = await town.ask("POST", "/api/rooms/blue/move?region=nrt")
        assert moved.status_code == 200, moved.text
    async with town.enter("blue", "ams") as again:
        assert (again.welcome["region"], again.welcome["epoch"], again.said) == ("nrt", 2, ["kept"])


async def test_a_private_room_is_made_where_it_is_wished(town: Town) -> None:
    made = await town.ask("POST", "/api/rooms?region=nrt")
    assert made.status_code == 201, made.text
    assert made.json()["region"] == "nrt"
    assert made.json()["edit"] != made.json()["view"]
    named = await town.ask("PUT", "/api/rooms/blue?region=iad")
    assert (named.status_code, named.json()["region"]) == (201, "iad")
    assert (await town.ask("PUT", "/api/rooms/blue?region=iad")).status_code == 409
