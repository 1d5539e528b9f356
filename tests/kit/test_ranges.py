"""What a notebook says a parameter can be is what it can be."""

import re
from typing import Any

import pytest

from flylab.errors import UsageError
from flylab.kit import ranges

EIGHT = "lines a second (1 to 3 numbers, each 0.5 to 8)"


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("how often (1 to 500)", 1),
        ("how often (1 to 500)", 500),
        ("a share (0 to 1)", 0.5),
        ("where (2 to 18 regions)", ["ams", "iad"]),
        (EIGHT, [0.5]),
        (EIGHT, [0.5, 8, 3.25]),
        ("three (3 numbers, each 0.01 to 10000)", [500, 2.5, 0.3]),
        ("loads (2 to 4 whole numbers, each 1 to 9)", [1, 9]),
        ("home (a region)", "ams"),
        ('where ("local" or "fly")', "fly"),
        ("anything at all", "anything"),
        ("a pair (of shoes)", -1),
    ],
)
def test_what_the_words_allow_passes(words: str, value: Any) -> None:
    ranges.check("it", value, words)


@pytest.mark.parametrize(
    ("words", "value", "says"),
    [
        ("how often (1 to 500)", 0, "parameter it is 0; it can be 1 to 500"),
        ("how often (1 to 500)", 501, "parameter it is 501; it can be 1 to 500"),
        ("how much (0 to 100)", -0.01, "parameter it is -0.01; it can be 0 to 100"),
        ("how much (0 to 100)", float("nan"), "parameter it is nan; it can be 0 to 100"),
        ("how much (0 to 100)", float("inf"), "parameter it is inf; it can be 0 to 100"),
        ("where (2 to 18 regions)", ["ams"], "it is a list of 2 to 18 regions"),
        ("where (2 to 18 regions)", [], "parameter it is []; it is a list of 2 to 18 regions"),
        ("where (2 to 18 regions)", ["ams", "xyz"], "'xyz' is not a region: it can be one of ams, "),
        ("where (2 to 18 regions)", ["ams", 3], "3 is not a region"),
        ("where (2 to 18 regions)", ["ams", ["iad"]], "['iad'] is not a region"),
        ("where (2 to 18 regions)", ["ams", "ams"], "a region can be in it once"),
        (EIGHT, [], "it is a list of 1 to 3 numbers"),
        (EIGHT, [1, 2, 3, 4], "it is a list of 1 to 3 numbers"),
        (EIGHT, [1, 9], "each number in it can be 0.5 to 8, and 9 is not"),
        (EIGHT, [1, "2"], "and '2' is not"),
        (EIGHT, [1, True], "and True is not"),
        ("three (3 numbers, each 0 to 9)", [1, 2], "it is a list of 3 numbers"),
        (
            "loads (2 to 4 whole numbers, each 1 to 9)",
            [1, 2.5],
            "each whole number in it can be 1 to 9, and 2.5 is not",
        ),
        ("loads (2 to 4 whole numbers, each 1 to 9)", [3, 3], "a number can be in it once"),
        ("home (a region)", "AMS", "parameter it is 'AMS'; it can be one of ams, "),
        ('where ("local" or "fly")', "moon", "parameter it is 'moon'; it can be 'local' or 'fly'"),
    ],
)
def test_what_they_do_not_allow_is_refused_with_value_and_rule(words: str, value: Any, says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        ranges.check("it", value, words)


def test_what_is_a_rule_can_be_told() -> None:
    assert ranges.stated("how often (1 to 500)")
    assert ranges.stated('where ("local" or "fly")')
    assert not ranges.stated("how often")
    assert not ranges.stated("how often (1 to 500) and more")
