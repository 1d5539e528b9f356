"""Properties of whole chains of replays: machines, lobbies, a proxy and a log in which anything may happen meanwhile.

Every step goes through the text of the headers, as on the wire. What is drawn: who is up, who reaches the store, who is
full, what the hint claims, what a stranger forged, which of several machines the proxy takes, and how the log moves on.
"""

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from app.arrival import Arrival, read_arrival
from app.onward import Onward, Redirect, Refuse, ReplayTo, seal
from app.ownership import Hint, Place
from app.placement import Serve, Standing, Take, place_by_hint, place_request, place_unread
from app.reception import Choose, receive_visitor, to_any, to_chosen
from app.signing import MOST_REPLAYS, REPLAYS_BEFORE_US, Signer, State, Word
from flylab.wire.replay import (
    FailureReason,
    Fallback,
    Replay,
    ReplayFailure,
    ReplaySource,
    format_failure,
    format_replay,
    format_source,
    parse_replay,
)

FLY_ALLOWS = 10
REGIONS = ("ams", "iad", "nrt")
ROOMS, FRONT = "rooms", "front"
SECRET, OTHER_SECRET = b"a secret of at least sixteen", b"another secret of sixteen"


@dataclass
class Node:
    """One machine: of the rooms app, or a lobby."""

    place: Place
    up: bool = True
    reads: bool = True
    unable: str = ""
    held: int | None = None
    gave_up: int | None = None
    secret: bytes | None = SECRET


@dataclass
class World:
    """The machines, the log and the hint; ``drawn`` settles whatever is left open."""

    drawn: st.DataObject
    nodes: list[Node]
    standing: Standing = field(default_factory=Standing)
    hint: Hint | None = None
    restless: bool = True
    wall: float = 1_790_000_000.0
    replays: int = 0
    lost: set[tuple[str, int]] = field(default_factory=set)  # holders that somebody may say are gone, per epoch
    trail: list[str] = field(default_factory=list)

    def walk(self, node: Node, headers: dict[str, str]) -> tuple[Node, Serve | Take | Redirect | Refuse]:
        """Follow one request to its end."""
        while True:
            if self.restless:
                self.wall += self.draw(st.sampled_from([0, 0, 0, 5, 200]))
            signer = None if node.secret is None else Signer(node.secret, wall=lambda: self.wall)
            arrival = read_arrival(headers, room="blue", signer=signer, target="/rooms/blue/ws")
            decision: object = self.decide(node, arrival)
            self.trail.append(f"{node.place.machine}: {decision}")
            if isinstance(decision, ReplayTo):
                assert arrival.failed is None, "a request that came back was replayed"
                decision = seal(decision, signer)
            if not isinstance(decision, ReplayTo):
                assert isinstance(decision, Serve | Take | Redirect | Refuse)
                return node, decision
            self.replays += 1
            assert self.replays <= FLY_ALLOWS, "\n".join(self.trail)
            assert decision.replay.prefer_instance != node.place.machine, "a machine replayed to itself"
            if self.restless and self.draw(st.booleans()):
                self.move_on()
            node, headers = self.proxy(node, parse_replay(format_replay(decision.replay)))

    def decide(self, node: Node, arrival: Arrival) -> object:
        me = node.place
        if me.app == FRONT:
            step: Choose | Onward = receive_visitor("blue", self.hint, me=me, rooms_app=ROOMS, arrival=arrival)
            if not isinstance(step, Choose):
                return step
            rooms = [n.place.machine for n in self.nodes if n.place.app == ROOMS]
            machine = self.draw(st.sampled_from(["", *rooms, "m-gone"]))
            if machine:
                return to_chosen("blue", step, machine, me=me, rooms_app=ROOMS, arrival=arrival)
            return to_any("blue", step, ("ams",), me=me, rooms_app=ROOMS, arrival=arrival)
        short = place_by_hint("blue", self.hint, me=me, arrival=arrival)
        if short is not None and node.held is None:
            return short
        if not node.reads:
            if node.held is None:
                self.lost |= {(me.machine, epoch) for epoch in range(100)}
            return place_unread("blue", me=me, held=node.held, gave_up=node.gave_up, arrival=arrival)
        decision = place_request(
            "blue", self.standing, me=me, held=node.held, arrival=arrival, unable=node.unable
        )  # fmt: skip
        holder = self.standing.holder
        if node.unable and holder == me and node.held != self.standing.epoch:
            self.lost.add((me.machine, self.standing.epoch))
        if isinstance(decision, Take):
            assert decision.epoch == self.standing.epoch
            taken = holder is not None and not self.standing.released and holder != me
            if taken:
                assert (holder.machine, decision.epoch) in self.lost, "\n".join(self.trail)
        return decision

    def proxy(self, origin: Node, replay: Replay) -> tuple[Node, dict[str, str]]:
        app = replay.app or origin.place.app
        there = [node for node in self.nodes if node.place.app == app and node.up]
        if replay.elsewhere:
            there = [node for node in there if node is not origin]
        if replay.regions and "any" not in replay.regions:
            there = [node for node in there if node.place.region in replay.regions]
        source = ReplaySource(instance=origin.place.machine, region=origin.place.region, t=1, state=replay.state)
        headers = {"fly-region": "ams", "fly-replay-src": format_source(source)}
        preferred = [node for node in there if node.place.machine == replay.prefer_instance]
        forced = (
            self.restless and self.draw(st.integers(0, 7)) == 0
        )  # a header of the visitor's beats the replay's target
        if preferred and not forced:
            return preferred[0], headers
        if replay.prefer_instance and not forced:
            self.lost |= {(replay.prefer_instance, epoch) for epoch in range(100)}
            headers["fly-preferred-instance-unavailable"] = replay.prefer_instance
        if there:
            return self.draw(st.sampled_from(there)), headers
        assert replay.fallback is Fallback.FORCE_SELF or replay.prefer_instance
        failure = ReplayFailure(
            instance=replay.prefer_instance,
            app=app,
            region=None,
            replay_source=origin.place.machine,
            reason=FailureReason.NO_CANDIDATE,
            elapsed_ms=1,
        )
        return origin, {"fly-region": "ams", "fly-replay-failed": format_failure(failure)}

    def move_on(self) -> None:
        """Somebody takes the room, or its holder lets go of it."""
        nodes = [node for node in self.nodes if node.place.app == ROOMS]
        node = self.draw(st.sampled_from(nodes))
        if self.draw(st.booleans()) and self.standing.holder is not None:
            to = self.draw(st.sampled_from(["", *REGIONS]))
            self.standing = replace(self.standing, released=True, to=to)
            for other in nodes:
                other.held = None
        else:
            self.standing = Standing(epoch=self.standing.epoch + 1, holder=node.place)
            if node.held is None or self.draw(st.booleans()):
                node.held = self.draw(st.sampled_from([None, self.standing.epoch]))

    def draw(self, strategy: st.SearchStrategy) -> object:  # type: ignore[type-arg]
        return self.drawn.draw(strategy)


def a_machine(number: int, app: str) -> st.SearchStrategy[Node]:
    place = st.sampled_from(REGIONS).map(lambda region: Place(machine=f"{app}-{number}", region=region, app=app))
    return st.builds(
        Node,
        place=place,
        up=st.sampled_from([True, True, True, False]),
        reads=st.sampled_from([True, True, False]),
        unable=st.sampled_from(["", "", "full", "closing"]),
        secret=st.sampled_from([SECRET, SECRET, SECRET, SECRET, OTHER_SECRET, None]),
    )


@st.composite
def worlds(draw: st.DrawFn, *, lobbies: bool, restless: bool = True) -> World:
    nodes = [draw(a_machine(n, ROOMS)) for n in range(draw(st.integers(1, 4)))]
    holders = [*(node.place for node in nodes), Place(machine="m-gone", region="iad", app=ROOMS)]
    epoch = draw(st.integers(0, 5))
    standing = Standing()
    if epoch:
        released = draw(st.booleans())
        to = draw(st.sampled_from(["", *REGIONS])) if released else ""
        standing = Standing(epoch=epoch, holder=draw(st.sampled_from(holders)), released=released, to=to)
    for node in nodes:
        if node.place == standing.holder and not standing.released:
            node.held = draw(st.sampled_from([None, epoch]))
            node.gave_up = draw(st.sampled_from([None, epoch])) if node.held is None else None
    if lobbies:
        nodes += [draw(a_machine(n, FRONT)) for n in range(draw(st.integers(1, 2)))]
    hint = None
    if draw(st.booleans()):
        places = [*holders, Place(machine="", region="ams", app=ROOMS), nodes[-1].place]
        hint = Hint(
            room="blue",
            epoch=draw(st.integers(1, 7)),
            place=draw(st.sampled_from(places)),
            at=0.0,
            awake=draw(st.booleans()),
            to=draw(st.sampled_from(["", "nrt"])),
        )
    world = World(drawn=draw(st.data()), nodes=nodes, standing=standing, hint=hint, restless=restless)
    if hint is not None and (not hint.place.machine or hint.place.app != ROOMS):
        # A lobby has noted that the holder of that epoch could not be reached.
        world.lost |= {(place.machine, hint.epoch) for place in [*holders, *(node.place for node in nodes)]}
    return world


@st.composite
def strangers(draw: st.DrawFn, world: World) -> dict[str, str]:
    """Headers of a request that somebody else replayed to us, or forged: no state in it is ours to believe."""
    current = world.standing.epoch
    word, epoch = draw(st.sampled_from(Word)), draw(st.sampled_from([current, current, current + 1, 0, 3]))
    forged = State(room="blue", word=word, epoch=epoch, hops=draw(st.integers(1, 8)))
    long_ago = Signer(SECRET, wall=lambda: 1_700_000_000.0)
    state = draw(
        st.sampled_from(
            [
                None,
                "blue@3",
                Signer(b"somebody else's secret").sign(forged),
                Signer(SECRET, wall=lambda: 1_790_000_000.0).sign(replace(forged, room="red")),
                long_ago.sign(forged),
            ]
        )
    )
    source = ReplaySource(instance="x1", region="ams", t=1, state=state)
    headers = {"fly-region": draw(st.sampled_from(["", "ams", "local"])), "fly-replay-src": format_source(source)}
    holder = world.standing.holder.machine if world.standing.holder is not None else "m-gone"
    if draw(st.booleans()):
        headers["fly-preferred-instance-unavailable"] = draw(st.sampled_from([holder, holder, "rooms-0"]))
    return headers


@settings(max_examples=250, deadline=None)
@given(worlds(lobbies=False), st.data())
def test_every_chain_among_rooms_ends(world: World, data: st.DataObject) -> None:
    world.walk(data.draw(st.sampled_from(world.nodes)), {"fly-region": "ams"})
    assert world.replays <= MOST_REPLAYS


@settings(max_examples=250, deadline=None)
@given(worlds(lobbies=True), st.data())
def test_every_chain_through_a_lobby_ends(world: World, data: st.DataObject) -> None:
    lobbies = [node for node in world.nodes if node.place.app == FRONT]
    world.walk(data.draw(st.sampled_from(lobbies)), {"fly-region": "ams"})
    assert world.replays <= MOST_REPLAYS


@settings(max_examples=250, deadline=None)
@given(worlds(lobbies=True), st.data())
def test_no_stranger_takes_a_room_or_goes_round_for_ever(world: World, data: st.DataObject) -> None:
    headers = data.draw(strangers(world))
    # `World.decide` asserts that a room is taken from a holder only after it gave it up or the proxy missed it.
    world.walk(data.draw(st.sampled_from(world.nodes)), headers)
    assert world.replays + REPLAYS_BEFORE_US <= FLY_ALLOWS


@settings(max_examples=250, deadline=None)
@given(worlds(lobbies=True, restless=False), st.data())
def test_a_visitor_reaches_the_room_when_all_is_well_whatever_the_hint_claims(
    world: World, data: st.DataObject
) -> None:
    for node in world.nodes:
        node.up, node.reads, node.unable, node.secret, node.gave_up = True, True, "", SECRET, None
    start = data.draw(st.sampled_from(world.nodes))
    node, decision = world.walk(start, {"fly-region": "ams"})
    if isinstance(decision, Refuse):  # the wished region has no machine: the request came back to a lobby's choice
        raise AssertionError("\n".join([*world.trail, str(world.standing), str(world.hint)]))
    assert isinstance(decision, Serve | Take)
    holder = world.standing.holder
    if holder is not None and not world.standing.released and holder.machine != "m-gone":
        wanted_anew = world.hint is not None and (not world.hint.place.machine or world.hint.place.app != ROOMS)
        assert node.place == holder or (wanted_anew and world.hint.epoch == world.standing.epoch)  # type: ignore[union-attr]
