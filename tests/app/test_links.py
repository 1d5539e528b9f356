"""Links over machines that die and stores that are late: nobody is handed one that a crash can make void."""

import asyncio
from typing import Any

from app.access import EDIT, Grant
from app.arrival import Arrival
from app.hub import Hub
from app.protocol import Hello, Links, Share
from app.protocol import Path as Way
from app.rooms import Rooms
from app.seats import Seat
from app.signing import Word
from tests.app.stores import Refused, Shelf
from tests.app.test_rooms import Ear, Machine, assigned, machine  # noqa: F401 # a fixture
from tests.support import until

CAME_BY = Grant(EDIT, 0)


async def private(rooms: Rooms, room: str = "blue") -> Hub:
    """A room that opens with links alone."""
    await rooms.links()
    hub = await rooms.create(room, region="", arrival=Arrival(), public="", listed=False)
    assert isinstance(hub, Hub)
    return hub


def enter(hub: Hub, name: str = "ada", grant: Grant = CAME_BY) -> tuple[Ear, Seat]:
    ear = Ear()
    role = hub.admit(grant)
    assert role is not None
    hello = Hello(v=2, key=f"key-of-{name}-0123456789", client=f"page-{name}", name=name)
    seat = hub.join(hello, ear, Way(), grant, role)
    assert seat is not None
    return ear, seat


class Late:
    """Holds back, or refuses, the segments of a room from now on."""

    def __init__(self, shelf: Shelf) -> None:
        self.go_on = asyncio.Event()
        self.waiting = 0
        self.refuse = False
        shelf.before = self._hold

    async def _hold(self, call: str, key: str) -> None:
        if call == "create" and key.startswith("rooms/"):
            self.waiting += 1
            await self.go_on.wait()
            if self.refuse:
                raise Refused("lost with its machine")


async def test_links_are_told_once_they_are_stored(machine: Machine) -> None:  # noqa: F811
    shelf = Shelf()
    hub = await private(machine(1, store=shelf))
    (ada, her), (bob, his) = enter(hub), enter(hub, "bob")
    hub.act(her, Links())
    assert ada.heard().count('"t":"linked"') == 1
    late = Late(shelf)
    hub.act(her, Share(op=1, revoke="view"))
    hub.act(his, Links())
    await until(lambda: late.waiting == 1 and '"t":"access"' in bob.heard())
    assert ada.heard().count('"t":"linked"') == 1
    assert '"t":"linked"' not in bob.heard()
    late.go_on.set()
    await until(lambda: ada.heard().count('"t":"linked"') == 2 and '"t":"linked"' in bob.heard())
    links = hub.links()
    assert links is not None
    assert links.make("blue", "view", hub.room.gate.view) in bob.heard()


async def test_who_left_meanwhile_is_told_nothing(machine: Machine) -> None:  # noqa: F811
    shelf = Shelf()
    hub = await private(machine(1, store=shelf))
    (ada, her), (bob, his) = enter(hub), enter(hub, "bob")
    late = Late(shelf)
    hub.act(her, Share(op=1, public="view"))
    hub.act(his, Links())
    hub.leave(his)
    late.go_on.set()
    await until(lambda: '"t":"linked"' in ada.heard())
    assert '"t":"linked"' not in bob.heard()


async def test_a_revoke_that_was_lost_is_not_repeated_with_the_same_generation(machine: Machine) -> None:  # noqa: F811
    shelf = Shelf()
    hub = await private(machine(1, store=shelf, storage=0.3))
    ear, seat = enter(hub)
    late = Late(shelf)
    late.refuse = True
    late.go_on.set()
    hub.act(seat, Share(op=1, revoke="edit"))
    lost = hub.room.gate.edit
    await until(lambda: ear.closed is not None)
    assert '"t":"linked"' not in ear.heard()
    shelf.before = Shelf._pass
    heir = machine(2, store=shelf)
    await heir.links()
    again = await heir.arrive("blue", assigned(Word.GAVE, 1), CAME_BY)
    assert isinstance(again, Hub)
    assert again.room.gate.edit == 0
    _, seat = enter(again)
    again.act(seat, Share(op=1, revoke="edit"))
    assert again.room.gate.edit not in (0, 1, lost)
    assert again.admit(Grant(EDIT, lost)) is None
    assert again.admit(Grant(EDIT, again.room.gate.edit)) == EDIT


async def test_who_revoked_comes_back_to_a_room_that_slept_meanwhile(machine: Machine) -> None:  # noqa: F811
    shelf = Shelf()
    first = machine(1, store=shelf)
    hub = await private(first)
    ear, seat = enter(hub)
    _, other_tab = enter(hub)
    hub.act(seat, Share(op=1, revoke="edit"))
    fresh = Grant(EDIT, hub.room.gate.edit)
    assert (seat.grant, other_tab.grant, ear.closed) == (fresh, fresh, None)
    await hub.snapshot()
    assert await first.holding.sleep(hub)
    second = machine(2, store=shelf)
    refused: Any = await second.arrive("blue", Arrival(), CAME_BY)  # as for an order, which nobody signs with a key
    assert (refused.status, len(second.holding)) == (403, 0)
    woken = await second.arrive("blue", Arrival(), CAME_BY, knocks=True)
    assert isinstance(woken, Hub)
    assert woken.admit(woken.renewed(CAME_BY, "key-of-ada-0123456789")) == EDIT
    assert woken.admit(woken.renewed(CAME_BY, "key-of-bob-0123456789")) is None
