"""Schedules: counted from creation, and nothing runs twice at once."""

import pytest

from flylab.errors import RuleError
from flylab.rules import lifecycle as on
from flylab.rules.life import Life, LifeSettings
from flylab.rules.schedules import check_schedule, next_run, runs_now
from flylab.wire.machine import MachineConfig

HOUR = 3600.0


def life(schedule: object, *events: on.Happening) -> Life:
    config = MachineConfig(image="i", extra={"schedule": schedule})
    made = Life(id="m", app="a", name="n", region="ams", config=config, version="v1", created_at=100.0, updated_at=0.0)
    for event in events:
        made.step(event, 200.0, settings=LifeSettings(), mint=lambda _: "e")
    return made


@pytest.mark.parametrize(
    ("schedule", "now", "due"),
    [
        ("hourly", 100.0, 100.0 + HOUR),
        ("hourly", 100.0 + HOUR - 1, 100.0 + HOUR),
        ("hourly", 100.0 + HOUR, 100.0 + 2 * HOUR),
        ("hourly", 0.0, 100.0 + HOUR),  # the wall clock was set back
        ("daily", 100.0 + 25 * HOUR, 100.0 + 48 * HOUR),
        ("weekly", 100.0, 100.0 + 168 * HOUR),
        ("monthly", 100.0, 100.0 + 720 * HOUR),
        (None, 100.0, None),
        ("", 100.0, None),
    ],
)
def test_runs_are_counted_from_creation(schedule: object, now: float, due: float | None) -> None:
    """DOCUMENTED machines-resource: hourly, daily, weekly, monthly, counted from creation."""
    assert next_run(life(schedule), now, hour=HOUR) == due


def test_an_hour_may_be_shorter() -> None:
    assert next_run(life("daily"), 100.0, hour=1.0) == 124.0


RUNNING = (on.Prepared(), on.Start(), on.Started())


@pytest.mark.parametrize(
    ("events", "runs"),
    [
        ((on.Prepared(),), False),  # REPORTED: with skip_launch it never runs
        (RUNNING, False),
        ((*RUNNING, on.Stop()), False),
        ((*RUNNING, on.Exited(0)), True),
        ((*RUNNING, on.Stop(), on.Exited(0)), True),
        ((on.Prepared(), on.Start(), on.StartFailed()), True),
        ((*RUNNING, on.ForceDestroy()), False),
    ],
)
def test_when_a_due_run_starts_the_machine(events: tuple[on.Happening, ...], runs: bool) -> None:
    assert runs_now(life("hourly", *events)) is runs


def test_a_destroyed_machine_runs_no_more() -> None:
    assert next_run(life("hourly", *RUNNING, on.ForceDestroy()), 100.0, hour=HOUR) is None


def test_only_known_schedules() -> None:
    with pytest.raises(RuleError, match=r"config\.schedule 'yearly' is none of hourly, daily, weekly, monthly"):
        check_schedule(MachineConfig(extra={"schedule": "yearly"}))
    with pytest.raises(RuleError, match="is none of"):
        check_schedule(MachineConfig(extra={"schedule": ["hourly"]}))
