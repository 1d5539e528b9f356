"""The chart of published figures shows with each one how far it was checked."""

from flylab.kit.reference import chart, times
from flylab.kit.verdict import Verdicts
from flylab.published.claims import claim


def test_an_unverified_figure_is_marked_in_the_legend_and_in_its_words():
    traces = {trace.name: trace for trace in chart("Firecracker", [claim("c052"), claim("c016")]).plot.data}
    marked, plain = (
        next(each for name, each in traces.items() if ("not verified" in name) is is_) for is_ in (True, False)
    )
    assert marked.marker.symbol != plain.marker.symbol
    assert "146 ms (unverified)" in marked.customdata[0]
    assert "unverified" not in plain.customdata[0]


def test_a_verdict_on_an_unverified_figure_says_so():
    verdicts = Verdicts("04")
    verdicts.predict("c052", "less than that")
    assert "146 ms (unverified)" in verdicts.rows["c052"].claim


def test_what_was_looked_for_and_not_found_is_no_time():
    assert claim("c112") not in times("durable-objects")
