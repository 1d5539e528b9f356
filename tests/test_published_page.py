"""docs/published.md says what the package data says."""

from collections import Counter

import pytest

from flylab.published.claims import claims
from flylab.published.lookup import rows
from tests.published_page import PAGE, renewed


def test_the_computed_tables_are_current():
    assert renewed(PAGE.read_text()) == PAGE.read_text(), "renew it: python -m tests.published_page"


@pytest.mark.parametrize(("status", "n"), Counter(each.status for each in claims().values()).items())
def test_the_page_counts_the_claims_of_each_status(status, n):
    assert f"| {status} | {n} | `" in PAGE.read_text()


def test_every_file_of_the_package_data_is_named():
    folder = PAGE.parents[1] / "lib" / "flylab" / "published"
    for file in folder.glob("*.csv"):
        assert f"`{file.name}`" in PAGE.read_text()
        assert next(rows(file.name))
