"""A replay that goes straight on: machine, lines, trail and all that follows are those of the long way."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.published.network import rtt
from flylab.rules.attempts import Body
from flylab.rules.effects import Forward
from flylab.rules.exchange import Exchange
from flylab.rules.hops import Outcome
from flylab.rules.limits import ExchangeSettings
from flylab.rules.onward import moment, onward, split, trail
from flylab.rules.replay_settings import ReplaySettings
from flylab.rules.routing import AppRow, Choice, Loads, Row, View, Wanted
from flylab.rules.shortlist import Shortlist
from flylab.rules.wishes import Asked
from flylab.wire.machine import Concurrency, MachineState, Port, Service
from tests.rules.test_straight import OTHERS, events, tell

WORDS = (
    "instance=m1",
    "instance=m1;state=signed.AbC-09_=/+x",
    "prefer_instance=m2;elsewhere=false;state=blue",
    "instance=o1;state=a;app=other",
    "instance=o1;state=a,app=other",
    "state=1;instance=m1;state=2",
    'instance=m1;state=";t=0;"',
    "instance=m0",
    "prefer_instance=m2;state=blue room",
    "app=other",
    "app=other;instance=o1;fallback=force_self",
    "region=nrt",
    "region=iad,nrt;odd=1",
    "elsewhere=true",
    "timeout=5s;instance=m1",
    "app=nobody",
    "",
)
SETTINGS = (ExchangeSettings(), ExchangeSettings(replay=ReplaySettings(source="first", to_itself=True)))
WALL = 1_790_000_000.123456


class World:
    def __init__(self, busy: list[int], settings: ExchangeSettings) -> None:
        self.view, self.loads, self.rng, self.settings = View(), Loads(), Random(5), settings
        service = Service(
            internal_port=8080,
            ports=(Port(port=80, handlers=("http",)),),
            concurrency=Concurrency(type="requests", soft_limit=3, hard_limit=4),
        )
        places = [("rooms", "m0", "ams"), ("rooms", "m1", "ams"), ("rooms", "m2", "nrt"), ("rooms", "m3", "nrt")]
        places += [("other", "o0", "iad"), ("other", "o1", "iad")]
        for number, (app, machine, region) in enumerate(places):
            self.view.put_app(AppRow(name=app, organization="personal"))
            state = MachineState.STARTED
            row = Row(id=machine, app=app, region=region, state=state, version="1", services=(service,))
            self.view.put(row)
            for _ in range(busy[number]):
                self.loads.reserve(machine)
        self.shortlist = Shortlist("ams", rtt())
        self.exchange = Exchange(
            Asked(app="rooms", host=b"rooms.localhost", values={b"host": b"rooms.localhost"}),
            view=self.view,
            loads=self.loads,
            settings=settings,
            edge_region="ams",
            rtt=rtt(),
            rng=self.rng,
            shortlist=self.shortlist,
        )

    def state(self) -> dict[str, object]:
        own = {name: value for name, value in vars(self.exchange).items() if name not in OTHERS}
        replaying = self.exchange._replaying
        followed = None if replaying is None else (replaying.count, replaying._first)
        return own | {"_loads": dict(self.loads.items()), "followed": followed, "chance": self.rng.getstate()}


def straight_on(world: World, words: str) -> tuple[Choice, Choice, bytes, bytes] | None:
    """As ``local/straight.py`` does it: both machines, and the lines of the second leg around the moment."""
    first = world.shortlist.pick(world.view, Wanted(app="rooms"), world.loads, world.rng)
    assert first is not None
    world.loads.reserve(first.row.id)
    world.exchange.took(first, 10.0)
    words, state = split(words)
    then = onward(words, first.row, None, view=world.view, settings=world.settings, region="ams", rtt=rtt())
    if then is None or any(one[0] == first.row.id for one in then.ready):
        return None
    free = [choice for machine, below, choice in then.ready if world.loads.of(machine) < below]
    if not free:
        return None
    second = free[0] if len(free) == 1 else world.rng.choice(free)
    world.loads.reserve(second.row.id)
    world.loads.release(first.row.id)
    world.exchange.took_on(then, second, 409, 11.0, WALL, state)
    hops = trail(first, 409, 10.0, 11.0, then, second)
    assert hops == world.exchange.hops
    told = b"" if state is None else f";state={state}".encode()
    return first, second, then.before, told + then.after


@given(st.lists(st.integers(0, 4), min_size=6, max_size=6), st.sampled_from(WORDS), st.sampled_from(SETTINGS), events)
def test_a_replay_that_went_straight_on_goes_on_as_one_that_did_not(busy, words, settings, then):
    if min(busy[:2]) > 2:
        return  # the long way from the start
    long, short = World(busy, settings), World(busy, settings)
    assert isinstance(long.exchange.begin(10.0), Forward)
    long.exchange.connected(10.0)
    effect = long.exchange.responded(409, words, Body(), 11.0, wall=WALL)
    went = straight_on(short, words)
    if went is None:
        return
    assert isinstance(effect, Forward)
    long.exchange.connected(11.0)
    _, second, before, after = went
    assert second.row == effect.row
    lines = "".join(f"{name}: {value}\r\n" for name, value in effect.headers)
    assert before + str(moment(WALL)).encode() + after == lines.encode("latin-1")
    assert short.state() == long.state()
    for number, event in enumerate(then, 12):
        assert tell(short.exchange, event, number) == tell(long.exchange, event, number)
        assert short.state() == long.state()


@pytest.mark.parametrize("words", WORDS)
def test_which_replays_go_straight_on(words):
    world = World([0] * 6, SETTINGS[0])
    row = world.view.row("m0")
    assert row is not None
    then = onward(words, row, None, view=world.view, settings=world.settings, region="ams", rtt=rtt())
    unusual = "timeout" in words or words in ("", "app=nobody")
    assert (then is None) == unusual
    if then is not None:
        assert then.ready
        hop = trail(then.ready[0][2], 409, 1.0, 2.0, then, then.ready[0][2])[0]
        assert hop.outcome is Outcome.REPLAY


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("instance=m1;state=a.b", ("instance=m1", "a.b")),
        ("instance=m1", ("instance=m1", None)),
        ("state=a", ("state=a", None)),
        ("state=a;instance=m1", ("state=a;instance=m1", None)),
        ("state=a;region=x;state=b", ("state=a;region=x;state=b", None)),
        ('instance=m1;state="a"', ('instance=m1;state="a"', None)),
        ("instance=m1;state=a b", ("instance=m1;state=a b", None)),
        ("instance=m1;state=a,region=x", ("instance=m1;state=a,region=x", None)),
        ("instance=m1;state=", ("instance=m1;state=", None)),
    ],
)
def test_only_a_plain_state_at_the_end_is_split_off(words, expected):
    assert split(words) == expected
