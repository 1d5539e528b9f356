"""The fold of events and exchanges: what a batch says, that it is bounded, and that nothing of it is lost."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from flylab.kit.control.picture import Bounds, Picture
from tests.kit.control.told import event, exchange, hop, listed

STATES = ("created", "starting", "started", "stopping", "stopped", "suspended", "failed", "destroyed")


def test_what_happens_to_a_machine_between_two_takes_is_one_entry() -> None:
    picture = Picture()
    for state in ("created", "starting", "started"):
        picture.machine(event(state=state))
    batch = picture.take(1001.0)
    assert batch["machines"] == [{"id": "m1", "name": "m1", "app": "app", "region": "ams", "state": "started"}]
    assert picture.take(1002.0)["machines"] == []


def test_a_destroyed_machine_is_gone_once_and_one_that_nobody_saw_is_not_told_of() -> None:
    picture = Picture()
    picture.machine(event())
    picture.take(1001.0)
    picture.machine(event(state="destroyed"))
    picture.machine(event("m2"))
    picture.machine(event("m2", "destroyed"))
    batch = picture.take(1002.0)
    assert "m1" in batch["gone"]
    assert batch["machines"] == []
    assert picture.take(1003.0)["gone"] == []
    assert picture.machines == {}


def test_checks_and_ports_change_no_state() -> None:
    picture = Picture()
    picture.machine(event())
    assert not picture.machine({"type": "check", "machine": "m1", "state": "", "at": 1.0})
    assert not picture.machine({"type": "port", "at": 1.0})
    assert picture.machines["m1"]["state"] == "started"


def test_a_list_of_machines_replaces_what_was_known() -> None:
    picture = Picture()
    picture.listed([listed("m1"), listed("m2")])
    picture.take(1001.0)
    picture.listed([listed("m2", "stopped")])
    batch = picture.take(1002.0)
    assert batch["gone"] == ["m1"]
    assert [machine["state"] for machine in batch["machines"]] == ["stopped"]


def test_an_event_of_a_machine_without_a_price_asks_for_it() -> None:
    picture = Picture()
    assert picture.machine(event())
    picture.priced("m1", {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256}, "ams")
    assert not picture.machine(event(state="stopping"))
    picture.priced("unseen", {}, "ams")
    picture.machine(event("unseen"))
    assert picture.read(1001.0)["unpriced"] == 1


def test_money_is_what_runs_by_published_prices() -> None:
    picture = Picture()
    picture.listed([listed("m1", region="iad"), listed("m2", "stopped"), listed("m3", region="iad", memory_mb=1280)])
    # p001 and p003 of published/prices.csv: 0.0000008465 USD a second, 0.000002316 for each further GB; iad is 1.
    assert picture.read(1001.0)["usd_per_hour"] == round(3600 * (2 * 0.0000008465 + 0.000002316), 6)
    assert picture.read(1001.0)["running"] == 2


def test_arcs_say_how_an_exchange_went_and_start_at_its_edge() -> None:
    picture = Picture()
    woke = {"requested_ms": 1.0, "started_ms": 2.0, "reachable_ms": 3.0}
    way = [hop(outcome="replay"), hop("nrt", "m2", cause="replay"), hop("iad", "m3", cause="replay", woke=woke)]
    picture.exchange(exchange(hops=way))
    drawn = [(arc["kind"], arc["from"], arc["to"], arc["machine"], arc["hop"]) for arc in picture.take(1)["arcs"]]
    assert drawn == [
        ("serve", "ams", "ams", "m1", 1),
        ("replay", "ams", "nrt", "m2", 2),
        ("wake", "ams", "iad", "m3", 3),
    ]


def test_a_refusal_is_drawn_where_it_happened() -> None:
    picture = Picture()
    picture.exchange(exchange("a", hops=[], status=404, code="PE01"))
    picture.exchange(exchange("b", hops=[hop("nrt", outcome="error", status=None)], status=502, code="PU02"))
    drawn = [(arc["kind"], arc["from"], arc["to"]) for arc in picture.take(1001.0)["arcs"]]
    assert drawn == [("refuse", "ams", "ams"), ("refuse", "ams", "nrt")]


def test_arcs_of_one_way_are_one_with_a_number_and_what_is_above_the_bound_is_counted() -> None:
    picture = Picture(Bounds(arcs=2))
    for number, region in enumerate(["ams", "ams", "nrt", "iad", "syd"]):
        picture.exchange(exchange(f"x{number}", hops=[hop(region)]))
    batch = picture.take(1001.0)
    assert [(arc["to"], arc["n"]) for arc in batch["arcs"]] == [("ams", 2), ("nrt", 1)]
    assert batch["more_arcs"] == {"serve": 2}
    assert picture.take(1002.0)["more_arcs"] == {}


def test_a_pipe_is_one_request_that_is_told_when_it_opens_and_again_when_it_ends() -> None:
    picture = Picture()
    picture.exchange(exchange(status=101, open=True))
    first = picture.take(1001.0)
    assert (len(first["arcs"]), first["gauges"]["open"], first["exchanges"][0]["open"]) == (1, 1, True)
    picture.exchange(exchange(status=101, total_ms=60_000.0))
    second = picture.take(1061.0)
    assert (second["arcs"], second["gauges"]["open"], len(second["exchanges"])) == ([], 0, 1)
    assert (second["exchanges"][0]["opened_ms"], second["exchanges"][0]["total_ms"]) == (20.0, 60_000.0)
    assert second["gauges"]["totals"] == {"requests": 1}
    # How long it was open is not how fast anything is; how long it took to open is.
    assert (first["gauges"]["n"], first["gauges"]["p50_ms"], second["gauges"]["p50_ms"]) == (1, 20.0, None)


def test_quantiles_need_enough_values_and_say_how_many_there_are() -> None:
    picture = Picture()
    for number in range(999):
        picture.exchange(exchange(f"x{number}", total_ms=float(number)))
    few = picture.read(1001.0)
    picture.exchange(exchange("last", total_ms=999.0))
    enough = picture.read(1002.0)
    assert (few["n"], few["p99_ms"], enough["n"], enough["p99_ms"]) == (999, None, 1000, 989.0)
    assert enough["p50_ms"] == 499.0
    assert enough["p50_configured_ms"] == 8.0
    gone = picture.read(1100.0)
    assert (gone["n"], gone["requests_per_s"], gone["p50_ms"]) == (0, 0.0, None)


def test_what_is_unusual_is_kept_when_there_is_too_much() -> None:
    picture = Picture(Bounds(exchanges=2))
    picture.exchange(exchange("odd", status=503, code="PR03"))
    for number in range(5):
        picture.exchange(exchange(f"x{number}"))
    batch = picture.take(1001.0)
    assert [record["id"] for record in batch["exchanges"]] == ["odd", "x4"]
    assert batch["more_exchanges"] == 4


def test_whoever_begins_to_look_gets_all_and_takes_nothing_away() -> None:
    picture = Picture()
    picture.world({"regions": ["ams", "nrt"], "edges": ["ams"], "rtt_ms": {"ams": {"nrt": 230.0}}})
    picture.listed([listed("m1"), listed("m2", "stopped")])
    picture.exchange(exchange())
    whole = picture.whole(1001.0)
    assert (len(whole["machines"]), len(whole["exchanges"]), whole["about"]["edges"]) == (2, 1, ["ams"])
    batch = picture.take(1002.0)
    assert (len(batch["machines"]), len(batch["exchanges"]), batch["about"]["edges"]) == (2, 1, ["ams"])
    assert "about" not in picture.take(1003.0)


def test_a_lost_platform_keeps_its_last_picture() -> None:
    picture = Picture()
    picture.world({"regions": ["ams"]})
    picture.listed([listed()])
    picture.lost()
    batch = picture.take(1001.0)
    assert (batch["platform"], len(batch["machines"])) == ("lost", 1)


def test_pipes_end_with_their_platform_and_not_with_the_stream_that_tells_of_them() -> None:
    picture = Picture()
    picture.world({"regions": ["ams"], "pid": 7})
    picture.exchange(exchange(status=101, open=True))
    picture.lost()
    picture.world({"regions": ["ams"], "pid": 7})
    assert picture.read(1001.0)["open"] == 1
    picture.world({"regions": ["ams"], "pid": 8})
    assert picture.read(1002.0)["open"] == 0


changes = st.tuples(st.integers(0, 12), st.sampled_from(STATES), st.sampled_from(["ams", "nrt"]))


@given(st.lists(st.lists(changes, max_size=40), max_size=6))
def test_who_applies_every_batch_knows_what_the_picture_knows(rounds: list[list[tuple[int, str, str]]]) -> None:
    picture, page = Picture(Bounds(machines=3)), dict[str, Any]()

    def draw() -> dict[str, Any]:
        batch = picture.take(1.0)
        for machine_id in batch["gone"]:
            page.pop(machine_id, None)
        page.update({machine["id"]: machine for machine in batch["machines"]})
        assert len(batch["machines"]) <= 3
        return batch

    for events in rounds:
        for number, state, region in events:
            picture.machine(event(f"m{number}", state, region=region))
        draw()
    while draw()["machines"]:
        pass
    assert page == picture.machines


@given(st.lists(st.tuples(st.sampled_from(["ams", "nrt", "iad"]), st.sampled_from(["ams", "syd"])), max_size=60))
def test_every_hop_is_drawn_or_counted(ways: list[tuple[str, str]]) -> None:
    picture = Picture(Bounds(arcs=3))
    for number, (edge, region) in enumerate(ways):
        picture.exchange(exchange(f"x{number}", edge=edge, hops=[hop(region)]))
    batch = picture.take(1.0)
    assert sum(arc["n"] for arc in batch["arcs"]) + sum(batch["more_arcs"].values()) == len(ways)
