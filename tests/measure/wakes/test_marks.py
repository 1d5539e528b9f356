"""Moments from four sources: each from whoever saw it, in order within their bounds, and none that nobody told."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flylab.errors import ParseError
from flylab.measure.wakes import ORDER, Mark, Seen, Source, marks, settle
from tests.measure.wakes.cases import ASKED, RUNNING, STOP, at, event, hop, trace


def moments(seen: Seen) -> dict[str, float]:
    return {mark.name: round(1000 * (mark.at - ASKED), 3) for mark in marks(seen)}


def test_every_moment_comes_from_whoever_saw_it():
    assert moments(STOP) == {
        "asked": 0, "sent": 1, "edge": 2, "accepted": 3, "spawned": 15,
        "listening": 150, "reachable": 200, "answered": 240, "welcomed": 300,
    }  # fmt: skip
    assert {mark.name: mark.source for mark in marks(STOP)} == dict.fromkeys(
        ("asked", "sent", "answered", "welcomed"), Source.CLIENT
    ) | dict.fromkeys(("edge", "reachable"), Source.TRACE) | dict.fromkeys(("accepted", "spawned"), Source.API) | {
        "listening": Source.APP
    }


@pytest.mark.parametrize(
    ("missing", "gone"),
    [
        ({"client": {}}, {"asked", "sent", "answered", "welcomed"}),
        ({"trace": {}}, {"edge", "reachable"}),
        ({"events": []}, {"accepted", "spawned"}),
        ({"app": {}}, {"listening"}),
        ({"trace": trace(hop(woke=None))}, {"reachable"}),
        ({"trace": trace(hop(woke={"requested_ms": 0.5, "started_ms": None, "reachable_ms": None}))}, {"reachable"}),
        ({"trace": trace(started_at=None)}, {"edge", "reachable"}),
        ({"trace": {"started_at": at(2), "hops": "none"}}, {"reachable"}),
        ({"events": [event("starting", 3)]}, {"spawned"}),
        ({"events": [event("starting", 3), event("stopped", 5)]}, {"spawned"}),
        ({"events": [{"status": "starting", "timestamp": "soon"}, event("started", 15)]}, {"accepted"}),
        ({"app": {"listening": float("nan")}}, {"listening"}),
    ],
)
def test_what_a_source_does_not_tell_is_missing_and_the_rest_is_as_before(missing, gone):
    assert moments(replace(STOP, **missing)) == {name: ms for name, ms in moments(STOP).items() if name not in gone}


def test_steps_of_a_process_that_was_there_before_are_of_an_earlier_life():
    assert "listening" not in moments(RUNNING)
    assert "listening" not in moments(replace(STOP, app={"python": at(-1), "listening": at(150)}))


@pytest.mark.parametrize(("imported", "low"), [(120, 120), (160, 150), (None, 100)])
def test_a_port_was_open_after_the_imports_and_before_the_app_noted_it(imported, low):
    app = {"python": at(40), "listening": at(150)} | ({} if imported is None else {"imported": at(imported)})
    listening = next(mark for mark in marks(replace(STOP, app=app)) if mark.name == "listening")
    assert (listening.low, listening.high) == (pytest.approx(at(low)), at(150))


def test_a_process_that_ran_before_its_platform_noted_it_says_itself_when_it_was_spawned():
    late = replace(STOP, events=[event("starting", 3), event("started", 90)])
    spawned = next(mark for mark in marks(late) if mark.name == "spawned")
    assert (spawned.source, spawned.at, spawned.high) == (Source.APP, at(40), at(40))
    told = replace(late, app={**STOP.app, "spawned": at(20)})
    spawned = next(mark for mark in marks(told) if mark.name == "spawned")
    assert (spawned.at, spawned.high) == (at(20), at(40))
    assert spawned.low == pytest.approx(at(0))
    assert settle(marks(told)) is not None
    old = replace(late, app={"python": at(-5000), "spawned": at(-5001), "listening": at(-4000)})
    assert next(mark for mark in marks(old) if mark.name == "spawned").source == Source.API


@settings(max_examples=24)
@given(st.permutations([event("starting", 3), event("started", 15), event("stopped", 400), event("starting", 500)]))
def test_events_may_come_in_any_order(events):
    assert moments(replace(STOP, events=events)) == moments(STOP)


def test_a_server_whose_clock_is_ahead_is_put_on_ours_with_its_doubt():
    ahead = [event("starting", 3 + 2000), event("started", 15 + 2000)]
    found = {mark.name: mark for mark in marks(replace(STOP, events=ahead, ahead=(1.98, 2.02)))}
    assert found["accepted"].at == pytest.approx(at(3))
    assert found["accepted"].low == pytest.approx(at(3) - 0.021)
    assert found["accepted"].high == pytest.approx(at(3) + 0.021)


def test_what_was_seen_is_the_same_after_it_was_stored():
    assert Seen.from_json(STOP.to_json()) == STOP
    for broken in (None, [], {}, {"ahead": [1], "client": {}, "trace": {}, "events": [], "app": {}}):
        with pytest.raises(ParseError):
            Seen.from_json(broken)


def mark(number: int, moment: float, early: float, late: float) -> Mark:
    return Mark(name=ORDER[number], at=moment, low=moment - early, high=moment + late, source=Source.CLIENT)


some = st.lists(
    st.tuples(st.integers(0, 100), st.integers(0, 20), st.integers(0, 20)), min_size=0, max_size=len(ORDER)
).map(lambda rows: [mark(number, *row) for number, row in enumerate(rows)])


@settings(max_examples=40)
@given(some)
def test_settled_moments_lie_within_their_bounds_and_never_run_back(found):
    settled = settle(found)
    clash = any(before.low > after.high for place, after in enumerate(found) for before in found[:place])
    assert (settled is None) == clash
    if settled is not None:
        assert settled == sorted(settled)
        assert all(one.low <= moment <= one.high for one, moment in zip(found, settled, strict=True))


@settings(max_examples=40)
@given(some)
def test_moments_in_order_are_left_alone(found):
    ordered = [replace(one, at=moment, low=moment, high=moment)
               for one, moment in zip(found, sorted(one.at for one in found), strict=True)]  # fmt: skip
    assert settle(ordered) == [one.at for one in ordered]
