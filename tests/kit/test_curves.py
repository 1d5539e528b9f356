"""Stepped lines: one for each name, its numbers in the table and in words."""

from flylab.kit import curves
from flylab.kit.figures import basis

ABOUT = basis("simulated", unit="machines")


def test_each_line_holds_until_it_changes_and_is_told_apart_without_colour():
    shown = curves.steps("Two", {"a": [(1, 2), (2, 4)], "b": [(1, 0), (2, 1)]}, ABOUT, x="hour", y="machines")
    lines = shown.plot.data
    assert [line.name for line in lines] == ["a", "b"]
    assert {line.line.shape for line in lines} == {"hv"}
    assert lines[0].marker.symbol != lines[1].marker.symbol
    assert shown.n == 4
    assert [(row["name"], row["mean"], row["most"]) for row in shown.rows] == [("a", 3, 4), ("b", 0.5, 1)]
    assert "a: 3 on average, at most 4" in shown.alt


def test_no_line_is_said():
    shown = curves.steps("None", {}, ABOUT, x="hour", y="machines")
    assert shown.rows == ()
    assert "Nothing to show." in str(shown.plot.layout.annotations)
