"""When an armed fault strikes, and which ones can be armed at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import ParseError, RuleError
from flylab.rules.fault_names import KNOWN, Unit
from flylab.rules.fault_refusals import REFUSALS, no_room, refusals, refused
from flylab.rules.faults import MOST, Faults, Struck, Subject, armable
from flylab.wire.codes import CODES, refuse
from flylab.wire.fault import Fault

NOW = 1_000.0
BLUE = Subject(app="blue", region="ams", machine="m1", volume="vol_1")


def armed(*faults: Fault) -> Faults:
    found = Faults()
    for number, fault in enumerate(faults):
        found.arm(fault, number, NOW)
    return found


@pytest.mark.parametrize(
    ("fault", "strikes"),
    [
        (Fault(name="host_full"), True),
        (Fault(name="host_full", app="blue", region="ams", machine="m1"), True),
        (Fault(name="host_full", app="red"), False),
        (Fault(name="host_full", region="iad"), False),
        (Fault(name="host_full", machine="m2"), False),
        (Fault(name="volume_gone", volume="vol_2"), False),
        (Fault(name="volume_gone", volume="vol_1"), True),
    ],
)
def test_it_strikes_whom_it_is_aimed_at(fault: Fault, strikes: bool) -> None:
    faults = armed(fault)
    assert (faults.struck(fault.name, BLUE, NOW) is not None) is strikes
    assert faults.armed(NOW)[0].struck == strikes
    assert faults.struck("slow_port", BLUE, NOW) is None


def test_it_strikes_as_often_as_it_may_and_as_long() -> None:
    faults = armed(Fault(name="host_full", count=2), Fault(name="slow_port", seconds=5))
    assert [faults.struck("host_full", BLUE, NOW) is not None for _ in range(4)] == [True, True, False, False]
    assert not faults.threatens("host_full", BLUE, NOW)
    assert faults.threatens("slow_port", BLUE, NOW + 4.9)
    assert faults.struck("slow_port", BLUE, NOW + 4.9) == Struck("slow_port", 10.0, pytest.approx(0.5, abs=0.5))
    assert faults.struck("slow_port", BLUE, NOW + 5.0) is None
    assert faults.next_end() == NOW + 5
    assert [fault.name for fault in faults.armed(NOW + 5)] == ["host_full"]
    assert [(fault.name, fault.struck) for fault in faults.past] == [("slow_port", 1)]


def test_what_lasts_is_decided_and_counted_once() -> None:
    faults = armed(Fault(name="slow_port", count=1))
    assert [faults.struck("slow_port", BLUE, NOW, once=key) is not None for key in "aabab"] == [1, 1, 0, 1, 0]
    assert faults.armed(NOW)[0].struck == 1


@given(seed=st.integers(0, 2**32), chance=st.floats(0.05, 0.95))
def test_the_same_seed_strikes_the_same_way(seed: int, chance: float) -> None:
    def run() -> list[bool]:
        faults = armed(Fault(name="bad_edge", probability=chance, seed=seed), Fault(name="host_full", probability=0.5))
        found = []
        for _ in range(30):
            faults.struck("host_full", BLUE, NOW)  # has a chance of its own, so it disturbs nobody
            found.append(faults.struck("bad_edge", BLUE, NOW) is not None)
        return found

    assert run() == run()


def test_chance_is_near_what_was_asked_for() -> None:
    faults = armed(Fault(name="bad_edge", probability=0.3, seed=7))
    assert 240 < sum(faults.struck("bad_edge", BLUE, NOW) is not None for _ in range(1000)) < 360


def test_faults_are_disarmed_by_id_by_name_and_all() -> None:
    faults = armed(Fault(name="host_full"), Fault(name="host_full"), Fault(name="slow_port"))
    assert [fault.id for fault in faults.disarm("f1")] == ["f1"]
    assert [fault.id for fault in faults.disarm("host_full")] == ["f2"]
    assert [fault.id for fault in faults.clear()] == ["f3"]
    assert faults.names == frozenset()
    with pytest.raises(RuleError, match="no fault 'f1' is armed"):
        faults.disarm("f1")


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault(name="nonsense"), "fault 'nonsense' is unknown; known are ambiguous_408,"),
        (Fault(name="replay_loop"), "not armed but produced: an app that answers"),
        (Fault(name="region_full", machine="m1"), "cannot be aimed at a machine, only at app, region"),
        (Fault(name="host_full", probability=0), "probability 0 is not above 0"),
        (Fault(name="host_full", probability=float("nan")), "probability nan is not above 0"),
        (Fault(name="host_full", count=-1), "count -1 is not between 0"),
        (Fault(name="host_full", seconds=1e9), r"seconds 1e\+09 is not between 0"),
        (Fault(name="host_full", value="discs"), "'discs' of fault 'host_full' is none of CPUs, memory"),
        (Fault(name="slow_port", value=float("nan")), "'nan' of fault 'slow_port' is not seconds"),
        (Fault(name="slow_port", value="long"), "'long' of fault 'slow_port' is not seconds"),
        (Fault(name="target_5xx", value=200.0), "not a status between 500 and 599"),
        (Fault(name="bad_edge", value=1.0), "takes no value"),
    ],
)
def test_what_cannot_be_armed_is_refused_in_words(fault: Fault, why: str) -> None:
    with pytest.raises(RuleError, match=why) as refusal:
        Faults().arm(fault, 1, NOW)
    assert refusal.value.code == "invalid_argument"


def test_only_so_many_are_armed() -> None:
    faults = armed(*[Fault(name="host_full")] * MOST)
    with pytest.raises(RuleError, match="100 faults are armed"):
        faults.arm(Fault(name="host_full"), 1, NOW)


@given(
    fault=st.builds(
        Fault,
        name=st.sampled_from(armable()),
        app=st.text(max_size=5),
        probability=st.floats(0.01, 1),
        count=st.integers(0, 100),
        seed=st.none() | st.integers(),
        value=st.none() | st.text(min_size=1) | st.floats(0, 100),
        id=st.text(max_size=3),
        struck=st.integers(0, 9),
    )
)
def test_a_fault_is_read_as_it_was_written(fault: Fault) -> None:
    assert Fault.from_json(fault.to_json()) == fault


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"name": "a", "sometimes": 1}, "a fault has no such field"),
        ({"name": "a", "probability": "often"}, "a number is expected"),
        ({"name": "a", "seconds": 10**400}, "it is too large"),
        ({"name": "a", "value": [1]}, "a number is expected"),
        ([], "an object is expected"),
    ],
)
def test_what_is_no_fault_cannot_be_read(said: object, why: str) -> None:
    with pytest.raises(ParseError, match=why):
        Fault.from_json(said)


def test_every_known_fault_says_what_it_is() -> None:
    for known in KNOWN.values():
        assert known.what, known.name
        assert known.survive, known.name
        assert known.source, known.name
        assert bool(known.targets) is known.armable, known.name
        assert (known.value is not None) is (known.unit is not Unit.NONE), known.name
        if known.words:
            assert known.value in known.words


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda each: each.name)
def test_refusals_have_the_status_and_the_words_that_clients_look_for(refusal) -> None:
    assert refusal.name in armable()
    struck = Struck(refusal.name, KNOWN[refusal.name].value)
    names = {"app": "blue", "region": "ams", "machine": "m1", "volume": "vol_1"}
    error = refused(refusal, struck, names)
    assert "{" not in error.text
    status, body = refuse(error.code, error.text)
    assert status == CODES[refusal.code].http
    assert CODES[refusal.code].fragment in body["error"]
    operation = next(iter(refusal.operations), "Machines_show")
    assert refusal.name in refusals(operation, mounts=True)
    assert (refusal.name in refusals(operation, mounts=False)) is not refusal.mounts


def test_a_full_region_is_told_apart_for_machines_and_volumes() -> None:
    """OBSERVED-IN-CLIENT fly-go flaps/flaps_error.go: the text of a volume ends in `no capacity`."""
    machine, volume = no_room("ams", volume=False), no_room("ams", volume=True)
    assert refuse(machine.code, machine.text) == (
        422,
        {"error": "no candidate host in region ams has room for the machine", "status": "insufficient_capacity"},
    )
    status, body = refuse(volume.code, volume.text)
    assert status == 409
    assert body["error"].startswith("aborted: ")
    assert body["error"].endswith("no capacity")
