"""Ordering regions by their distance."""

from flylab.published.network import rtt
from flylab.rules.proximity import by_closeness, expand

KNOWN = ("ams", "fra", "iad", "lax", "lhr", "nrt", "syd")


def test_regions_come_nearest_first_and_the_own_one_before_all():
    assert by_closeness("ams", KNOWN, rtt())[:4] == ("ams", "lhr", "fra", "iad")
    assert by_closeness("syd", KNOWN, rtt())[0] == "syd"


def test_equally_near_regions_are_ordered_by_code():
    assert by_closeness("x", ["c", "a", "b", "a"], lambda a, b: 1.0) == ("a", "b", "c")


def test_a_list_keeps_its_order_and_its_aliases_are_ordered_by_distance():
    assert expand(("nrt", "eu", "any"), "iad", KNOWN, rtt()) == ("nrt", "lhr", "ams", "fra", "iad", "lax", "syd")


def test_a_region_that_is_not_known_is_left_out():
    assert expand(("gru", "sa"), "ams", KNOWN, rtt()) == ()
