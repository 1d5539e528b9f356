"""Shared CPUs: full speed while the balance lasts, then the baseline; and what is written into a control group."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from flylab.local.bursts import BASELINE, FIRST, MOST, PERIOD, Balance, Throttle
from flylab.local.confinement import Confinement


def test_documented_five_seconds_of_full_speed_and_then_a_sixteenth() -> None:
    """DOCUMENTED machines/cpu-performance: 5 ms of each 80 ms for each shared CPU once the balance is spent."""
    for cpus in (1, 2, 8):
        balance, used, now, quotas = Balance(cpus, used=0.0, now=100.0), 0.0, 100.0, []
        quota = balance.spend(used, now)
        while now < 160.0:  # it always runs as much as it may
            quotas.append(quota)
            now += 0.25
            used += 0.25 * quota / PERIOD
            quota = balance.spend(used, now)
        assert quotas == sorted(quotas, reverse=True)
        assert set(quotas) == {cpus * PERIOD, cpus * BASELINE}
        full = 0.25 * quotas.count(cpus * PERIOD)
        assert FIRST <= full <= FIRST * 16 / 15 + 0.25  # the baseline is earned meanwhile


def test_what_is_not_used_is_saved_up_to_the_most() -> None:
    balance = Balance(2, used=7.0, now=0.0)
    balance.spend(27.0, 10.0)  # overdrawn
    assert balance.spend(27.0, 20.0) == 2 * BASELINE
    assert balance.spend(27.0, 100.0) == 2 * PERIOD  # it has rested
    balance.spend(27.0, 1e6)
    assert balance.held == MOST * 2


@given(st.integers(1, 8), st.lists(st.tuples(st.floats(0.01, 100), st.floats(0, 1)), max_size=50))
def test_no_more_is_used_than_what_was_there_at_first_and_the_baseline(
    cpus: int, steps: list[tuple[float, float]]
) -> None:
    balance, used, now = Balance(cpus, used=0.0, now=0.0), 0.0, 0.0
    quota, longest = balance.spend(0.0, 0.0), 0.0
    for passed, busy in steps:
        now, used, longest = now + passed, used + passed * busy * quota / PERIOD, max(longest, passed)
        quota = balance.spend(used, now)
        assert used <= cpus * (FIRST + now * BASELINE / PERIOD + longest) + 1e-6
        assert quota in (cpus * PERIOD, cpus * BASELINE)


def test_a_control_group_is_given_its_quota_when_that_changes(tmp_path: Path) -> None:
    (stat := tmp_path / "cpu.stat").write_text("usage_usec 9000000\nuser_usec 1\n")
    throttle, limit = Throttle(str(tmp_path), 2, 10.0), tmp_path / "cpu.max"
    throttle.look(10.0)
    assert (limit.read_text(), throttle.due) == ("160000 80000", 10.25)
    stat.write_text("usage_usec 30000000\n")
    throttle.look(10.1)  # nobody asked for that
    assert limit.read_text() == "160000 80000"
    throttle.look(10.25)
    assert limit.read_text() == "10000 80000"
    limit.unlink()
    throttle.look(11.0)
    assert not limit.exists()
    stat.unlink()
    throttle.look(12.0)
    assert throttle.due == 12.25


def test_only_a_machine_that_is_told_so_is_held_to_its_balance(tmp_path: Path) -> None:
    order = {"group": str(tmp_path), "controllers": ["cpu"], "cpus": 1}
    assert Confinement("m1", order, 1).throttle is None
    assert Confinement("m1", order | {"burst": True}, 2).throttle is None  # a group that cannot be read
    [cell] = tmp_path.glob("*/m1")
    (cell / "cpu.stat").write_text("usage_usec 0\n")
    assert Confinement("m1", order | {"burst": True}, 3).throttle is not None
