"""docs/faults.md and docs/codes.md are what the product and the tests say."""

import pytest

from flylab.rules.fault_names import KNOWN
from flylab.wire.codes import CODES
from flylab.wire.proxy_codes import PROXY_CODES
from tests import tables


@pytest.mark.parametrize("page", tables.PAGES, ids=lambda page: page.name)
def test_the_page_is_current(page):
    assert tables.renewed(page) == page.read_text(), f"renew docs/{page.name}: python -m tests.tables"


def test_every_fault_is_shown():
    shown = tables.faults_shown()
    assert not shown.keys() - KNOWN.keys()
    # Its cure needs a library that is not ours, so a page describes how to do it by hand.
    assert KNOWN.keys() - shown.keys() == {"clock_skew"}


def test_every_code_that_is_said_has_its_words_and_a_test():
    said, tests = tables.codes_in_use(), tables.codes_shown()
    assert said
    for name in said:
        assert PROXY_CODES[name].here, f"wire/proxy_codes.py: say when {name} comes"
        assert name in tests, f"no test has {name} in its text"
    assert {name for name in CODES if name[:1] == "P"} == PROXY_CODES.keys()
