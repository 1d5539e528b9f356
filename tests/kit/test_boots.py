"""The steps of a wake add up to what the visitor waited."""

import pytest

from flylab.kit import boots

TRACE = {
    "started_at": 1000.0,
    "total_ms": 530.0,
    "hops": [
        {
            "configured_ms": 20.0,
            "woke": {"requested_ms": 10.0, "started_ms": 14.0, "reachable_ms": 480.0},
        }
    ],
}
BOOT = {"spawned": 1000.02, "python": 1000.05, "imported": 1000.35, "listening": 1000.42}


def test_every_step_is_named_and_they_add_up() -> None:
    found = boots.phases(TRACE, BOOT)
    assert list(found) == [*boots.STEPS, "configured round trip"]
    assert sum(found.values()) == pytest.approx(530.0)
    assert found["imports"] == pytest.approx(300.0)
    assert found["configured: pause until used"] == pytest.approx(60.0)
    assert found["first byte"] == pytest.approx(40.0)


def test_a_step_that_was_not_marked_is_joined_with_the_next() -> None:
    found = boots.phases(TRACE, {name: at for name, at in BOOT.items() if name != "spawned"})
    assert "start accepted → process spawned, interpreter" in found
    assert sum(found.values()) == pytest.approx(530.0)


def test_time_never_runs_back() -> None:
    found = boots.phases(TRACE, {**BOOT, "spawned": 999.0})
    assert found["start accepted → process spawned"] == 0.0
    assert all(ms >= 0 for ms in found.values())


def test_an_exchange_that_woke_nobody_has_no_phases() -> None:
    with pytest.raises(ValueError, match="woke no machine"):
        boots.phases({**TRACE, "hops": [{"configured_ms": 1.0, "woke": None}]}, BOOT)
