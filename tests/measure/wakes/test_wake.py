"""The phases of one wake: they add up, they name their source, and what cannot be told apart stays together."""

from dataclasses import replace
from itertools import chain, combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flylab.errors import ParseError
from flylab.measure.wakes import PHASES, Source, Wake, assemble, spread
from tests.measure.wakes.cases import ASKED, RUNNING, STOP, SUSPEND, at, event, hop, trace


def took(wake: Wake) -> dict[str, float]:
    return {phase.name: round(1000 * phase.took, 3) for phase in wake.phases}


def test_all_phases_of_a_wake_from_stopped():
    wake = assemble(STOP, variant="stop")
    assert took(wake) == {
        "connection": 1,
        "request at the edge": 1,
        "start accepted": 1,
        "process spawned": 12,
        "port open": 135,
        "seen by the proxy": 50,
        "first byte": 40,
        "first room message": 60,
    }
    assert list(took(wake)) == list(PHASES.values())
    assert (wake.ok, wake.marked, wake.missing) == (True, (), ())
    assert wake.whole == pytest.approx(0.3)
    assert wake.phases[-1].end == pytest.approx(0.3)
    assert [phase.source for phase in wake.phases] == [
        Source.CLIENT, Source.TRACE, Source.API, Source.API, Source.APP, Source.TRACE, Source.CLIENT, Source.CLIENT,
    ]  # fmt: skip
    assert all(phase.clock for phase in wake.phases)


def test_what_was_typed_in_is_told_from_what_was_measured():
    phases = {phase.name: phase for phase in assemble(STOP, variant="stop").phases}
    assert phases["seen by the proxy"].provenance == "configured"
    assert phases["seen by the proxy"].configured == pytest.approx(0.05)
    assert phases["first byte"].provenance == "partly configured"
    assert phases["first byte"].configured == pytest.approx(0.02)
    assert phases["first room message"].configured == pytest.approx(0.02)
    assert {phases[name].provenance for name in ("connection", "process spawned", "port open")} == {"measured"}


def test_a_port_that_was_open_at_the_first_try_owes_nothing_to_pauses():
    phases = {phase.name: phase for phase in assemble(replace(STOP, trace=trace(hop(tries=1))), variant="stop").phases}
    assert phases["seen by the proxy"].provenance == "measured"


def test_pauses_that_cannot_be_told_from_the_start_are_named_without_a_share():
    phases = {phase.name: phase for phase in assemble(replace(STOP, app={}), variant="stop").phases}
    joined = phases["port open + seen by the proxy"]
    assert (joined.configured, joined.provenance) == (0.0, "partly configured")


def test_round_trips_of_a_replay_lie_before_the_start():
    replayed = trace(hop(woke=None, configured_ms=90.0), hop(n=2, configured_ms=20.0))
    late = [event("starting", 100), event("started", 120)]
    phases = {p.name: p for p in assemble(replace(STOP, trace=replayed, events=late), variant="stop").phases}
    assert phases["start accepted"].configured == pytest.approx(0.09)
    assert phases["first byte"].configured == pytest.approx(0.02)
    assert phases["first room message"].configured == pytest.approx(0.02)


def test_a_configured_part_is_never_longer_than_its_phase():
    far = trace(hop(configured_ms=9000.0))
    wake = assemble(replace(STOP, trace=far), variant="stop")
    assert all(0 <= phase.configured <= phase.took + 1e-9 for phase in wake.phases)


def test_the_other_variants_have_the_phases_that_they_have():
    assert list(took(assemble(SUSPEND, variant="suspend"))) == [
        "connection", "request at the edge", "start accepted", "process resumed", "seen by the proxy", "first byte",
        "first room message",
    ]  # fmt: skip
    for variant in ("pool", "always-on"):
        wake = assemble(RUNNING, variant=variant)
        assert list(took(wake)) == ["connection", "request at the edge", "first byte", "first room message"]
        assert (wake.ok, wake.missing) == (True, ())


def test_from_outside_there_are_the_phases_that_can_be_seen_there():
    wake = assemble(replace(STOP, trace={}, app={}), variant="stop")
    assert list(took(wake)) == [
        "connection", "start accepted", "process spawned", "first byte", "first room message"
    ]  # fmt: skip
    assert wake.missing == ()


@pytest.mark.parametrize(
    ("variant", "seen", "outcome"),
    [
        ("stop", RUNNING, "was running"),
        ("suspend", RUNNING, "was running"),
        ("suspend", STOP, "was not resumed but booted"),
        ("pool", STOP, "was not running"),
        ("always-on", replace(STOP, trace={}), "was not running"),
        ("stop", replace(STOP, trace={}), "ok"),
    ],
)
def test_what_was_no_wake_of_its_variant_says_so(variant, seen, outcome):
    assert assemble(seen, variant=variant).outcome == outcome


def test_a_wake_of_another_machine_is_none_of_this_one():
    assert assemble(STOP, variant="stop", machine="m2").outcome == "another machine answered"
    assert assemble(STOP, variant="stop", machine="m1").outcome == "ok"


def test_a_failure_keeps_its_name():
    assert assemble(RUNNING, variant="stop", outcome="503").outcome == "503"


def test_parts_that_do_not_add_up_are_marked():
    early = replace(STOP, events=[event("starting", -40), event("started", 15)])
    wake = assemble(early, variant="stop")
    assert wake.ok
    assert "accepted (api event) lies 39.0 ms before asked (client)" in wake.marked[0]
    stepped = replace(STOP, client={**STOP.client, "drift": 0.5})
    assert "set +500.0 ms" in assemble(stepped, variant="stop").marked[0]


def test_within_what_the_clocks_leave_open_nothing_runs_back():
    late = replace(STOP, app={"python": at(40), "listening": at(201)})
    wake = assemble(late, variant="stop")
    assert wake.marked == ()
    assert took(wake)["seen by the proxy"] == 0
    assert wake.moved == pytest.approx(0.001, abs=1e-4)
    assert spread([wake])["order"] == wake.moved


SOURCES = {"client": {}, "trace": {}, "events": [], "app": {}}


GONE = list(chain.from_iterable(combinations(SOURCES, count) for count in range(5)))


@pytest.mark.parametrize("gone", GONE, ids=", ".join)
def test_whatever_is_missing_no_value_is_made_up(gone):
    wake = assemble(replace(STOP, **{name: SOURCES[name] for name in gone}), variant="stop")
    whole = assemble(STOP, variant="stop")
    ends = {round(1000 * (mark + ASKED), 3) for mark in (0.0, *(phase.end for phase in whole.phases))}
    if not wake.phases:
        return
    shift = next(iter(wake.seen.client.values()), None)
    zero = ASKED if shift is not None else {"trace": at(2), "events": at(3), "app": at(150)}[
        next(name for name in ("trace", "events", "app") if name not in gone)
    ]  # fmt: skip
    for phase in wake.phases:
        assert round(1000 * (phase.end + zero), 3) in ends
    assert sum(phase.took for phase in wake.phases) == pytest.approx(wake.phases[-1].end)
    named = [name for phase in wake.phases for name in phase.name.split(" + ")]
    assert len(named) == len(set(named))


@settings(max_examples=40)
@given(st.permutations(list(STOP.client)), st.permutations(STOP.events), st.permutations(list(STOP.app)))
def test_any_order_of_arrival_gives_the_same_phases(client, events, app):
    other = replace(
        STOP,
        client={name: STOP.client[name] for name in client},
        events=events,
        app={name: STOP.app[name] for name in app},
    )
    assert assemble(other, variant="stop").phases == assemble(STOP, variant="stop").phases


moment = st.floats(-500, 500).map(at)


@settings(max_examples=40)
@given(
    client=st.fixed_dictionaries({}, optional=dict.fromkeys(("asked", "sent", "answered", "welcomed"), moment)),
    events=st.lists(st.tuples(st.sampled_from(["starting", "started", "stopped"]), st.floats(-500, 500)), max_size=4),
    listening=moment,
    variant=st.sampled_from(["stop", "suspend", "pool", "always-on"]),
)
def test_phases_add_up_or_the_wake_is_marked(client, events, listening, variant):
    seen = replace(
        STOP, client=client, events=[event(*one) for one in events], app={"python": listening, "listening": listening}
    )
    wake = assemble(seen, variant=variant)
    total = sum(phase.took for phase in wake.phases)
    assert total == pytest.approx(wake.phases[-1].end if wake.phases else 0.0, abs=1e-6)
    if not wake.marked:
        assert all(phase.took >= 0 for phase in wake.phases)
    assert all(a.end == b.begin for a, b in zip(wake.phases, wake.phases[1:], strict=False))


def test_a_stored_wake_comes_back_as_it_was():
    wake = assemble(STOP, variant="stop", at_once=5, burst=3, machine="m1", region="ams", due=1.0, sent=1.1, finished=2)
    sample = wake.to_sample()
    assert (sample.what, sample.where, sample.detail["variant"]) == ("wake", "ams, 5 at once", "stop")
    assert Wake.from_sample(sample) == wake
    warm = replace(wake, warm_up=True).to_sample()
    assert warm.what == "wake (warm-up)"
    with pytest.raises(ParseError):
        Wake.from_sample(replace(sample, detail={}))
