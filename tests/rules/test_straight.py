"""The straight way: the exchange that follows it is the one that the long way would have made."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.published.network import rtt
from flylab.rules.attempts import Body
from flylab.rules.effects import Forward
from flylab.rules.exchange import Exchange
from flylab.rules.limits import ExchangeSettings
from flylab.rules.replay_settings import ReplaySettings
from flylab.rules.routing import AppRow, Loads, Row, View
from flylab.rules.shortlist import Shortlist
from flylab.rules.straight import allows, asks_nothing, says_nothing, visited, words_of
from flylab.rules.tallies import Tallies
from flylab.rules.tallies import straight as count
from flylab.rules.wishes import Asked
from flylab.wire import headers
from flylab.wire.machine import Concurrency, MachineState, Port, Service

CHOOSING = [{name.encode(): b"x"} for name in headers.CHOOSING]


class World:
    """Two apps of which one has machines by which a request may be answered."""

    def __init__(self, loads: list[int]) -> None:
        self.view, self.loads, self.rng = View(), Loads(), Random(5)
        service = Service(
            internal_port=8080,
            ports=(Port(port=80, handlers=("http",)),),
            concurrency=Concurrency(type="requests", soft_limit=3, hard_limit=4),
        )
        for number, load in enumerate([*loads, 0]):
            app = "rooms" if number < len(loads) else "other"
            self.view.put_app(AppRow(name=app, organization="personal"))
            state = MachineState.STARTED
            row = Row(id=f"m{number}", app=app, region="ams", state=state, version="1", services=(service,))
            self.view.put(row)
            for _ in range(load):
                self.loads.reserve(row.id)
        self.shortlist = Shortlist("ams", rtt())
        self.exchange = Exchange(
            Asked(app="rooms", host=b"rooms.localhost", values={b"host": b"rooms.localhost"}),
            view=self.view,
            loads=self.loads,
            settings=ExchangeSettings(),
            edge_region="ams",
            rtt=rtt(),
            rng=self.rng,
            shortlist=self.shortlist,
        )

    def state(self) -> dict[str, object]:
        """All that the exchange remembers, and who holds how many places."""
        own = {name: value for name, value in vars(self.exchange).items() if name not in OTHERS}
        return own | {"_loads": dict(self.loads.items()), "touched": set(self.loads.touched())}


# What is not the exchange's own state, or differs between any two worlds.
OTHERS = {"_view", "_loads", "_rng", "_rtt", "_shortlist", "_replaying"}

events = st.lists(
    st.sampled_from(("lost", "reused", "refused", "answer", "upgrade", "replay", "bad", "finished", "gone", "late")),
    max_size=6,
)


def tell(exchange: Exchange, event: str, now: float) -> object:
    """One event; what it gives, or the text of the refusal of an event out of turn."""
    said = {"replay": "app=other", "bad": "?"}.get(event)
    tells = {
        "lost": lambda: exchange.lost(now, reused=False, body=Body()),
        "reused": lambda: exchange.lost(now, reused=True, body=Body()),
        "refused": lambda: exchange.refused("PC01", now),
        "finished": lambda: exchange.finished(now),
        "gone": lambda: exchange.abandoned(now),
        "late": lambda: exchange.expired(now),
        "upgrade": lambda: exchange.responded(101, None, Body(), now, wall=now),
    }
    try:
        if event in tells:
            return tells[event]()
        return exchange.responded(200, said, Body(), now, wall=now)
    except Exception as exc:
        return f"{type(exc).__name__}: {exc}"


@given(st.lists(st.integers(0, 3), min_size=1, max_size=4), events)
def test_an_exchange_that_went_straight_goes_on_as_one_that_did_not(busy, then):
    long, straight = World(busy), World(busy)
    wanted_long = long.exchange.begin(10.0)
    if not isinstance(wanted_long, Forward):
        return  # nobody is below a limit
    long.exchange.connected(10.0)

    found = straight.shortlist.pick(straight.view, long.exchange.wanted, straight.loads, straight.rng)
    if found is None:
        return  # all are at their soft limits, which the short list leaves to the long way
    straight.loads.reserve(found.row.id)
    straight.exchange.took(found, 10.0)

    assert straight.state() == long.state()
    for number, event in enumerate(then, 11):
        assert tell(straight.exchange, event, number) == tell(long.exchange, event, number)
        assert straight.state() == long.state()


def test_what_went_straight_to_its_end_leaves_the_same_hop_loads_and_tallies():
    world = World([0])
    assert isinstance(world.exchange.begin(10.0), Forward)
    world.exchange.connected(10.0)
    world.exchange.responded(204, None, Body(), 11.0, wall=0.0)
    world.exchange.finished(12.0)
    choice = world.exchange._choice
    assert choice is not None
    assert [visited(choice, 10.0, 12.0, 204)] == world.exchange.hops
    long, straight = Tallies("ams"), Tallies("ams")
    for _ in range(2):
        long.exchange("rooms", 204, 2.0, world.exchange.hops, 7, 9)
        count(straight.answered("rooms", 204), straight.visited("m0", 204), 2.0)
    for name in ("answers", "visits"):
        (key, one), (other_key, other) = *getattr(long, name).items(), *getattr(straight, name).items()
        assert key == other_key
        assert [getattr(one, slot) for slot in one.__slots__] == [getattr(other, slot) for slot in other.__slots__]


@pytest.mark.parametrize(
    ("status", "values", "words"),
    [
        (409, {b"fly-replay": b"instance=b"}, "instance=b"),
        (200, {b"fly-replay": b"state=\xe9", b"content-type": b"text/html"}, "state=\xe9"),
        (101, {b"fly-replay": b"instance=b"}, None),
        (200, {b"fly-replay": b"instance=b", b"content-type": b"application/vnd.fly.replay+json"}, None),
        (200, {}, None),
    ],
)
def test_which_answers_are_a_replay_and_nothing_else(status, values, words):
    assert words_of(status, values) == words


@pytest.mark.parametrize("values", [*CHOOSING, {b"upgrade": b"x"}, {b"cookie": b"a=b; fly-force-instance-id=m1"}])
def test_a_request_with_a_wish_does_not_go_straight(values):
    assert not asks_nothing({b"host": b"rooms.localhost", **values})


def test_one_without_does():
    assert asks_nothing({b"host": b"rooms.localhost", b"cookie": b"a=b"})


@pytest.mark.parametrize(
    ("status", "values", "expected"),
    [
        (200, {}, True),
        (500, {b"content-type": b"application/json"}, True),
        (101, {}, False),
        (103, {}, False),
        (200, {b"fly-replay": b"instance=b"}, False),
        (200, {b"content-type": b"Application/vnd.fly.Replay+json; charset=utf-8"}, False),
    ],
)
def test_which_answers_mean_nothing_to_the_proxy(status, values, expected):
    assert says_nothing(status, values) is expected


@pytest.mark.parametrize("name", ["hide_from_machines", "forward_choosing", "hide_from_clients"])
def test_settings_that_change_what_travels_allow_no_straight_way(name):
    assert allows(ExchangeSettings())
    assert not allows(ExchangeSettings(replay=ReplaySettings(**{name: False})))
