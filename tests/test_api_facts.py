"""docs/api-facts.md is current, and what it names is there."""

import pytest

from tests.api_facts import API, is_setting
from tests.facts import MARKS
from tests.row_pages import NO_SWITCH, NOT_HERE, names_in

ROWS = list(API.rows())
FILES = sorted({file for row in ROWS for file, _ in row.tests})


def test_the_page_is_current():
    assert API.render(ROWS) == API.page.read_text(), "renew docs/api-facts.md: python -m tests.api_facts"


@pytest.mark.parametrize("file", FILES)
def test_every_test_is_there(file):
    assert {name for row in ROWS for each, name in row.tests if each == file} <= names_in(file)


def test_every_row_has_a_mark_a_test_and_settings_that_exist():
    for row in ROWS:
        assert row.mark in MARKS, row.rule
        assert row.tests or row.setting == NOT_HERE, row.rule
        assert all(is_setting(each) for each in row.settings), row.setting


def test_what_is_reported_or_assumed_names_its_switch_or_says_that_there_is_none():
    for row in ROWS:
        if row.mark in ("REPORTED", "ASSUMED"):
            assert row.settings or row.setting in (NO_SWITCH, NOT_HERE), row.rule
        else:
            assert row.setting != NO_SWITCH, row.rule


@pytest.mark.parametrize(
    "text", ["[life] no_such_field", "[nothing] retries", "--no-such-option", "fault nonsense", ""]
)
def test_a_setting_that_is_none_is_noticed(text):
    assert not is_setting(text)
