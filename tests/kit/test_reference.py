"""The chart of published figures shows with each one how far it was checked."""

from flylab.kit.reference import chart, times
from flylab.kit.verdict import Verdicts
from flylab.published.claims import claim


def test_an_unverified_figure_is_marked_at_its_name_and_in_its_words():
    fig = chart("Firecracker", [claim("c052"), claim("c016")])
    assert [name.endswith("(unverified)") for name in fig.layout.yaxis.ticktext] == [True, False]
    words = fig.data[-1].customdata
    assert "146 ms (unverified)" in words[0]
    assert "unverified" not in words[1]


def test_a_verdict_on_an_unverified_figure_says_so():
    verdicts = Verdicts("04")
    verdicts.predict("c052", "less than that")
    assert "146 ms (unverified)" in verdicts.rows["c052"].claim


def test_what_was_looked_for_and_not_found_is_no_time():
    assert claim("c112") not in times("durable-objects")
