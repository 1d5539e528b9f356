"""What is due when: order, moving, forgetting, and a heap that does not grow with what is moved."""

from hypothesis import given
from hypothesis import strategies as st

from flylab.rules.agenda import Agenda


def test_what_is_due_comes_in_its_order_once() -> None:
    agenda: Agenda[str] = Agenda()
    for key, due in (("b", 2.0), ("a", 1.0), ("c", 2.0), ("d", 3.0)):
        agenda.put(key, due)
    assert agenda.next_due() == 1.0
    assert agenda.take(2.5) == ["a", "b", "c"]
    assert agenda.take(2.5) == []
    agenda.put("d", 9.0)
    assert agenda.take(8.0) == []
    agenda.drop("d")
    agenda.drop("nobody")
    assert (agenda.next_due(), len(agenda)) == (None, 0)


def test_moving_one_key_often_keeps_the_heap_small() -> None:
    agenda: Agenda[str] = Agenda()
    for moment in range(10_000):
        agenda.put("a", float(moment))
    assert len(agenda._heap) < 100
    assert agenda.take(10_000.0) == ["a"]


@given(st.lists(st.tuples(st.sampled_from("put drop take".split()), st.integers(0, 5), st.integers(0, 20))))
def test_like_a_plain_table(steps: list[tuple[str, int, int]]) -> None:
    agenda: Agenda[int] = Agenda()
    table: dict[int, int] = {}
    for verb, key, moment in steps:
        if verb == "put":
            agenda.put(key, moment)
            table[key] = moment
        elif verb == "drop":
            agenda.drop(key)
            table.pop(key, None)
        else:
            due = {known for known, at in table.items() if at <= moment}
            taken = agenda.take(moment)
            assert set(taken) == due
            assert [table[one] for one in taken] == sorted(table[one] for one in taken)
            table = {known: at for known, at in table.items() if known not in due}
        assert agenda.next_due() == (min(table.values()) if table else None)
        assert all(known in agenda for known in table)
