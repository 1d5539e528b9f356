"""The page's own logic, run by node: its tests, and that it shows what the room really holds."""

import asyncio
import json
import random
import re
import shutil
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from app.config import Limits
from app.hub import Hub, Seat
from app.journal import MemoryJournal
from app.outbox import Outbox
from app.ownership import Owner, Place
from app.protocol import Cursor, Hello, Rename, Say
from app.protocol import Path as Way
from app.room import Room
from flylab.published.network import regions

JS = Path(__file__).with_name("js")
STATIC = Path(__file__).parents[2] / "app" / "static"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed; the page's modules are not tested")


def node(*arguments: str, stdin: str = "") -> str:
    assert NODE is not None
    done = subprocess.run([NODE, *arguments], input=stdin, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_node
def test_the_modules_of_the_page() -> None:
    node("--test", str(JS))


class Schedule:
    """A random afternoon in a room, seen by one watcher who comes and goes; every frame the watcher gets is kept."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        place = Place(machine="m1", region="ams", app="rooms")
        self.room = Room("blue", history=500, ops=5_000)
        owner = Owner(room="blue", epoch=1, place=place, at=0.0)
        self.hub = Hub(owner, self.room, MemoryJournal("L"), limits=Limits(), lost=lambda hub: None, wall=lambda: 0.0)
        self.seats: list[Seat] = []
        self.frames: list[dict[str, Any]] = []
        self.outbox = self.new_outbox()
        self.watcher: Seat | None = None

    def new_outbox(self) -> Outbox:
        return Outbox(most_frames=10_000, most_bytes=10_000_000, drop=lambda code, reason: None)

    def join(self, name: str, outbox: Outbox, **since: Any) -> Seat:
        hello = Hello(v=1, key=f"secret-of-{name:>10}".replace(" ", "-"), name=name, **since)
        seat = self.hub.join(hello, outbox, Way(edge="nrt"))
        assert seat is not None
        return seat

    async def collect(self) -> None:
        # As a connection's writer does: what was skipped while frames waited is made up for.
        if self.outbox.missed_moves and self.watcher is not None:
            self.hub.catch_up(self.watcher)
        self.outbox.put("{}")
        while (frame := await self.outbox.take()) != "{}":
            assert isinstance(frame, str)
            self.frames.append(json.loads(frame))

    async def watch(self) -> None:
        seen = max((frame["seq"] for frame in self.frames if frame["t"] in ("said", "welcome")), default=0)
        self.outbox = self.new_outbox()
        self.watcher = self.join("watcher", self.outbox, log="L" if self.frames else "", since=seen)

    async def step(self) -> None:
        rng = self.rng
        act = rng.choice(["join", "leave", "say", "say", "say", "again", "cursor", "cursor", "rename", "watch", "tick"])
        seat = rng.choice(self.seats) if self.seats else None
        if act == "join":
            self.seats.append(self.join(f"member {rng.randrange(6)}", self.new_outbox()))
        elif act == "watch":
            await self.collect()
            if self.watcher is not None:
                self.hub.leave(self.watcher)
                self.watcher = None
            else:
                await self.watch()
        elif act == "tick":
            self.hub._tell_moves()
            await asyncio.sleep(0)
        elif seat is None:
            return
        elif act == "leave":
            self.seats.remove(seat)
            self.hub.leave(seat)
        elif act in ("say", "again"):
            op = f"op{rng.randrange(5) if act == 'again' else rng.randrange(10**9)}"
            self.hub.say(seat, Say(op=op, text="x"), f"text {rng.randrange(1000)}")
        elif act == "cursor":
            at = (rng.random(), rng.random()) if rng.random() < 0.8 else (None, None)
            self.hub.point(seat, Cursor(x=at[0], y=at[1]))
        else:
            self.hub.rename(seat, Rename(name=f"name {rng.randrange(9)}"))

    async def run(self) -> dict[str, Any]:
        await self.watch()
        for _ in range(self.rng.randrange(5, 80)):
            await self.step()
        if self.watcher is None:
            await self.watch()
        self.hub._tell_moves()
        await self.hub.finish()
        await self.collect()
        return {
            "seq": self.room.seq,
            "stored": self.room.seq,
            "gap": False,
            "texts": [entry.text for entry in self.room.tail()],
            "members": sorted([member.id, member.name] for member in self.room.members),
            "cursors": sorted([member, x, y] for member, x, y in self.room.cursors()),
        }


@needs_node
async def test_the_page_shows_what_the_room_holds_after_any_afternoon() -> None:
    schedules = [Schedule(seed) for seed in range(300)]
    held = [await schedule.run() for schedule in schedules]
    shown = json.loads(node(str(JS / "fold.mjs"), stdin=json.dumps([schedule.frames for schedule in schedules])))
    for seed, (there, here) in enumerate(zip(held, shown, strict=True)):
        assert here == there, f"seed {seed}"


def test_the_page_knows_the_city_of_every_region() -> None:
    text = unicodedata.normalize("NFD", (STATIC / "regions.js").read_text()).replace("\N{COMBINING TILDE}", "")
    for region in regions():
        assert f'{region.code}: "{region.city}"' in text


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    for path in STATIC.iterdir():
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://[a-z]", text), path.name
