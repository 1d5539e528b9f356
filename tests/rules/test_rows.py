"""The indices of a view are what its rows say."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from flylab.published.network import rtt
from flylab.rules.late import LateLoads
from flylab.rules.proximity import by_closeness
from flylab.rules.rows import AppRow, Loads, Row, View
from flylab.wire.machine import MachineState

APPS, REGIONS = ("shop", "blog"), ("ams", "iad", "nrt")
rows = st.builds(
    Row,
    id=st.sampled_from("abcdef"),
    app=st.sampled_from(APPS),
    region=st.sampled_from(REGIONS),
    state=st.sampled_from([MachineState.STARTED, MachineState.STOPPED]),
    version=st.just("v1"),
    services=st.just(()),
)
steps = st.lists(st.one_of(rows, st.sampled_from("abcdef"), st.sampled_from(APPS)), max_size=30)


@given(steps)
def test_whatever_is_put_and_dropped_the_indices_agree(steps):
    view, truth, told = View(), {}, []
    view.tell(told.append)
    for step in steps:
        if isinstance(step, Row):
            view.put(step)
            truth[step.id] = step
        elif step in APPS:
            view.drop_app(step)
            truth = {key: row for key, row in truth.items() if row.app != step}
        else:
            view.drop(step)
            truth.pop(step, None)
        assert {row.id: row for row in view.all_rows()} == truth
        for app in APPS:
            mine = {key: row for key, row in truth.items() if row.app == app}
            assert {row.id: row for row in view.rows(app)} == mine
            regions = {row.region for row in mine.values()}
            assert view.places(app) == {
                region: {key: row for key, row in mine.items() if row.region == region} for region in regions
            }
            for edge in REGIONS:
                assert view.near(app, edge, rtt()) == by_closeness(edge, regions, rtt())
    assert set(truth) <= set(told)


def test_who_wants_no_more_news_gets_none():
    view, told = View(), []
    view.tell(told.append)
    view.tell_no_more(told.append)
    view.tell_no_more(told.append)
    view.put_app(AppRow(name="shop", organization="personal"))
    view.put(Row(id="a", app="shop", region="ams", state=MachineState.STARTED, version="v1", services=()))
    assert told == []


def test_a_view_has_another_version_after_every_change_and_after_nothing_else():
    view, row = View(), Row(id="m", app="a", region="ams", state=MachineState.STARTED, version="1", services=())
    seen = [view.version]
    for change in (
        lambda: view.put_app(AppRow(name="a", organization="o")),
        lambda: view.put_host("a.example", "a"),
        lambda: view.put(row),
        lambda: view.put(replace(row, healthy=False)),
        lambda: view.drop("m"),
        lambda: view.drop_host("a.example"),
        lambda: view.drop_app("a"),
    ):
        change()
        seen.append(view.version)
    assert len(set(seen)) == len(seen)
    view.app_of_host("a.localhost")
    view.drop("m")
    assert view.version == seen[-1]


def test_a_place_is_entered_below_a_load_alone():
    loads = Loads()
    assert [loads.enter("m", 2) for _ in range(3)] == [True, True, False]
    assert loads.of("m") == 2
    assert loads.touched() == {"m"}
    late = LateLoads(loads)
    late.hear()
    assert not late.enter("m", 2)
    assert late.enter("m", 3)
    assert (late.of("m"), loads.of("m")) == (3, 3)
