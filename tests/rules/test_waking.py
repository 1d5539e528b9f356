"""Why a start for a request came to nothing."""

import pytest

from flylab.errors import RuleError
from flylab.rules.life import Life
from flylab.rules.rates import Rates, RateSettings
from flylab.rules.waking import asked_to_stop, check_rate, check_startable, why_not_started
from flylab.wire.config import MachineConfig
from flylab.wire.machine import Event, MachineState


def life(state="stopped", *events):
    log = tuple((Event(id="e", type=kind, status="x", request=request), "v1") for kind, request in events)
    return Life(
        id="m", app="a", name="n", region="ams", config=MachineConfig(), version="v1",
        created_at=0.0, updated_at=0.0, state=MachineState(state), log=log,
    )  # fmt: skip


def ended(**said):
    return ("exit", {"exit_event": said})


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ((), "PM07"),
        ((("exit", {"error": "no file"}),), "PM07"),
        ((ended(requested_stop=False),), "PM07"),
        ((ended(requested_stop=True),), "PM10"),
        ((("stop", {}),), "PM10"),
        ((("destroy", {}),), "PM10"),
        ((("stop", {}), ended(requested_stop=False)), "PM07"),
    ],
)
def test_a_cancelled_start_is_told_from_one_that_failed(events, code):
    """DOCUMENTED monitoring/error-codes: PM10 start cancelled, PM07 state change failed."""
    assert why_not_started(life("stopped", *events), "stopped").code == code
    assert asked_to_stop(life("stopped", *events)) == (code == "PM10")


@pytest.mark.parametrize("state", [each for each in MachineState if each not in ("stopped", "suspended")])
def test_what_cannot_be_started(state):
    """DOCUMENTED monitoring/error-codes, PM08: stopping and destroyed among them."""
    with pytest.raises(RuleError) as caught:
        check_startable(life(state))
    assert caught.value.code == "PM08"


@pytest.mark.parametrize("state", ["stopped", "suspended"])
def test_what_can(state):
    check_startable(life(state))


def test_too_many_starts_are_pm01_with_the_words_of_the_api():
    rates = Rates(RateSettings())
    for _ in range(3):
        check_rate(rates, "m", 0.0)
    with pytest.raises(RuleError, match="rate limit exceeded for Machines_start of m") as caught:
        check_rate(rates, "m", 0.0)
    assert caught.value.code == "PM01"
    check_rate(rates, "m", 1.0)
