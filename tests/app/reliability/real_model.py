"""A client of a room as docs/protocol.md asks for, without its sockets; it remembers all that it was promised.

What it was promised are its operations that were acknowledged, every entry that it saw and that was acknowledged then,
every state that it was given and that was acknowledged then, and who acknowledged what in which epoch.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Any

Json = dict[str, Any]

SHAPES = 8  # different ids in a room, so that members get in each other's way
MOST_PENDING = 64  # numbers that the oldest operation may be back
# Errors that the room may answer; all others are faults of the client, or of the room.
EXPECTED = ("gone", "nothing-to-undo", "nothing-to-redo", "rate", "here-already")
ENTRIES = ("epoch", "released", "said", "edited", "access")


@dataclass(frozen=True, slots=True)
class Mark:
    """Somebody said that everything up to ``seq`` is stored."""

    epoch: int
    machine: str
    seq: int


@dataclass(slots=True)
class View:
    """What a member shows: shapes in the order in which they were made, and the last lines of chat."""

    shapes: dict[str, Json] = field(default_factory=dict)
    chat: list[Json] = field(default_factory=list)

    def apply(self, entry: Json) -> None:
        """Take in one entry of the log."""
        if entry["t"] == "said":
            self.chat.append(entry)
        elif entry["t"] == "edited":
            for change in entry["changes"]:
                if change.get("gone"):
                    self.shapes.pop(change["id"], None)
                else:
                    self.shapes.setdefault(change["id"], {}).update(change["set"])

    def add(self, state: Json) -> None:
        """Take in one part of the state."""
        for shape in state["shapes"]:
            self.shapes[shape["id"]] = {name: value for name, value in shape.items() if name != "id"}
        self.chat += state["chat"]


class Client:
    """One life of a member's page; ``over`` once the page was loaded anew, and what it shows is of no interest."""

    def __init__(self, key: str, name: str, *, clock: Callable[[], float]) -> None:
        self.key = key
        self.client = name
        self.over = False
        self.by = ""
        self.machine = ""
        self.log = ""
        self.resumed = 0
        self.epoch = self.seq = self.stored = self.op = 0
        self.live = False
        self.view = View()
        self.pending: dict[int, Json] = {}
        self.sent: dict[int, Json] = {}
        self.acknowledged: dict[int, int] = {}
        self.confirmed: dict[int, Json] = {}
        self.states: list[tuple[int, View]] = []
        self.marks: set[Mark] = set()
        self.problems: list[str] = []
        self.story: list[str] = []
        self._clock = clock
        self._parts = 0
        self._placed: dict[int, int] = {}
        self._tentative: dict[int, Json] = {}
        self._given: tuple[int, View] | None = None

    # To the room -------------------------------------------------------------------

    def hello(self) -> Json:
        """The first message of a connection."""
        if self._parts:  # what came is of no use
            self.epoch = self.seq = self._parts = 0
        self.live = False
        heard = {"epoch": self.epoch, "log": self.log, "since": self.seq} if self.epoch else {}
        return {"t": "hello", "v": 2, "key": self.key, "client": self.client, "name": self.client[:24], **heard}

    def operate(self, rng: Random) -> Json | None:
        """A new operation, or None while too many wait."""
        if not self.live or (self.pending and self.op - min(self.pending) >= MOST_PENDING):
            return None
        self.op += 1
        message = {"op": self.op, **_invent(rng, f"{self.client}/{self.op}", list(self.view.shapes))}
        self.pending[self.op] = self.sent[self.op] = message
        return message

    def settled(self) -> bool:
        """Whether nothing is waited for."""
        return self.live and not self.pending and self.stored >= self.seq

    # From the room -----------------------------------------------------------------

    def receive(self, message: Json) -> list[Json]:
        """Take in one message; returns what is to be sent now."""
        kind = message["t"]
        if kind == "welcome":
            return self._welcomed(message)
        if kind in ENTRIES:
            self._heard(message)
        elif kind == "stored":
            self._mark(message["seq"])
        elif kind == "state":
            self._part(message)
        elif kind == "accepted":
            self._placed[message["op"]] = message["seq"]
            self._settle()
        elif kind == "error":
            self._failed(message)
        return []

    def lost(self, why: str) -> None:
        """The connection is over; what was heard is kept for the next one."""
        self.live = False
        self._note(f"lost: {why}")

    def _welcomed(self, welcome: Json) -> list[Json]:
        self._note(
            f"welcomed by {welcome['machine']} in epoch {welcome['epoch']} at {welcome['seq']}, stored"
            f" {welcome['stored']}, resumed {welcome['resumed']} from {self.epoch}/{self.seq}, op {welcome['op']}"
        )
        self.by, self.machine, self.epoch = welcome["you"], welcome["machine"], welcome["epoch"]
        self.log = welcome["log"]
        if welcome["resumed"]:
            self.resumed += 1
        else:
            self.view, self._tentative, self._given = View(), {}, None
            self.seq, self._parts = welcome["seq"], welcome["parts"]
            if not self._parts:
                self._problem("neither resumed nor any state")
        seen = set(welcome["skipped"])
        self._placed = {op: welcome["seq"] for op in self.pending if op <= welcome["op"] and op not in seen}
        self.live = True
        self.stored = 0
        self._mark(welcome["stored"])
        return [message for op, message in self.pending.items() if op not in self._placed]

    def _part(self, state: Json) -> None:
        self.view.add(state)
        self._parts -= 1
        if not self._parts:
            self._given = self.seq, deepcopy(self.view)
            self._settle()

    def _heard(self, entry: Json) -> None:
        if entry["seq"] != self.seq + 1 or self._parts:
            self._problem(f"entry {entry['seq']} came after {self.seq}, {self._parts} parts of the state missing")
        self.seq = entry["seq"]
        self.view.apply(entry)
        self._tentative[self.seq] = entry
        if entry.get("client") == self.client:
            self._placed[entry["op"]] = self.seq
        self._settle()

    def _failed(self, error: Json) -> None:
        if error["code"] not in EXPECTED:
            self._problem(f"error {error}")
        self.pending.pop(error.get("op", 0), None)

    def _mark(self, seq: int) -> None:
        self.stored = max(self.stored, seq)
        self.marks.add(Mark(self.epoch, self.machine, seq))
        self._settle()

    def _settle(self) -> None:
        """Move everything that is acknowledged now from the tentative to the promised."""
        if self._parts:
            return
        for seq in [seq for seq in self._tentative if seq <= self.stored]:
            self._promise(seq, self._tentative.pop(seq))
        for op in [op for op, seq in self._placed.items() if seq <= self.stored]:
            seq = self._placed.pop(op)
            if self.pending.pop(op, None) is not None:
                self.acknowledged[op] = seq
        if self._given is not None and self._given[0] <= self.stored:
            self.states.append(self._given)
            self._given = None

    def _promise(self, seq: int, entry: Json) -> None:
        if self.confirmed.setdefault(seq, entry) != entry:
            self._problem(f"entry {seq} was acknowledged as {self.confirmed[seq]} and as {entry}")

    def _problem(self, text: str) -> None:
        self.problems.append(text)
        self._note(f"*** {text}")

    def _note(self, text: str) -> None:
        self.story.append(f"{self._clock():9.3f} {self.client} {text}")


def _invent(rng: Random, mark: str, shapes: list[str]) -> Json:
    """Something a member does; every operation but undo and redo can be told by ``mark``."""
    luck = rng.random()
    if luck < 0.4:
        return {"t": "say", "text": mark}
    if luck < 0.52:
        return {"t": "undo"}
    if luck < 0.57:
        return {"t": "redo"}
    shape = rng.choice(shapes) if shapes and luck < 0.85 else f"s{rng.randrange(SHAPES)}"
    if luck < 0.65 and shapes:
        return {"t": "edit", "changes": [{"id": shape, "gone": True}]}
    look = {"x": float(rng.randrange(1000)), "y": float(rng.randrange(1000)), "text": mark}
    if shape in shapes:
        return {"t": "edit", "changes": [{"id": shape, "set": look}]}
    return {"t": "edit", "changes": [{"id": shape, "set": {"kind": "rect", "w": 80.0, "h": 50.0, **look}}]}
