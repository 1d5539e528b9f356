"""States and their secret: what was signed is believed for its room and a while, and nothing else is."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.signing import (
    LIFETIME,
    MOST_REPLAYS,
    REPLAYS_BEFORE_US,
    SECRET_KEY,
    SKEW,
    Keys,
    Reading,
    Signer,
    State,
    Word,
)
from flylab.errors import FlylabError
from flylab.wire.replay import Replay, ReplaySource, format_replay, format_source, parse_replay, parse_source

SECRET = b"a secret of at least sixteen"
STATE = State(room="blue", word=Word.HINT, epoch=3, hops=2, target="m2", tried=("m1",), lobby="front")
ids = st.text("abcdef0123456789", min_size=1, max_size=14)
states = st.builds(
    State,
    room=st.from_regex(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?", fullmatch=True),
    word=st.sampled_from(Word),
    epoch=st.integers(0, 10**9),
    hops=st.integers(1, MOST_REPLAYS),
    target=ids,
    tried=st.lists(ids, max_size=MOST_REPLAYS).map(tuple),
    lobby=st.sampled_from(["", "front"]),
)


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@given(states)
def test_what_was_signed_is_read_after_its_way_through_the_headers(state: State) -> None:
    signer = Signer(SECRET)
    replay = parse_replay(format_replay(Replay(prefer_instance="m1", state=signer.sign(state))))
    source = parse_source(format_source(ReplaySource(instance="m9", region="ams", t=1, state=replay.state)))
    assert signer.read(source.state, room=state.room) == Reading(state, state.hops)


@pytest.mark.parametrize(
    ("later", "reading"),
    [
        (0, Reading(STATE, 2)),
        (LIFETIME - 1, Reading(STATE, 2)),
        (LIFETIME + 1, Reading(None, 2)),
        (1 - SKEW, Reading(STATE, 2)),  # the reader's clock is behind, as after a resume
        (-1 - SKEW, Reading(None, 2)),
    ],
)
def test_a_state_is_believed_for_a_while_and_its_replays_count_for_ever(later: float, reading: Reading) -> None:
    watch = Watch()
    signer = Signer(SECRET, wall=watch)
    text = signer.sign(STATE)
    watch.now += later
    assert signer.read(text, room="blue") == reading


def test_a_state_for_another_room_gives_nothing_away() -> None:
    signer = Signer(SECRET)
    assert signer.read(signer.sign(STATE), room="red") == Reading(None, 2)
    assert signer.read(signer.sign(STATE), room="") == Reading(STATE, 2)  # a request that names no room


@pytest.mark.parametrize(
    "forge",
    [
        lambda text: Signer(b"another secret of sixteen").sign(STATE),
        lambda text: text[:-9] + ("A" if text[-9] != "A" else "B") + text[-8:],
        lambda text: text[:5] + ("A" if text[5] != "A" else "B") + text[6:],
        lambda text: "r1.",
        lambda text: "r1." + "A" * 5_000,
        lambda text: text.rpartition(".")[0],
    ],
)
def test_a_state_of_our_form_that_we_did_not_sign_leaves_no_replay(forge: Callable[[str], str]) -> None:
    signer = Signer(SECRET)
    assert signer.read(forge(signer.sign(STATE)), room="blue") == Reading(None, MOST_REPLAYS)


@given(st.text(max_size=200), st.integers(0, 200))
def test_no_damage_to_a_state_makes_another_one_of_it(junk: str, at: int) -> None:
    signer = Signer(SECRET)
    text = signer.sign(STATE)
    damaged = text[:at] + junk + text[at:]
    reading = signer.read(damaged, room="blue")
    assert reading.state is None or reading.state == STATE


@pytest.mark.parametrize("text", [None, "", "blue@3", "their own words"])
def test_what_another_app_says_is_no_state_of_ours(text: str | None) -> None:
    assert Signer(SECRET).read(text, room="blue") == Reading(None, REPLAYS_BEFORE_US)


def test_a_signed_value_of_another_shape_is_none_of_ours() -> None:
    signer = Signer(SECRET)
    odd = [["blue"], ["blue", "no-word", 1, 1, "", [], ""], ["blue", "held", "x", 1, "", [], ""], 7, None]
    for value in odd:
        assert signer.read("r1." + str(signer._serializer.dumps(value)), room="blue").state is None


class Drawer:
    """An object store in memory that can be shut."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.shut = False
        self.asked = 0

    async def create(self, key: str, body: bytes) -> bool:
        await self._turn()
        return self.objects.setdefault(key, body) is body

    async def get(self, key: str) -> bytes | None:
        self.asked += 1
        await self._turn()
        return self.objects.get(key)

    async def _turn(self) -> None:
        await asyncio.sleep(0)
        if self.shut:
            raise FlylabError("the drawer is shut")


async def test_all_machines_agree_on_the_secret_that_one_of_them_made() -> None:
    drawer = Drawer()
    found = await asyncio.gather(*(Keys(drawer).secret() for _ in range(20)))  # type: ignore[arg-type]
    assert {*found} == {drawer.objects[SECRET_KEY]}
    assert len(found[0]) == 64


async def test_the_secret_is_asked_for_once_and_not_at_all_when_it_is_given() -> None:
    drawer = Drawer()
    keys = Keys(drawer)  # type: ignore[arg-type]
    await asyncio.gather(*(keys.signer() for _ in range(20)))
    await keys.secret()
    assert drawer.asked == 1
    assert await Keys(drawer, "given, sixteen letters").secret() == b"given, sixteen letters"  # type: ignore[arg-type]
    assert drawer.asked == 1


async def test_there_is_no_signer_while_the_store_is_away_and_one_when_it_is_back() -> None:
    drawer = Drawer()
    keys = Keys(drawer)  # type: ignore[arg-type]
    drawer.shut = True
    assert await keys.signer() is None
    with pytest.raises(FlylabError):
        await keys.secret()
    drawer.shut = False
    assert await keys.signer() is not None
