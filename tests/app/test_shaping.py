"""One shape and one change of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from app.entries import Change, Look, Shape
from app.protocol import clean_text
from app.shaping import Refused, change_shape, check_change, check_known, check_new, clean_change, make, weigh, whole

RECT = Shape(id="s", kind="rect", x=1.0, y=2.0)


@pytest.mark.parametrize("change", [Change(id="s"), Change(id="s", set=Look())])
def test_a_change_that_changes_nothing_is_refused(change: Change) -> None:
    with pytest.raises(Refused, match="'s' sets nothing and does not say gone"):
        check_change(change)


def test_a_change_is_cleaned() -> None:
    assert check_change(Change(id="s", set=Look(x=1.0, text=" a\x07\r\nb "))) == Change(
        id="s", set=Look(x=1.0, text="a\nb")
    )
    assert check_change(Change(id="s", set=Look(x=1.0), gone=True)) == Change(id="s", gone=True)
    kept = Change(id="s", set=Look(text="as it is"))
    assert check_change(kept) is kept
    assert clean_change(Change(id="s")) == Change(id="s")


@given(st.text(max_size=30))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean_change(Change(id="s", set=Look(text=text)))
    assert clean_change(once) is once
    assert isinstance(once.set, Look)
    assert once.set.text == clean_text(text)


@pytest.mark.parametrize(
    ("look", "why"),
    [
        (Look(kind="rect", x=1.0), "needs kind, x and y"),
        (Look(kind="rect", y=1.0), "needs kind, x and y"),
        (Look(kind="rect", x=1.0, y=1.0, points=[]), "only a pen has points"),
        (Look(kind="pen", x=1.0, y=1.0, points=[1.0]), "one number too many"),
    ],
)
def test_a_shape_that_cannot_be_made_is_refused(look: Look, why: str) -> None:
    with pytest.raises(Refused, match=why):
        check_new("s", look)


@pytest.mark.parametrize(
    ("look", "why"), [(Look(kind="note"), "is of kind 'rect' and stays so"), (Look(points=[1.0, 2.0]), "only a pen")]
)
def test_a_shape_keeps_its_kind(look: Look, why: str) -> None:
    with pytest.raises(Refused, match=why):
        check_known(RECT, look)
    check_known(RECT, Look(kind="rect", x=5.0))


def test_a_change_stamps_what_it_writes_and_leaves_the_shape_before_alone() -> None:
    first = make("s", Look(kind="rect", x=1.0, y=2.0), 5)
    second = change_shape(first, Look(kind="rect", x=3.0, fill="red"), 6)
    third = change_shape(second, Look(x=4.0), 7)
    assert (first.shape, first.made, first.stamps) == (RECT, 5, {})
    assert (second.shape.x, second.shape.fill, second.made, second.stamps) == (3.0, "red", 5, {"x": 6, "fill": 6})
    assert (third.shape.x, third.stamps) == (4.0, {"x": 7, "fill": 6})
    # Made and changed by one entry: all of it is that entry's.
    assert change_shape(first, Look(x=9.0), 5).stamps == {}


def test_all_of_a_shape_makes_it_again() -> None:
    shape = Shape(id="p", kind="pen", x=1.0, y=2.0, points=[0.0, 1.0], sw=3.0)
    look = whole(shape)
    assert (look.points, look.text) == ([0.0, 1.0], UNSET)
    assert make("p", look, 1).shape == shape


def test_text_and_points_weigh() -> None:
    assert weigh(Look(text="ä", points=[1.0, 2.0])) == weigh(Look()) + 2 + 18
