"""What an edge knows late."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from flylab.rules.late import LateLoads, LateView, refusal
from flylab.rules.rows import AppRow, Loads, Row, View
from flylab.wire.machine import MachineState


def row(machine_id="a", state="started", app="shop"):
    return Row(id=machine_id, app=app, region="ams", state=MachineState(state), version="v1", services=())


def test_a_change_is_seen_when_the_news_are_heard():
    """DOCUMENTED monitoring/error-codes, PM11: the state of a machine reaches the edges with a delay."""
    truth = View()
    truth.put(row("old"))
    late = LateView(truth, 1.0)
    truth.put(row("a"))
    truth.drop("old")
    assert (late.row("a"), late.row("old")) == (None, row("old"))
    late.hear()
    assert [each.id for each in late.rows("shop")] == ["a"]
    truth.put(row("a", "stopped"))
    assert late.row("a").state is MachineState.STARTED
    late.hear()
    assert late.row("a").state is MachineState.STOPPED


def test_what_it_has_to_do_with_it_learns_at_once_and_old_news_do_not_undo_that():
    truth = View()
    late = LateView(truth, 1.0)
    truth.put(row("a", "stopped"))
    truth.put(row("b"))
    truth.put(row("a"))
    late.learn("a")
    assert late.row("a") == row("a")
    assert late.row("b") is None
    late.hear()
    assert (late.row("a"), late.row("b")) == (row("a"), row("b"))
    truth.drop("b")
    late.learn("b")
    assert late.row("b") is None


def test_names_are_never_late_and_a_dropped_app_takes_its_machines_along():
    truth = View()
    late = LateView(truth, 1.0)
    truth.put_app(AppRow(name="shop", organization="personal"))
    truth.put_host("shop.example.com", "shop")
    assert late.app("shop") == AppRow(name="shop", organization="personal")
    assert late.app_of_host("shop.localhost") == late.app_of_host("shop.example.com") == "shop"
    truth.put(row())
    late.hear()
    truth.drop_app("shop")
    assert late.app_of_host("shop.localhost") is None
    assert late.row("a") == row()
    late.hear()
    assert late.row("a") is None
    late.leave()
    truth.put(row())
    late.hear()
    assert late.row("a") is None


def test_own_requests_count_at_once_and_those_of_others_when_heard():
    """ASSUMED: load is known per proxy and spreads with the same delay as states."""
    shared = Loads()
    here, there = LateLoads(shared), LateLoads(shared)
    here.reserve("a")
    there.reserve("a")
    there.reserve("b")
    assert (here.of("a"), here.of("b"), shared.of("a")) == (1, 0, 2)
    here.hear()
    assert (here.of("a"), here.of("b")) == (2, 1)
    there.release("b")
    assert here.of("b") == 1
    here.hear()
    assert here.of("b") == 0
    assert shared.touched() == {"a", "b"}


def test_who_waits_for_a_place_is_told_of_own_releases_at_once_and_of_others_when_heard():
    shared = Loads()
    here, there = LateLoads(shared), LateLoads(shared)
    heard = []
    here.reserve("a")
    there.reserve("a")
    here.hear()
    here.on_release(lambda: heard.append("own"))
    here.release("a")
    assert heard == ["own"]
    here.on_release(lambda: heard.append("other"))
    there.reserve("b")
    here.hear()
    assert heard == ["own"]
    there.release("a")
    assert heard == ["own"]
    here.hear()
    assert heard == ["own", "other"]


def test_a_host_refuses_what_an_old_view_sends():
    truth = View()
    truth.put(row("a"))
    truth.put(row("b", "suspended"))
    truth.put(replace(row("d"), cordoned=True))
    assert refusal(truth, row("a")) is None
    assert refusal(truth, row("b")) == "PM11"
    assert refusal(truth, row("c")) == "PR02"
    assert refusal(truth, row("d")) == "PR02"


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.booleans()), max_size=40), st.data())
def test_once_heard_every_edge_counts_the_same(steps, data):
    shared = Loads()
    edges = {"a": LateLoads(shared), "b": LateLoads(shared)}
    held = []
    for edge, machine, give in steps:
        if give and held:
            whose, what = held.pop(data.draw(st.integers(0, len(held) - 1)))
            edges[whose].release(what)
        else:
            edges[edge].reserve(machine)
            held.append((edge, machine))
    for edge in edges.values():
        edge.hear()
        assert [edge.of(machine) for machine in "xyz"] == [shared.of(machine) for machine in "xyz"]
