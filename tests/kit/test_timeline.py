"""State changes become spans."""

from flylab.kit.figures import basis
from flylab.kit.timeline import Change, Span, spans, timeline


def test_a_state_lasts_until_the_next_one_and_the_last_until_the_end() -> None:
    changes = [
        Change(machine="b", state="created", at=101.0),
        Change(machine="a", state="starting", at=100.0),
        Change(machine="a", state="started", at=100.5),
    ]
    assert spans(changes, until=103.0) == [
        Span(machine="a", state="starting", start=0.0, seconds=0.5),
        Span(machine="a", state="started", start=0.5, seconds=2.5),
        Span(machine="b", state="created", start=1.0, seconds=2.0),
    ]


def test_a_destroyed_machine_takes_no_room() -> None:
    changes = [Change(machine="a", state="destroying", at=1.0), Change(machine="a", state="destroyed", at=2.0)]
    assert spans(changes, until=9.0) == [Span(machine="a", state="destroying", start=0.0, seconds=1.0)]


def test_nothing_happened() -> None:
    assert spans([], until=1.0) == []


def test_a_change_after_the_end_has_no_negative_length() -> None:
    (span,) = spans([Change(machine="a", state="started", at=5.0)], until=4.0)
    assert span.seconds == 0.0


def test_rows_of_another_kind_are_drawn_as_that_kind() -> None:
    rows = [Span(machine=name, state="started", start=0.0, seconds=1.0) for name in ("real", "reckoned")]
    about = basis("measured", "simulated", unit="s")
    bars = timeline("Two kinds", rows, about, kinds={"reckoned": "simulated"}).plot.data
    assert [(list(bar.y), bool(bar.marker.pattern.shape)) for bar in bars] == [([0], False), ([1], True)]
    assert [bar.showlegend for bar in bars] == [True, False]
