"""Who may order a room around, and how often."""

import asyncio

import pytest

from app.access import EDIT, Grant
from app.arrival import Arrival
from app.hub import Hub
from app.orders import seconds_left
from app.protocol import GOING_AWAY, ClientMessage, Closing, Move, Sleep
from app.rooms import Rooms
from tests.app.test_links import enter as enter_by_link
from tests.app.test_links import private
from tests.app.test_rooms import Machine, enter, hold, machine  # noqa: F401 # a fixture
from tests.support import until

ORDERED = 1_000.0
PAUSE = 300.0
LEAVING = Closing(why="leaving"), GOING_AWAY, "leaving"


@pytest.mark.parametrize(
    ("by_link", "others", "ordered", "now", "left"),
    [
        (False, True, 0.0, 1_700_000_000.0, 0),  # the first one
        (False, True, ORDERED, ORDERED, 300),
        (False, True, ORDERED, ORDERED + 0.5, 300),
        (False, True, ORDERED, ORDERED + 299.5, 1),
        (False, True, ORDERED, ORDERED + 300.0, 0),
        (False, True, ORDERED, ORDERED + 9_999.0, 0),
        (False, True, ORDERED, ORDERED - 5_000.0, 300),  # by a clock that went ahead
        (True, True, ORDERED, ORDERED, 0),
        (False, False, ORDERED, ORDERED, 0),
        (True, False, ORDERED, ORDERED, 0),
    ],
)
def test_how_long_an_order_has_to_wait(by_link: bool, others: bool, ordered: float, now: float, left: int) -> None:
    assert seconds_left(by_link=by_link, others=others, ordered=ordered, pause=PAUSE, now=now) == left


def test_without_a_pause_nobody_waits() -> None:
    assert seconds_left(by_link=False, others=True, ordered=ORDERED, pause=0.0, now=ORDERED) == 0


# Orders as the log remembers them ---------------------------------------------------


def at(rooms: Rooms, now: float) -> None:
    """Set the clock of rooms that are taken from now on."""
    rooms.holding.wall = lambda: now


async def obeyed(rooms: Rooms) -> None:
    await until(lambda: len(rooms.holding) == 0)


@pytest.mark.parametrize("first", [Sleep(), Move(region="nrt")])
@pytest.mark.parametrize("second", [Sleep(), Move(region="iad")])
async def test_a_public_room_is_ordered_around_once_in_a_while(
    machine: Machine,  # noqa: F811
    first: ClientMessage,
    second: ClientMessage,
) -> None:
    one, two, three = machine(1), machine(2, region="nrt"), machine(3, region="nrt")
    for rooms, now in ((one, 5_000.0), (two, 5_001.25), (three, 5_005.0)):
        at(rooms, now)
    hub = await hold(one)
    enter(hub, "bob")
    _, ada = enter(hub)
    hub.act(ada, first)
    await obeyed(one)
    hub = await hold(two)
    _, bob = enter(hub, "bob")
    ear, ada = enter(hub)
    for seat in (ada, bob):
        hub.act(seat, second)
    await asyncio.sleep(0)
    assert '"code":"too-soon"' in ear.heard()
    assert "without an edit link, that can be done again in 4 s" in ear.heard()
    assert two.holding.get("blue") is hub
    await hub.snapshot()
    assert await two.holding.end(hub, *LEAVING, why="leaving")  # which is nobody's order, and forgets none
    hub = await hold(three)
    enter(hub, "bob")
    _, ada = enter(hub)
    hub.act(ada, second)
    await obeyed(three)


async def test_who_is_alone_or_holds_an_edit_link_does_not_wait(machine: Machine) -> None:  # noqa: F811
    rooms = machine(1)
    at(rooms, 5_000.0)
    for _ in range(3):
        hub = await hold(rooms)
        _, ada = enter(hub)
        _, _her_other_tab = enter(hub)
        hub.act(ada, Sleep())
        await obeyed(rooms)
    other = machine(2)
    at(other, 5_000.0)
    hub = await private(other, "red")
    for turn in range(3):
        if turn:
            woken = await other.arrive("red", Arrival(), Grant(EDIT, 0))
            assert isinstance(woken, Hub)
            hub = woken
        hub.write(hub.room.open_to("edit", listed=True, at=1.0))  # open to everybody, and with links besides
        enter_by_link(hub, "bob")
        _, ada = enter_by_link(hub)
        hub.act(ada, Sleep())
        await obeyed(other)


async def test_a_room_that_moved_by_itself_can_be_ordered_around_at_once(machine: Machine) -> None:  # noqa: F811
    one, two = machine(1), machine(2, region="nrt")
    hub = await hold(one)
    assert await one.holding.move(hub, "nrt", why="moved")
    hub = await hold(two)
    enter(hub, "bob")
    _, ada = enter(hub)
    hub.act(ada, Sleep())
    await obeyed(two)
