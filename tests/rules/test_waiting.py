"""What is waited for, and when it has been reached."""

import pytest

from flylab.errors import RuleError
from flylab.rules import lifecycle as on
from flylab.rules.life import Life, LifeSettings
from flylab.rules.waiting import Wanted, parse_timeout, parse_wanted
from flylab.wire.machine import MachineConfig
from flylab.wire.machine import MachineState as S


def stopped_machine() -> Life:
    life = Life(
        id="m", app="a", name="n", region="ams", config=MachineConfig(), version="v1", created_at=0.0, updated_at=0.0
    )
    for number, event in enumerate([on.Prepared(), on.Start(), on.Started(), on.Stop(), on.Exited()]):
        life.step(event, 1.0, settings=LifeSettings(), mint=lambda _, number=number: f"e{number}")
    return life


def test_what_is_so_already() -> None:
    reached = Wanted(states=frozenset({"stopped"})).reached(stopped_machine())
    assert reached is not None
    assert reached.to_json() == {"ok": True, "state": "stopped", "event_id": "e4", "version": "v1"}


def test_what_was_so_before_does_not_count_without_an_event() -> None:
    assert Wanted(states=frozenset({"started"})).reached(stopped_machine()) is None


@pytest.mark.parametrize(
    ("after", "state", "event"), [("e0", "started", "e2"), ("e1", "started", "e2"), ("e2", "stopped", "e4")]
)
def test_events_after_another_one_count(after: str, state: str, event: str) -> None:
    reached = Wanted(states=frozenset({state}), after=after).reached(stopped_machine())
    assert reached is not None
    assert reached.event_id == event


def test_the_event_itself_does_not_count() -> None:
    assert Wanted(states=frozenset({"started"}), after="e2").reached(stopped_machine()) is None


def test_an_event_that_is_no_longer_kept_lets_all_count() -> None:
    assert Wanted(states=frozenset({"started"}), after="long ago").reached(stopped_machine()) is not None


def test_another_version_is_not_meant() -> None:
    life = stopped_machine()
    assert Wanted(states=frozenset({"stopped"}), version="v0").reached(life) is None
    assert Wanted(states=frozenset({"stopped"}), version="v1").reached(life) is not None
    event, version = life.log[-1]
    assert not Wanted(states=frozenset({"stopped"}), version="v0").meets(event, version)


def test_a_machine_without_events() -> None:
    life = stopped_machine()
    life.log = ()
    reached = Wanted(states=frozenset({"stopped"})).reached(life)
    assert reached is not None
    assert reached.event_id == ""


@pytest.mark.parametrize(
    ("asked", "states"),
    [
        ([], {"started"}),
        (["stopped"], {"stopped"}),
        (["started", "stopped"], {"started", "stopped"}),
        (["started, stopped"], {"started", "stopped"}),
    ],
)
def test_states_are_repeated_or_listed(asked: list[str], states: set[str]) -> None:
    assert parse_wanted(asked, "v", "e") == Wanted(states=frozenset(states), version="v", after="e")


def test_settled_is_any_state_of_rest() -> None:
    assert {S.STARTED, S.STOPPED, S.SUSPENDED, S.FAILED, S.DESTROYED} <= parse_wanted(["settled"], "", "").states


def test_a_strict_wait_for_stopped_names_a_version() -> None:
    with pytest.raises(RuleError, match="version is missing"):
        parse_wanted(["started,stopped"], "", "", strict=True)
    assert parse_wanted(["stopped"], "v", "", strict=True).states == {"stopped"}
    assert "stopped" in parse_wanted(["settled"], "", "", strict=True).states


def test_other_states_cannot_be_waited_for() -> None:
    with pytest.raises(RuleError, match="cannot wait for state 'starting', only for destroyed, failed"):
        parse_wanted(["starting"], "", "")


@pytest.mark.parametrize(("text", "seconds"), [("", 60), ("1", 1), ("60", 60)])
def test_timeouts(text: str, seconds: int) -> None:
    assert parse_timeout(text) == seconds


@pytest.mark.parametrize("text", ["0", "61", "-1", "1.5", "10s", "soon", "٣"])
def test_timeouts_out_of_range(text: str) -> None:
    with pytest.raises(RuleError, match="not between 1s and 1m0s") as caught:
        parse_timeout(text)
    assert caught.value.code == "invalid_argument"
