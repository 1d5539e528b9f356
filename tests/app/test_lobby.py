"""The lobby over a real store: hints, failures that it notes, a store or an API that is away, killed lobbies."""

import json
from pathlib import Path

import pytest

from app.arrival import Arrival, read_arrival
from app.config import Pool, Settings
from app.fleet import Fleet, FleetDown
from app.layout import hint_key
from app.lobby import EXPECTED_BACK, Lobby, parse_machine
from app.onward import MOST_AGAIN, Onward, Redirect, Refuse, ReplayTo
from app.ownership import Hint, Place
from app.placement import Tell
from app.signing import MOST_REPLAYS, Keys, Signer, State, Word
from app.store import Store, StoreError, open_store
from flylab.errors import UsageError
from flylab.wire.config import MachineConfig
from flylab.wire.machine import Machine, MachineState
from flylab.wire.replay import FailureReason, Fallback, ReplayFailure, format_failure
from flylab.wire.runtime import Runtime
from flylab.wire.services import Port, Service

SECRET = "a secret of at least sixteen"
SIGNER = Signer(SECRET.encode())
WEB = Service(internal_port=8080, ports=(Port(port=443, handlers=("http",)),), autostart=True)
CONFIG = MachineConfig(image="rooms:1", services=(WEB,))
STRANGER = Arrival(edge="lhr")


def a_machine(name: str, region: str, state: MachineState = MachineState.STARTED) -> Machine:
    return Machine(id=name, name=name, region=region, state=state, config=CONFIG)


class Yard:
    """A fleet of fixed machines that counts how often it is asked."""

    def __init__(self, *machines: Machine, down: bool = False) -> None:
        self.there = list(machines)
        self.down = down
        self.asked = 0

    async def machines(self) -> list[Machine]:
        self.asked += 1
        if self.down:
            raise FleetDown("the Machines API does not answer")
        return self.there

    async def make(self, name: str, region: str, config: MachineConfig) -> str:
        self.there = [*self.there, a_machine(name, region)]
        return name

    async def started(self, machine: str) -> None:
        assert machine in {there.id for there in self.there}

    async def close(self) -> None:
        pass


class Shut:
    """A store that does not answer."""

    shared = True

    async def get(self, key: str) -> bytes | None:
        raise StoreError("the store does not answer")

    put = create = keys = delete = get


class Watch:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def a_lobby(
    store: Store, yard: Yard | None = None, *, regions: tuple[str, ...] = ("ams", "iad"), now: Watch | None = None
) -> Lobby:
    settings = Settings(
        rooms_app="rooms",
        regions=regions,
        pool=Pool(most_per_region=2),
        runtime=Runtime(app="front", machine_id="f1", region="ams"),
    )

    async def opened() -> Fleet:
        assert yard is not None
        return yard

    return Lobby(settings, store, Keys(store, SECRET), fleet=opened if yard else None, now=now or Watch())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path.as_uri())


def hint(epoch: int = 3, machine: str = "m2", *, awake: bool = True, to: str = "") -> Hint:
    return Hint(
        room="blue", epoch=epoch, place=Place(machine=machine, region="iad", app="rooms"), at=0.0, awake=awake, to=to
    )


async def put(store: Store, said: Hint) -> None:
    await store.put(hint_key("blue"), said.to_json().encode())


def came_back(instance: str | None, method: str = "", again: int = 0) -> Arrival:
    failure = ReplayFailure(
        instance=instance,
        app="rooms",
        region=None,
        replay_source="f1",
        reason=FailureReason.TIMEOUT,
        elapsed_ms=15_000,
    )
    target = f"/rooms/blue?k=a{f'&again={again}' if again else ''}"
    return read_arrival({"fly-replay-failed": format_failure(failure)}, room="blue", method=method, target=target)


def state_of(outcome: object) -> State:
    assert isinstance(outcome, ReplayTo), outcome
    assert (outcome.replay.app, outcome.replay.fallback) == ("rooms", Fallback.FORCE_SELF)
    assert outcome.replay.timeout is not None
    state = SIGNER.read(outcome.replay.state, room="blue").state
    assert state is not None
    assert state.lobby == "front"
    return state


def target_of(outcome: Onward) -> str | None:
    assert isinstance(outcome, ReplayTo), outcome
    return outcome.replay.prefer_instance


async def test_an_existing_room_is_found_without_the_machines_api(store: Store) -> None:
    await put(store, hint())
    yard = Yard(down=True)
    for lobby in (a_lobby(store, yard), a_lobby(store)):
        found = await lobby.route("blue", STRANGER)
        assert target_of(found) == "m2"
        assert (state_of(found).word, state_of(found).epoch) == (Word.HINT, 3)
    assert yard.asked == 0


async def test_a_new_room_goes_to_a_machine_near_the_visitor(store: Store) -> None:
    yard = Yard(a_machine("m1", "iad"), a_machine("m2", "ams", MachineState.STOPPED))
    found = await a_lobby(store, yard).route("blue", STRANGER)
    assert target_of(found) == "m2"
    assert (state_of(found).word, state_of(found).epoch) == (Word.FREE, 0)
    assert await a_lobby(store).hint("blue") is None  # the machine that takes it writes the hint


async def test_a_released_room_is_placed_anew_where_its_visitor_is_or_where_it_is_to_go(store: Store) -> None:
    yard = Yard(a_machine("m1", "iad"), a_machine("m2", "ams"))
    await put(store, hint(awake=False))
    assert target_of(await a_lobby(store, yard).route("blue", STRANGER)) == "m2"
    await put(store, hint(awake=False, to="iad"))
    moved = await a_lobby(store, yard).route("blue", STRANGER)
    assert target_of(moved) == "m1"
    assert (state_of(moved).word, state_of(moved).epoch) == (Word.FREE, 3)


async def test_with_the_api_away_a_new_room_goes_where_the_proxy_finds_a_machine(store: Store) -> None:
    found = await a_lobby(store, Yard(down=True)).route("blue", STRANGER)
    assert isinstance(found, ReplayTo)
    assert found.replay.regions == ("ams", "iad", "any")
    assert state_of(found).word is Word.FREE
    unlisted = await a_lobby(store, regions=()).route("blue", STRANGER)
    assert isinstance(unlisted, ReplayTo)
    assert (unlisted.replay.regions[0], unlisted.replay.regions[-1]) == ("lhr", "any")


async def test_a_hint_that_cannot_be_read_is_none(store: Store) -> None:
    yard = Yard(a_machine("m1", "ams"))
    await store.put(hint_key("blue"), b"not a hint")
    assert target_of(await a_lobby(store, yard).route("blue", STRANGER)) == "m1"
    assert target_of(await a_lobby(Shut(), yard).route("blue", STRANGER)) == "m1"  # type: ignore[arg-type]


async def test_a_holder_that_could_not_be_reached_is_noted_for_every_lobby(store: Store) -> None:
    yard = Yard(a_machine("m1", "ams"), a_machine("m2", "iad"))
    await put(store, hint())
    lobby = a_lobby(store, yard)
    assert target_of(await lobby.route("blue", STRANGER)) == "m2"
    refused = await lobby.route("blue", came_back("m2"))
    assert isinstance(refused, Refuse)
    assert (refused.status, refused.reason) == (503, "unreachable")
    again = await a_lobby(store, yard).route("blue", STRANGER)  # the first lobby may be dead by now
    assert (target_of(again), state_of(again).word, state_of(again).epoch) == ("m1", Word.LOST, 3)


async def test_a_page_is_asked_for_again_and_then_placed_anew(store: Store) -> None:
    yard = Yard(a_machine("m1", "ams"))
    await put(store, hint())
    lobby = a_lobby(store, yard)
    await lobby.route("blue", STRANGER)
    found = await lobby.route("blue", came_back("m2", "GET"))
    assert isinstance(found, Redirect)
    assert found.location == "/rooms/blue?k=a&again=1"
    last = await lobby.route("blue", came_back("m2", "GET", MOST_AGAIN))
    assert isinstance(last, Refuse)


async def test_a_failure_that_we_did_not_ask_for_takes_no_room_from_its_holder(store: Store) -> None:
    await put(store, hint())
    watch = Watch()
    lobby = a_lobby(store, now=watch)
    await lobby.route("blue", came_back("m2"))
    assert await lobby.hint("blue") == hint()
    await lobby.route("blue", STRANGER)
    watch.now += EXPECTED_BACK + 1
    await lobby.route("blue", came_back("m2"))
    assert await lobby.hint("blue") == hint()


async def test_a_newer_holder_is_not_blamed_for_the_older_one(store: Store) -> None:
    await put(store, hint())
    lobby = a_lobby(store)
    await lobby.route("blue", STRANGER)
    await put(store, hint(4, "m7"))
    await lobby.route("blue", came_back("m2"))
    assert await lobby.hint("blue") == hint(4, "m7")


async def test_a_machine_that_turned_the_room_away_is_followed_by_another(store: Store) -> None:
    yard = Yard(a_machine("m1", "ams"), a_machine("m2", "iad"))
    lobby = a_lobby(store, yard)
    state = State(room="blue", word=Word.FREE, epoch=0, hops=2, tried=("m1",), lobby="front")
    found = await lobby.route("blue", Arrival(edge="lhr", state=state, hops=2))
    assert target_of(found) in ("m2", "rooms-ams-1")
    assert (state_of(found).tried, state_of(found).hops) == (("m1",), 3)


async def test_when_nobody_has_a_place_the_visitor_is_told(store: Store) -> None:
    tried = ("rooms-ams-1", "rooms-ams-2", "rooms-iad-1", "rooms-iad-2")
    lobby = a_lobby(store, Yard(*(a_machine(name, name.split("-")[1]) for name in tried)))
    state = State(room="blue", word=Word.FREE, epoch=0, hops=2, tried=tried, lobby="front")
    found = await lobby.route("blue", Arrival(edge="lhr", state=state, hops=2))
    assert isinstance(found, Refuse)
    assert (found.status, found.reason) == (503, "no-machine")


async def test_a_request_without_a_replay_left_has_nothing_made_for_it(store: Store) -> None:
    yard = Yard()
    found = await a_lobby(store, yard).route("blue", Arrival(edge="lhr", hops=MOST_REPLAYS))
    assert isinstance(found, Refuse)
    assert (yard.asked, yard.there) == (0, [])


async def test_a_room_is_made_where_it_is_wished_or_near(store: Store) -> None:
    yard = Yard(a_machine("m1", "ams"), a_machine("m2", "iad"))
    lobby = a_lobby(store, yard)
    assert target_of(await lobby.create("blue", "iad", STRANGER)) == "m2"
    assert target_of(await lobby.create("blue", "", STRANGER)) == "m1"
    await put(store, hint(awake=False))
    exists = await lobby.create("blue", "iad", STRANGER)
    assert isinstance(exists, Refuse)
    assert (exists.status, exists.reason) == (409, "exists")


async def test_a_room_that_could_not_be_made_is_said_to_be_so(store: Store) -> None:
    lobby = a_lobby(store, Yard(a_machine("m1", "ams")))
    await lobby.create("blue", "", STRANGER)
    found = await lobby.create("blue", "", came_back("m1", "PUT"))
    assert isinstance(found, Refuse)
    assert found.status == 503


async def test_looking_changes_nothing(store: Store) -> None:
    yard = Yard()
    lobby = a_lobby(store, yard)
    assert await lobby.look("blue", STRANGER) == Tell()
    assert await lobby.look("blue", came_back("m2", "GET")) == Tell()
    await put(store, hint())
    looked = await lobby.look("blue", STRANGER)
    assert isinstance(looked, ReplayTo)
    assert state_of(looked).word is Word.HINT
    assert await lobby.look("blue", came_back("m2", "GET")) == Tell()
    assert await lobby.look("blue", Arrival(hops=MOST_REPLAYS)) == Tell()
    assert await lobby.hint("blue") == hint()
    await put(store, hint(awake=False))
    assert await lobby.look("blue", STRANGER) == Tell()
    assert (yard.asked, yard.there) == (0, [])


async def test_without_the_secret_the_first_replay_still_goes_out(store: Store) -> None:
    class Keyless(Shut):
        async def get(self, key: str) -> bytes | None:
            if key.startswith("owners/"):
                return hint().to_json().encode()
            raise StoreError("the store does not answer")

    settings = Settings(rooms_app="rooms", runtime=Runtime(app="front", machine_id="f1", region="ams"))
    keyless = Keyless()
    lobby = Lobby(settings, keyless, Keys(keyless))  # type: ignore[arg-type]
    found = await lobby.route("blue", STRANGER)
    assert target_of(found) == "m2"
    assert isinstance(found, ReplayTo)
    assert found.replay.state is None


@pytest.mark.parametrize("text", ["{", "[]", '{"image": ""}', '{"image": "rooms:1"}', '{"image": 7, "services": []}'])
def test_a_configuration_that_makes_no_machine_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(UsageError, match="ROOM_MACHINE"):
        parse_machine(text)


def test_a_configuration_is_read_as_the_api_has_it() -> None:
    assert parse_machine(json.dumps(CONFIG.to_json())) == CONFIG
    assert parse_machine("") is None
