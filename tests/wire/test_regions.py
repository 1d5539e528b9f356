"""Region codes, aliases and lists."""

import pytest

from flylab.errors import ParseError
from flylab.published.network import regions
from flylab.wire.regions import ALIASES, format_region_list, is_region_code, parse_region_list, regions_of


def test_the_aliases_cover_what_the_published_table_says():
    published = {}
    for region in regions():
        for alias in region.aliases:
            published.setdefault(alias, []).append(region.code)
    published["usa"] = published["us"]
    assert {alias: tuple(codes) for alias, codes in published.items()} == ALIASES


def test_a_list_keeps_its_order():
    assert parse_region_list(" fra,ams , EU,any") == ("fra", "ams", "eu", "any")


@pytest.mark.parametrize("text", ["", "ams,", "amsterdam", "a1s", "ams;fra"])
def test_what_is_no_list_is_refused(text):
    with pytest.raises(ParseError):
        parse_region_list(text)


def test_only_a_list_of_several_is_quoted():
    assert format_region_list(("ams",)) == "ams"
    assert format_region_list(("ams", "eu")) == '"ams,eu"'


def test_any_is_every_known_region_and_an_unknown_code_is_itself():
    assert regions_of("any", ("ams", "iad")) == ("ams", "iad")
    assert regions_of("us", ("ams",)) == ALIASES["us"]
    assert regions_of("xyz", ("ams",)) == ("xyz",)
    assert is_region_code("xyz")
    assert not is_region_code("XYZ")
