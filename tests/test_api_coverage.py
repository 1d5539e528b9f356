"""docs/api-coverage.md says what is so: the routes that there are, and tests that exist."""

from tests import api_coverage, openapi
from tests.support import ROOT

WORKS, SEEN = api_coverage.read(api_coverage.PAGE.read_text())
RENEW = "renew docs/api-coverage.md: python -m tests.api_coverage"


def test_the_page_names_every_operation_and_says_whether_it_has_a_route():
    assert api_coverage.render(api_coverage.offered(), SEEN) == api_coverage.PAGE.read_text(), RENEW
    assert {"Machines_list", "Machines_wait", "Apps_create"} <= {name for name, _ in WORKS}


def test_the_tests_that_it_names_exist():
    assert [file for files in SEEN.values() for file in files if not (ROOT / file).is_file()] == [], RENEW


def test_whatever_works_is_seen_to_work():
    assert sorted(WORKS - set(SEEN)) == []
    assert sorted(set(SEEN) - WORKS) == []


def test_a_page_reads_as_it_was_written():
    works = {("Machines_list", "GET"), ("Apps_show", "GET")}
    seen = {("Machines_list", "GET"): {"tests/contract/test_lists.py", "tests/local/test_api.py"}}
    page = api_coverage.render(works, seen)
    assert api_coverage.read(page) == (works, seen)
    assert page.count("\n| ") == len(openapi.operations()) + 1
