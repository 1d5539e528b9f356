"""The connections of one room: whose each is, what it may do, and whether it is read."""

from collections.abc import Callable

from app.access import EDIT, Grant, admit, renew, why_not
from app.batch import encode
from app.fanout import Listener
from app.presence import Presence
from app.protocol import FORBIDDEN, Error, ServerMessage
from app.room import Room
from app.wire import BACKLOG, Wire


class Seat:
    """One member's connection to the room."""

    __slots__ = ("client", "grant", "listener", "member", "role", "wire")

    def __init__(self, member: str, client: str, wire: Wire, grant: Grant | None, role: str) -> None:
        self.member = member
        self.client = client
        self.wire = wire
        self.grant = grant
        self.role = role
        self.listener: Listener | None = None

    def tell(self, message: ServerMessage) -> None:
        """One message for this member alone."""
        self.wire.write(encode([message], binary=self.wire.binary))


class Seats:
    """All of them; ``news`` tells everybody in the room something about its members."""

    def __init__(self, room: Room, presence: Presence, news: Callable[[ServerMessage], None]) -> None:
        self._room = room
        self._presence = presence
        self._news = news
        self._taken: dict[Seat, None] = {}
        self._backlog = False

    def __len__(self) -> int:
        return len(self._taken)

    def __contains__(self, seat: Seat) -> bool:
        return seat in self._taken

    def add(self, seat: Seat) -> None:
        self._taken[seat] = None
        self._hold_back(seat)

    def remove(self, seat: Seat) -> bool:
        """False when it was not here any more."""
        return self._taken.pop(seat, self) is None

    @property
    def backlog(self) -> bool:
        """Whether too much waits to be stored for more to be taken in."""
        return self._backlog

    @backlog.setter
    def backlog(self, backlog: bool) -> None:
        self._backlog = backlog
        for seat in self._taken:
            self._hold_back(seat)

    def admit_again(self) -> None:
        """After the links changed: whoever has no right to be here any more goes, others may have another role."""
        gate, revoked = self._room.gate, self._room.revoked
        for seat in tuple(self._taken):
            seat.grant = renew(gate, revoked, seat.grant, member=seat.member)
            role = admit(gate, seat.grant)
            if role is None:
                seat.tell(Error(code="forbidden", text=why_not(gate, seat.grant)))
                seat.wire.close(FORBIDDEN, "this link does not open the room any more")
            elif role != seat.role:
                news = self._presence.assign(seat.member, seat.role, role)
                seat.role = role
                self._hold_back(seat)
                if news is not None:
                    self._news(news)

    def _hold_back(self, seat: Seat) -> None:
        """Read nothing from an editor while there is too much to store; from who only looks nothing is to be stored."""
        if self._backlog and seat.role == EDIT:
            seat.wire.pause(BACKLOG)
        else:
            seat.wire.resume(BACKLOG)
