"""A guest of a room who draws: one shape after the other, each kept in mind until the room says that it is stored."""

import asyncio
import math
from collections import OrderedDict
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from flylab.kit import members, rooms
from flylab.kit.target import Lab

REMEMBERED = 200  # of what was drawn and seen last, how long it took; our choice
PAUSE = 0.3  # seconds between two shapes; our choice: slow enough to watch
COLUMNS, ROWS = 36, 5  # of beads, before they are drawn over the first ones again
COLOURS = ("#7c5cff", "#ff8a3d", "#16a394", "#e0457b")  # told apart on a light and on a dark sheet; our choice


@dataclass(slots=True)
class Guest(members.Member):
    """Somebody at one region's edge; ``kept`` holds the ids of the shapes that the room called stored."""

    region: str = ""
    place: int = 0  # which of the guests: those who draw beside each other do not draw over each other
    welcome: dict[str, Any] = field(default_factory=dict)
    trace: dict[str, Any] = field(default_factory=dict)
    stored: asyncio.Event = field(default_factory=asyncio.Event)
    drew: OrderedDict[str, float] = field(default_factory=OrderedDict)  # when which shape of ours was sent
    saw: OrderedDict[str, float] = field(default_factory=OrderedDict)  # and when others' came, by the same clock

    async def arrived(self, guest: rooms.Visit) -> None:
        self.welcome, self.trace = guest.welcome, guest.trace
        await members.Member.arrived(self, guest)

    def heard(self, message: dict[str, Any]) -> None:
        before = len(self.kept)
        members.Member.heard(self, message)
        if len(self.kept) > before:
            self.stored.set()
        if message["t"] == "edited" and message["client"] != self.person.client:
            for change in message["changes"]:
                _keep(self.saw, change["id"])

    def ms_from(self, other: "Guest") -> list[float]:
        """How long each of the other's last shapes took from their hand to our eyes, in ms."""
        return [1000 * (seen - other.drew[shape]) for shape, seen in self.saw.items() if shape in other.drew]

    async def repeat(self, guest: rooms.Visit, op: int, text: str) -> None:
        await guest.send("edit", op=op, changes=[{"id": text, "set": self._shape(op)}])

    async def talk(self, guest: rooms.Visit) -> None:
        while True:
            await asyncio.sleep(PAUSE)
            self.person.op += 1
            op = self.person.op
            self.unsure[op] = f"{self.person.client}-{op}"
            _keep(self.drew, self.unsure[op])
            await self.repeat(guest, op, self.unsure[op])

    async def keeps(self, more: int, seconds: float) -> None:
        """Wait until so many more of what this guest draws is stored; raises TimeoutError."""
        wanted = len(self.kept) + more
        async with asyncio.timeout(seconds):
            while len(self.kept) < wanted:
                self.stored.clear()
                await self.stored.wait()

    def _shape(self, op: int) -> dict[str, Any]:
        """A bead on a wave, so that what is missing is seen."""
        column, row = op % COLUMNS, op // COLUMNS % ROWS
        x, y = 40 * column - 720, 300 * self.place + 52 * row - 330 + 16 * math.sin(column / 2)
        kind = "rect" if self.place % 2 else "ellipse"
        look = {"kind": kind, "x": round(x), "y": round(y), "w": 32, "h": 32, "sw": 3}
        colour = COLOURS[self.place % len(COLOURS)]
        return {**look, "stroke": colour, "fill": colour, "opacity": 0.75}


def _keep(times: OrderedDict[str, float], shape: str) -> None:
    """Note the first time only: what is sent or comes again says nothing of the distance."""
    times.setdefault(shape, perf_counter())
    if len(times) > REMEMBERED:
        times.popitem(last=False)


async def shapes(lab: Lab, app: str, region: str, room: str) -> list[str]:
    """The ids of all shapes that somebody finds who comes to the room now."""
    async with rooms.visit(lab, region, app, room, name="inspector") as guest:
        parts = [await guest.next("state") for _ in range(guest.welcome["parts"])]
    return [shape["id"] for part in parts for shape in part["shapes"]]
