"""What is read from the proxy's headers, and the address to which a visitor is sent again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.arrival import Arrival, again_at, read_arrival, read_path, receive, times_again
from app.protocol import Path
from app.signing import MOST_REPLAYS, REPLAYS_BEFORE_US, Keys, Signer, State, Word
from flylab.wire.replay import FailureReason, ReplayFailure, ReplaySource, format_failure, format_source

NOW = 1_800_000_000.0  # standing still: the states below are made when the tests are collected
SIGNER = Signer(b"a secret of at least sixteen", wall=lambda: NOW)
STATE = State(room="blue", word=Word.HELD, epoch=3, hops=4)
FAILURE = ReplayFailure(
    instance="m2", app="rooms", region=None, replay_source="m1", reason=FailureReason.TIMEOUT, elapsed_ms=15_000
)


def replayed(state: str | None) -> dict[str, str]:
    return {"fly-replay-src": format_source(ReplaySource(instance="m9", region="ams", t=1, state=state))}


def test_a_first_request_has_nothing_behind_it() -> None:
    assert read_arrival({"fly-region": "nrt"}, room="blue", signer=SIGNER) == Arrival(edge="nrt")


@pytest.mark.parametrize(
    ("headers", "signer", "state", "hops"),
    [
        (replayed(SIGNER.sign(STATE)), SIGNER, STATE, 4),
        (replayed(SIGNER.sign(State(room="red", word=Word.FREE, epoch=0, hops=5))), SIGNER, None, 5),
        (replayed("whatever"), SIGNER, None, REPLAYS_BEFORE_US),
        (replayed(None), SIGNER, None, REPLAYS_BEFORE_US),
        (replayed("r1.forged"), SIGNER, None, MOST_REPLAYS),
        (replayed(SIGNER.sign(STATE)), None, None, MOST_REPLAYS),  # the secret is not at hand
        ({"fly-replay-src": "garbage"}, SIGNER, None, 0),
    ],
)
def test_a_state_is_believed_only_with_a_signature(
    headers: dict[str, str], signer: Signer | None, state: State | None, hops: int
) -> None:
    arrival = read_arrival(headers, room="blue", signer=signer)
    assert (arrival.state, arrival.hops) == (state, hops)


def test_the_rest_is_read_as_the_proxy_wrote_it() -> None:
    headers = {"fly-preferred-instance-unavailable": " m2 ", "fly-replay-failed": format_failure(FAILURE)}
    arrival = read_arrival(headers, method="GET", target="/rooms/blue?k=a&again=2")
    assert (arrival.unavailable, arrival.failed, arrival.method, arrival.again) == ("m2", FAILURE, "GET", 2)
    assert read_arrival({"fly-replay-failed": "garbage"}).failed is None


async def test_the_secret_is_fetched_only_for_a_state() -> None:
    class Never:
        async def get(self, key: str) -> bytes:
            raise AssertionError("nobody needs the store")

    assert await receive({"fly-region": "ams"}, Keys(Never())) == Arrival(edge="ams")  # type: ignore[arg-type]
    keys = Keys(Never(), "a secret of at least sixteen", wall=lambda: NOW)  # type: ignore[arg-type]
    assert (await receive(replayed(SIGNER.sign(STATE)), keys, room="blue")).state == STATE


@pytest.mark.parametrize(
    ("target", "times", "location"),
    [
        ("/rooms/blue", 1, "/rooms/blue?again=1"),
        ("/rooms/blue?", 1, "/rooms/blue?again=1"),
        ("/rooms/blue?k=abc&x=", 1, "/rooms/blue?k=abc&x=&again=1"),
        ("/rooms/blue?again=1&k=abc", 2, "/rooms/blue?k=abc&again=2"),
        ("/rooms/blue?k=abc&again=2", 3, "/rooms/blue?k=abc&again=3"),
        ("/rooms/blue?against=2", 1, "/rooms/blue?against=2&again=1"),
        ("//evil.example/rooms/blue", 1, "/evil.example/rooms/blue?again=1"),
        ("/\\evil.example", 1, "/evil.example?again=1"),
    ],
)
def test_the_address_again_is_the_same_with_a_count(target: str, times: int, location: str) -> None:
    assert again_at(target, times) == location
    assert times_again(location) == times


@given(st.text(max_size=60), st.integers(1, 99))
def test_the_address_again_counts_once_and_stays_on_this_host(target: str, times: int) -> None:
    location = again_at(target, times)
    assert times_again(location) == times
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    assert again_at(location, times) == location


def test_a_member_is_shown_their_way() -> None:
    headers = replayed("secret") | {"fly-region": "nrt", "fly-request-id": "01J"}
    assert read_path(headers) == Path(edge="nrt", replayed_from="m9", replayed_region="ams", request="01J")
    assert read_path({}) == Path()
