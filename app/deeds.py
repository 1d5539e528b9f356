"""What members do in a room: one function for each kind of message, each with the hub, the seat and the message."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.access import EDIT, held
from app.entries import MOST
from app.orders import too_soon
from app.protocol import (
    Accepted,
    Drag,
    Edit,
    Error,
    Ping,
    Pong,
    Redo,
    Rename,
    Say,
    Select,
    Share,
    Sleep,
    Undo,
    clean_name,
)
from app.protocol import Links as AskLinks
from app.protocol import Move as AskMove
from app.shaping import Refused
from flylab.wire.regions import is_region_code

if TYPE_CHECKING:
    from app.hub import Hub
    from app.seats import Seat


def say(hub: Hub, seat: Seat, message: Say) -> None:
    hub.log(seat, hub.room.say(hub.presence.member(seat.member), seat.client, message, at=hub.wall()))


def edit(hub: Hub, seat: Seat, message: Edit) -> None:
    hub.log(seat, hub.room.edit(hub.presence.member(seat.member), seat.client, message, at=hub.wall()))


def undo(hub: Hub, seat: Seat, message: Undo) -> None:
    hub.log(seat, hub.room.undo(hub.presence.member(seat.member), seat.client, message, at=hub.wall()))


def redo(hub: Hub, seat: Seat, message: Redo) -> None:
    hub.log(seat, hub.room.redo(hub.presence.member(seat.member), seat.client, message, at=hub.wall()))


def share(hub: Hub, seat: Seat, message: Share) -> None:
    by_link = held(hub.room.gate, seat.grant) == EDIT
    outcome = hub.room.share(
        hub.presence.member(seat.member),
        seat.client,
        message,
        at=hub.wall(),
        by_link=by_link,
        generation=1 + secrets.randbelow(MOST),
    )
    if hub.log(seat, outcome):
        hub.seats.admit_again()
        hub.changed(hub)
    elif type(outcome) is not Accepted:
        return
    # Also when it comes again: the answer may have been lost.
    ask_links(hub, seat, AskLinks())


def ask_links(hub: Hub, seat: Seat, message: AskLinks) -> None:
    """Answer with the links, once a crash can make them void no more."""
    if hub.stored < hub.room.gated:
        hub.asking[seat] = None
    else:
        tell_links(hub, seat)


def tell_links(hub: Hub, seat: Seat) -> None:
    links = hub.links()
    if links is None:
        seat.tell(Error(code="storage", text="the secret for links cannot be read now; ask again"))
    else:
        seat.tell(links.paths(hub.name, hub.room.gate, held(hub.room.gate, seat.grant)))


def ask_move(hub: Hub, seat: Seat, message: AskMove) -> None:
    if not is_region_code(message.region):
        seat.tell(Error(code="invalid", text=f"there is no region {message.region!r}"))
    elif message.region == hub.epoch.region:
        seat.tell(Error(code="here-already", text=f"the room is in {message.region} already"))
    else:
        _order(hub, seat, "move", message.region)


def ask_sleep(hub: Hub, seat: Seat, message: Sleep) -> None:
    _order(hub, seat, "sleep", "")


def _order(hub: Hub, seat: Seat, what: str, region: str) -> None:
    left = hub.order_in(seat.grant, member=seat.member)
    if left:
        seat.tell(Error(code="too-soon", text=too_soon(hub.name, left)))
    else:
        hub.asked(hub, what, region)


def drag(hub: Hub, seat: Seat, message: Drag) -> None:
    _show(hub, seat, hub.presence.drag, message.changes)


def select(hub: Hub, seat: Seat, message: Select) -> None:
    _show(hub, seat, hub.presence.select, message.ids)


def _show(hub: Hub, seat: Seat, show: Callable[[str, Any], None], what: Any) -> None:
    try:
        show(seat.member, what)
    except Refused as exc:
        seat.tell(Error(code=exc.code, text=str(exc)))
    hub.fanout.moved()


def rename(hub: Hub, seat: Seat, message: Rename) -> None:
    name = clean_name(message.name)
    news = hub.presence.rename(seat.member, name) if name else None
    if news is not None:
        hub.fanout.tell(news)


def ping(hub: Hub, seat: Seat, message: Ping) -> None:
    seat.tell(Pong(n=message.n))
    if isinstance(message.rtt, int | float):
        news = hub.presence.measured(seat.member, float(message.rtt))
        if news is not None:
            hub.fanout.tell(news)


ACTS: dict[type, Callable[[Hub, Seat, Any], None]] = {
    Say: say,
    Edit: edit,
    Undo: undo,
    Redo: redo,
    Share: share,
    AskLinks: ask_links,
    AskMove: ask_move,
    Sleep: ask_sleep,
    Drag: drag,
    Select: select,
    Rename: rename,
    Ping: ping,
}
