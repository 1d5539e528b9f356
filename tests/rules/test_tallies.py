"""What is counted of exchanges, and what is forgotten."""

from hypothesis import given
from hypothesis import strategies as st

from flylab.rules.hops import Cause, Hop
from flylab.rules.tallies import BUCKETS, Tallies, Times


def hop(machine: str, status: int | None, ended: float | None = 2.0) -> Hop:
    return Hop(
        machine=machine, app="blue", region="ams", cause=Cause.ROUTE, wanted="", started=1.0, ended=ended, status=status
    )


@given(st.lists(st.floats(0, 100), max_size=50))
def test_buckets_hold_what_is_at_most_their_bound(times: list[float]) -> None:
    counted = Times()
    for seconds in times:
        counted.add(seconds)
    told = dict(counted.cumulative())
    for bound in BUCKETS:
        assert told[str(bound)] == sum(seconds <= bound for seconds in times)
    assert told["+Inf"] == counted.timed == counted.count == len(times)


def test_an_exchange_counts_at_the_edge_and_at_each_machine_that_answered() -> None:
    tallies = Tallies("ams")
    tallies.exchange("blue", 200, 0.5, [hop("m1", 409), hop("m2", 200), hop("m3", None), hop("m4", 200, None)], 10, 20)
    tallies.exchange("blue", None, 9.0, [], 1, 2)
    tallies.exchange("blue", 101, 3600.0, [hop("m2", 101)], 5, 5)
    assert {key: times.count for key, times in tallies.answers.items()} == {("blue", 200): 1, ("blue", 101): 1}
    assert tallies.answers["blue", 101].timed == 0  # how long a socket lasted is not the time of an answer
    assert {key: times.count for key, times in tallies.visits.items()} == {
        ("m1", 409): 1,
        ("m2", 200): 1,
        ("m2", 101): 1,
    }
    assert tallies.bytes == {"blue": [16, 27]}


def test_what_is_gone_is_forgotten() -> None:
    tallies = Tallies("ams")
    for number in range(11_000):
        tallies.exchange(f"app{number % 3}", 200, 0.1, [hop(f"m{number}", 200)], 1, 1)
    tallies.connected("m1", 0.1)
    assert tallies.large
    tallies.keep(lambda app: app == "app1", lambda machine: machine == "m1")
    assert list(tallies.answers) == [("app1", 200)]
    assert list(tallies.bytes) == ["app1"]
    assert list(tallies.visits) == [("m1", 200)]
    assert list(tallies.connects) == ["m1"]
    assert not tallies.large
