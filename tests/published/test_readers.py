"""The readers that the package itself offers, and that a reader of it would type."""

import pytest

from flylab import published


@pytest.mark.parametrize("name", published.__all__)
def test_a_reader_of_the_package_is_that_of_its_module(name: str) -> None:
    reader = getattr(published, name)
    assert reader.__name__ == name
    assert reader.__module__.startswith("flylab.published.")


def test_a_claim_by_its_id() -> None:
    assert published.claim("c045").source_title


def test_what_the_package_does_not_have_is_no_attribute_of_it() -> None:
    with pytest.raises(AttributeError, match=r"flylab\.published.*nothing_such"):
        published.nothing_such  # noqa: B018
