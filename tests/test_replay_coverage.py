"""docs/replay-coverage.md is current, and what it names is there."""

import pytest

from tests import replay_coverage as coverage
from tests.facts import MARKS
from tests.row_pages import names_in

ROWS = list(coverage.REPLAYS.rows())


def test_the_page_is_current():
    text = "renew docs/replay-coverage.md: python -m tests.replay_coverage"
    assert coverage.REPLAYS.render(ROWS) == coverage.PAGE.read_text(), text


@pytest.mark.parametrize("file", sorted(set(coverage.FILES.values())))
def test_every_test_is_there(file):
    named = {name for row in ROWS for each, name in row.tests if each == file}
    assert named, "nothing names this file"
    assert named <= names_in(file)


def test_every_row_has_a_mark_and_an_existing_setting_where_it_can_be_switched():
    for row in ROWS:
        assert row.mark in MARKS, row.rule
        assert row.tests, row.rule
        assert not row.setting or coverage.is_setting(row.setting), row.setting


def test_every_switch_of_replays_is_on_the_page():
    named = {row.setting for row in ROWS}
    missing = [
        f"[{table}] {field}"
        for table, attribute in coverage.TABLES.items()
        if attribute
        for field in getattr(coverage.ExchangeSettings(), attribute).__slots__
        if f"[{table}] {field}" not in named
    ]
    assert missing == []


def test_a_setting_that_is_none_is_noticed():
    assert not coverage.is_setting("[replay] no_such_switch")
