"""A bounded memory of what was seen lately."""

from app.recent import Recent


def test_a_thing_is_remembered_for_its_life() -> None:
    recent: Recent[str] = Recent(10.0)
    recent.add("a", 100.0)
    recent.add("b", 105.0)
    assert (recent.has("a", 110.0), recent.has("a", 110.1)) == (True, False)
    assert recent.all(111.0) == {"b"}
    recent.add("a", 112.0)
    assert recent.has("a", 120.0)


def test_the_oldest_is_forgotten_first_when_there_are_too_many() -> None:
    recent: Recent[int] = Recent(10.0, most=3)
    for n in (1, 2, 3, 1, 4):
        recent.add(n, 0.0)
    assert recent.all(0.0) == {1, 3, 4}
