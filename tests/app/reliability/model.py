"""A member as docs/protocol.md asks it to be: numbers its operations, sends again what is not known to be stored.

What is shown is the log as far as heard, plus what waits. Every member remembers what was acknowledged to it and every
state that it saw and that was stored; the checks hold that against the log at the end.
"""

from typing import TYPE_CHECKING, Any

from app.entries import Change, Epoch, Kind, Look, Operation, Said
from app.protocol import Accepted, Edit, Error, Redo, Say, Undo
from app.protocol import Member as Seen
from tests.app.reliability.hold import LIMITS, Hold, Item, Welcome
from tests.app.reliability.world import World

if TYPE_CHECKING:
    from tests.app.reliability.proxy import Proxy

SHAPES = [f"s{n}" for n in range(6)]
KINDS: tuple[Kind, ...] = ("rect", "ellipse", "note")
PATIENCE = 12.0  # for an attempt to come in

Shapes = dict[str, dict[str, Any]]


class Connection:
    """One connection: both ways in order, until somebody ends it or it is cut and nobody is told."""

    __slots__ = ("_box", "_latency", "_world", "client", "dead", "hold", "member", "seen")

    def __init__(self, member: "Member", hold: Hold, world: World) -> None:
        self.member = member
        self.client = member.client
        self.seen = member.seen
        self.hold = hold
        self.dead = False
        self._world = world
        self._latency = world.rng.uniform(0.005, 0.12)
        self._box: list[Any] = []

    def send(self, message: Any) -> None:
        """To the member; what is sent at once arrives at once."""
        self._box.append(message)
        if len(self._box) == 1:
            self._world.at(self._latency, None, self._deliver)

    def ask(self, message: Any) -> None:
        """To the room."""
        self._world.at(self._latency, self.hold.machine, self.hold.act, self, message)

    def cut(self) -> None:
        """Nothing gets through any more; each side notices in its own time."""
        if self.dead:
            return
        self.dead = True
        rng = self._world.rng
        self._world.at(rng.random() ** 4 * 8.0, None, self.member.dropped, self)
        self._world.at(rng.random() ** 2 * 15.0, self.hold.machine, self.hold.leave, self)

    def _deliver(self) -> None:
        if not self.dead:
            batch, self._box = self._box, []
            self.member.receive(self, batch)


class Visit:
    """One attempt to enter the room."""

    __slots__ = ("_attempt", "_member")

    def __init__(self, member: "Member") -> None:
        self._member = member
        self._attempt = member.attempt

    @property
    def wanted(self) -> bool:
        """Whether the member still waits for this very attempt."""
        return self._member.attempt == self._attempt and self._member.connection is None

    def seat(self, hold: Hold) -> None:
        if self.wanted:
            self._member.enter(hold)

    def refused(self) -> None:
        if self.wanted:
            self._member.try_again(self._member.world.rng.uniform(0.3, 2.0))


class Member:
    """One page. After `reload` it is another client of the same member, which knows nothing."""

    def __init__(self, number: int, by: str, world: World) -> None:
        self.by = by
        self.name = f"p{number}"
        self.world = world
        self.seen = Seen(id=by, n=number, name=self.name, hue=0, region="ams")
        self.proxy: Proxy
        self.connection: Connection | None = None
        self.attempt = 0
        self.lives = 0
        self.awake = True
        # Both are right: the epoch of the last welcome (docs/protocol.md), or that of the last entry (the page).
        self._epoch_of_welcome = number % 2 == 1
        # What the checks want to know
        self.sent: dict[tuple[str, int], Any] = {}  # (client, op) → message
        self.acknowledged: set[tuple[str, int]] = set()
        self.refused: set[tuple[str, int]] = set()
        self.confirmed: list[Item] = []
        self.states: list[tuple[int, Shapes, list[Any]]] = []
        self.reload()

    def reload(self) -> None:
        """The page is loaded anew: what was not acknowledged may or may not have counted."""
        if self.connection is not None:
            connection, self.connection = self.connection, None
            connection.cut()
        self.lives += 1
        self.client = f"{self.name}-{self.lives}"
        self.ops = 0
        self.pending: dict[int, list[Any]] = {}  # op → [message, where in the log]
        self.epoch = self.seq = self.stored = 0
        self.log = ""
        self.shapes: Shapes = {}
        self.chat: list[Any] = []
        self._heard: list[Item] = []  # in this connection, not stored yet
        self._states: list[tuple[int, Shapes, list[Any]]] = []
        self._welcomed = False

    # Coming in ---------------------------------------------------------------------

    def connect(self) -> None:
        if self.connection is not None or not self.awake:
            return
        self.attempt += 1
        world = self.world
        world.at(world.rng.uniform(0.005, 0.1), None, self.proxy.enter, Visit(self))
        world.at(PATIENCE, None, self._impatient, self.attempt)

    def _impatient(self, attempt: int) -> None:
        if attempt == self.attempt and self.connection is None:
            self.try_again(0.0)

    def try_again(self, pause: float) -> None:
        self.attempt += 1
        self.world.at(pause, None, self._again, self.attempt)

    def _again(self, attempt: int) -> None:
        if attempt == self.attempt:
            self.connect()

    def enter(self, hold: Hold) -> None:
        connection = self.connection = Connection(self, hold, self.world)
        self._welcomed = False
        hold.join(connection, self.client, self.epoch, self.seq, self.log)

    def dropped(self, connection: Connection) -> None:
        """The connection is seen to be gone."""
        if connection is self.connection:
            self.connection = None
            self.try_again(self.world.rng.uniform(0.05, 1.0))

    # Doing something -----------------------------------------------------------------

    def act(self) -> None:
        """Say or draw something, or take it back; whether there is a connection or not."""
        rng = self.world.rng
        op = self.ops = self.ops + 1
        luck = rng.random()
        message: Any
        if luck < 0.4:
            message = Say(op=op, text=f"{self.client} {op}")
        elif luck < 0.56:
            message = Undo(op=op) if luck < 0.51 else Redo(op=op)
        else:
            message = Edit(op=op, changes=[self._change(rng.random()) for _ in range(1 if luck < 0.9 else 3)])
        self.pending[op] = [message, None]
        self.sent[self.client, op] = message
        if self.world.trace is not None:
            self.world.say(self.name, f"does {self.client}/{op}: {described(message)}")
        if self.connection is not None and self._welcomed:
            self.connection.ask(message)

    def _change(self, luck: float) -> Change:
        rng = self.world.rng
        shape = rng.choice(SHAPES)
        if luck < 0.15:
            return Change(id=shape, gone=True)
        x = float(rng.getrandbits(12))
        if shape not in self.shapes:
            return Change(id=shape, set=Look(kind=rng.choice(KINDS), x=x, y=1.0))
        if luck < 0.5:
            return Change(id=shape, set=Look(x=x))
        return Change(id=shape, set=Look(y=x, fill="red"))

    # Hearing ---------------------------------------------------------------------------

    def receive(self, connection: Connection, batch: list[Any]) -> None:
        if connection is not self.connection:
            return
        for message in batch:
            kind = type(message)
            if kind is Item:
                self._entry(message)
            elif kind is int:
                self._stored_up_to(message)
            elif kind is Welcome:
                self._welcome(connection, message)
            elif kind is Accepted:
                self._logged(message.op, message.seq)
            elif kind is Error:
                self._error(message)
            else:
                connection.dead = True
                self.dropped(connection)

    def _welcome(self, connection: Connection, m: Welcome) -> None:
        if self.world.trace is not None:
            how = f"resumes after {self.seq}" if m.resumed else "gets all"
            self.world.say(
                self.name,
                f"is in at {connection.hold}: {how}; room at {m.seq}, stored {m.stored}, knows {m.op} but {m.skipped}",
            )
        self._welcomed = True
        self.log = m.log
        if self._epoch_of_welcome:
            self.epoch = m.epoch
        self._heard.clear()
        self._states.clear()
        if not m.resumed:
            self.epoch, self.seq = m.epoch, m.seq
            self.shapes, self.chat = dict(m.shapes), m.chat[-LIMITS.history :]
            self._states.append((m.seq, m.shapes, m.chat))
        self.stored = 0
        skipped = m.skipped
        for op, one in self.pending.items():
            one[1] = None if op > m.op or op in skipped else self._place(one[1], m)
        self._stored_up_to(m.stored)
        for one in list(self.pending.values()):
            if one[1] is None:
                connection.ask(one[0])

    def _place(self, heard: int | None, m: Welcome) -> int:
        """Where in the log an operation is at the latest; where it was heard to be counts only if that log goes on."""
        return heard if m.resumed and heard is not None and heard <= self.seq else m.seq

    def _entry(self, item: Item) -> None:
        seq = item.seq
        if seq != self.seq + 1:
            self.world.violate("stream", f"{self.client} has {self.seq} and is sent entry {seq}")
            return
        self.seq = seq
        entry = item.entry
        self._heard.append(item)
        if type(entry) is Said:
            self.chat.append(entry)
            if len(self.chat) > LIMITS.history:
                del self.chat[0]
        elif item.changes:
            apply_changes(self.shapes, item)
        elif type(entry) is Epoch:
            self.epoch = entry.epoch
        if isinstance(entry, Operation) and entry.client == self.client:
            self._logged(entry.op, seq)

    def _logged(self, op: int, seq: int) -> None:
        one = self.pending.get(op)
        if one is not None:
            one[1] = seq if one[1] is None else min(one[1], seq)
            if one[1] <= self.stored:
                self._acknowledge(op)

    def _stored_up_to(self, seq: int) -> None:
        self.stored = max(self.stored, seq)
        if self.pending:
            for op in [op for op, one in self.pending.items() if one[1] is not None and one[1] <= seq]:
                self._acknowledge(op)
        heard = self._heard
        count = 0
        while count < len(heard) and heard[count].seq <= seq:
            count += 1
        self.confirmed += heard[:count]
        del heard[:count]
        while self._states and self._states[0][0] <= seq:
            self.states.append(self._states.pop(0))
        if not heard and not self._states and seq % 3 == 0 and self.seq <= seq:
            self.states.append((self.seq, dict(self.shapes), list(self.chat)))

    def _acknowledge(self, op: int) -> None:
        del self.pending[op]
        self.acknowledged.add((self.client, op))
        if self.world.trace is not None:
            self.world.say(self.name, f"knows that {self.client}/{op} is stored")

    def _error(self, error: Error) -> None:
        op = error.op
        one = self.pending.get(op)  # type: ignore[arg-type]
        if one is not None and one[1] is None:
            del self.pending[op]  # type: ignore[arg-type]
            self.refused.add((self.client, op))  # type: ignore[arg-type]
            if self.world.trace is not None:
                self.world.say(self.name, f"is refused {self.client}/{op}: {error.code}")


def apply_changes(shapes: Shapes, item: Item) -> None:
    """What an edit does to the shapes that a client keeps, as app/static/document.js does it."""
    for key, values in item.changes:
        if values is None:
            shapes.pop(key, None)
        elif key in shapes:
            shapes[key] = {**shapes[key], **values, "kind": shapes[key]["kind"]}
        elif "kind" in values:
            shapes[key] = values


def described(message: Any) -> str:
    """For the trace."""
    if type(message) is Edit:
        return "edit " + ", ".join(f"{'-' if one.gone else '+'}{one.id}" for one in message.changes)
    return type(message).__name__.lower()
