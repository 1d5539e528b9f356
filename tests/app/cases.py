"""Rooms made up from a seed: whole logs with what a reader must have at their end, for every reader of the protocol.

``python -m tests.app.cases [count] [seed]`` prints them as JSON: ``entries`` as they are sent, ``shapes`` by id and
``chat`` as in `app.protocol.State`, and ``access``: who may come in without a link, and whether the room is listed.
"""

import json
import sys
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec

from app.entries import AnyEntry, Change, Epoch, Look, Released, format_entry
from app.protocol import Accepted, Edit, Error, Member, Redo, Say, Share, Undo
from app.room import Room, RoomLimits

KINDS = ("rect", "ellipse", "line", "arrow", "pen", "text", "note")
COLOURS = ("none", "red", "#00ff7f", "black")
TEXTS = ("hello", "two\nlines", "Zoë 🦊", '"quoted" \\ <b>', "e\u0301", "x" * 300)

Decided = AnyEntry | Accepted | Error


class Afternoon:
    """Some members in one room, doing this and that; keeps the log."""

    def __init__(self, rng: Random, limits: RoomLimits | None = None, *, members: int = 3, ids: int = 8) -> None:
        self.rng = rng
        self.room = Room("blue", limits)
        self.log: list[AnyEntry] = []
        self.members = [
            Member(id=f"{number:016x}", n=number, name=f"member {number}", hue=30 * number, region="ams")
            for number in range(1, members + 1)
        ]
        self.ids = [f"s{number}" for number in range(ids)]
        self.ops: dict[tuple[str, str], int] = {}
        self.begin()

    def begin(self) -> None:
        """Another machine takes the room."""
        if self.log and self.rng.random() < 0.5:
            why = "asked" if self.room.epoch % 2 else "empty"
            self.take(Released(seq=self.room.seq + 1, at=self.at(), epoch=self.room.epoch, why=why))
        why = "taken" if self.log else "made"
        epoch = self.room.epoch + 1
        self.take(
            Epoch(
                seq=self.room.seq + 1,
                at=self.at(),
                epoch=epoch,
                machine=f"m{epoch}",
                region="ams",
                app="rooms",
                writer=f"w{epoch}",
                why=why,
            )
        )

    def at(self) -> float:
        return 1_700_000_000 + self.room.seq / 8

    def take(self, entry: AnyEntry) -> None:
        self.room.apply(entry)
        self.log.append(entry)

    def keep(self, outcome: Decided) -> Decided:
        """An entry that was decided goes into the log."""
        if not isinstance(outcome, Accepted | Error):
            self.log.append(outcome)
        return outcome

    def next_op(self, by: str, client: str) -> int:
        self.ops[by, client] = self.ops.get((by, client), 0) + 1
        return self.ops[by, client]

    def step(self) -> Decided | None:
        """Something happens."""
        rng = self.rng
        if rng.random() < 0.01:
            self.begin()
            return None
        member, client = rng.choice(self.members), rng.choice(("tab1", "tab2"))
        op, at = self.next_op(member.id, client), self.at()
        room = self.room
        acts: list[tuple[int, Callable[[], Decided]]] = [
            (2, lambda: room.say(member, client, Say(op=op, text=rng.choice(TEXTS)), at=at)),
            (10, lambda: room.edit(member, client, Edit(op=op, changes=self.changes()), at=at)),
            (6, lambda: room.undo(member, client, Undo(op=op), at=at)),
            (3, lambda: room.redo(member, client, Redo(op=op), at=at)),
            (
                1,
                lambda: room.share(
                    member, client, self.share(op), at=at, by_link=rng.random() < 0.8, generation=7_000 + op
                ),
            ),
        ]
        (act,) = rng.choices([one for _, one in acts], [weight for weight, _ in acts])
        return self.keep(act())

    def share(self, op: int) -> Share:
        return self.rng.choice(
            (Share(op=op, public="view"), Share(op=op, listed=False), Share(op=op, public="", revoke="edit"))
        )

    def changes(self) -> list[Change]:
        """A few changes, also of shapes that are not there, and of one shape twice."""
        return [self.change() for _ in range(self.rng.choice((1, 1, 1, 2, 3)))]

    def change(self) -> Change:
        rng = self.rng
        key = rng.choice(self.ids)
        if rng.random() < 0.2:
            return Change(id=key, gone=True)
        there = {shape.id: shape.kind for shape in self.room.shapes()}
        kind = there.get(key) or rng.choice(KINDS)
        whole = key not in there or rng.random() < 0.1
        values: dict[str, Any] = {
            "x": rng.uniform(-500, 500),
            "y": float(rng.randrange(-500, 500)),
            "w": 100.0,
            "h": rng.choice((-50.0, 0.1)),
            "r": 45.0,
            "z": rng.random(),
            "fill": rng.choice(COLOURS),
            "stroke": rng.choice(COLOURS),
            "sw": 1.5,
            "opacity": 0.5,
            "text": rng.choice(TEXTS),
        }
        if kind == "pen":
            values["points"] = [rng.uniform(-9, 9) for _ in range(2 * rng.randrange(4))]
        names = set(rng.sample(sorted(values), rng.randrange(1, 4)))
        if whole and rng.random() < 0.9:
            names |= {"kind", "x", "y"}
        return Change(
            id=key, set=Look(**{name: value for name, value in (("kind", kind), *values.items()) if name in names})
        )


def cases(count: int, seed: int = 0, *, steps: int = 120) -> list[dict[str, Any]]:
    """So many logs, with what is there at their end."""
    made = []
    for number in range(count):
        afternoon = Afternoon(Random(f"{seed}/{number}"))
        for _ in range(steps):
            afternoon.step()
        made.append(
            {
                "entries": [json.loads(format_entry(entry)) for entry in afternoon.log],
                "shapes": {shape.id: msgspec.to_builtins(shape) for shape in afternoon.room.shapes()},
                "chat": [json.loads(format_entry(said)) for said in afternoon.room.chat()],
                "access": [afternoon.room.gate.public, afternoon.room.gate.listed],
            }
        )
    return made


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    json.dump(cases(*(arguments or [1])), sys.stdout)
