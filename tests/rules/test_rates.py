"""Fly's rate limits as token buckets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import RuleError
from flylab.rules.rates import Rate, Rates, RateSettings


def taken(rates: Rates, times: list[float], operation: str = "Machines_start", identifier: str = "m1") -> int:
    passed = 0
    for now in times:
        try:
            rates.take(operation, identifier, now)
        except RuleError:
            continue
        passed += 1
    return passed


def test_the_refusal_names_what_was_too_much() -> None:
    rates = Rates(RateSettings(rate=Rate(1.0, 0)))
    with pytest.raises(RuleError, match="rate limit exceeded for Machines_start of m1") as caught:
        rates.take("Machines_start", "m1", 0.0)
    assert caught.value.code == "rate_limited"


@pytest.mark.parametrize(("operation", "burst", "per_second"), [("Machines_start", 3, 1), ("Machines_show", 10, 5)])
def test_a_burst_passes_and_then_the_rate(operation: str, burst: int, per_second: int) -> None:
    rates = Rates(RateSettings())
    assert taken(rates, [0.0] * 50, operation) == burst
    assert taken(rates, [1.0] * 50, operation) == per_second
    assert taken(rates, [100.0] * 50, operation) == burst


def test_app_deletions_are_counted_by_the_minute() -> None:
    rates = Rates(RateSettings())
    assert taken(rates, [0.0] * 200, "Apps_delete") == 100
    assert taken(rates, [60.0] * 200, "Apps_delete") == 100


def test_each_action_and_each_identifier_has_its_own() -> None:
    rates = Rates(RateSettings())
    assert taken(rates, [0.0] * 4) == 3
    assert taken(rates, [0.0] * 4, identifier="m2") == 3
    assert taken(rates, [0.0] * 4, "Machines_stop") == 3


def test_a_clock_that_goes_back_gives_nothing() -> None:
    assert taken(Rates(RateSettings()), [5.0, 5.0, 5.0, 1.0, 0.0]) == 3


def test_buckets_that_are_full_again_do_not_pile_up() -> None:
    rates = Rates(RateSettings())
    for number in range(999):
        rates.take("Machines_start", f"m{number}", 0.0)
    assert taken(rates, [0.5] * 3, identifier="busy") == 3
    for number in range(5):
        rates.take("Machines_start", f"n{number}", 2.0)
    assert taken(rates, [2.0] * 9, identifier="busy") == 1  # it was not full, so it was kept
    assert taken(rates, [2.0] * 9, identifier="m0") == 3


@given(st.lists(st.floats(0, 20), max_size=60), st.floats(0.1, 5), st.integers(1, 5))
def test_never_more_than_burst_plus_rate(times: list[float], per_second: float, burst: int) -> None:
    rates = Rates(RateSettings(rate=Rate(per_second, burst), exceptions={}))
    assert taken(rates, sorted(times)) <= burst + 20 * per_second + 1e-6
