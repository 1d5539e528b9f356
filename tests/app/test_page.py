"""The page's own logic, run by node: its tests, and that it shows what the room really holds."""

import json
import random
import re
import shutil
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.entries import DEFAULTS, PROPERTIES, Change, Look, format_entry
from app.fanout import Fanout, Listener, encode
from app.pages import Page, read_pages
from app.presence import Presence
from app.protocol import VERSION, Edit, Error, Member, Redo, Say, ServerMessage, Share, Undo, Welcome
from app.protocol import Path as Way
from flylab.published.network import regions
from tests.app.cases import Afternoon, cases
from tests.app.test_fanout import FakeWire, Loop

JS = Path(__file__).with_name("js")
STATIC = Path(__file__).parents[2] / "app" / "static"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed; the page's modules are not tested")
WATCHER = "f" * 16


def node(*arguments: str, stdin: str = "") -> str:
    assert NODE is not None
    done = subprocess.run([NODE, *arguments], input=stdin, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def show(views: list[list[list[dict[str, Any]]]]) -> list[dict[str, Any]]:
    """What the page shows after each of these lists of frames."""
    shown: list[dict[str, Any]] = json.loads(node(str(JS / "fold.mjs"), stdin=json.dumps(views)))
    return shown


@needs_node
def test_the_modules_of_the_page() -> None:
    node("--test", str(JS))


@needs_node
def test_the_page_folds_any_log_as_the_room_does() -> None:
    rng = random.Random(5)
    made = cases(60, seed=5)
    views = []
    for case in made:
        left, frames = list(case["entries"]), []
        while left:
            size = rng.randrange(1, 20)
            frames.append(left[:size])
            left = left[size:]
        views.append(frames)
    for number, (case, shown) in enumerate(zip(made, show(views), strict=True)):
        assert shown["shapes"] == case["shapes"], f"case {number}"
        assert shown["chat"] == case["chat"], f"case {number}"
        if any(entry["t"] == "access" for entry in case["entries"]):  # else it would know from its welcome
            assert shown["access"] == case["access"], f"case {number}"
        assert (shown["seq"], shown["gap"]) == (len(case["entries"]), False)


def filled(shape: dict[str, Any]) -> dict[str, Any]:
    """With what stands for the properties that it does not name."""
    whole = {name: getattr(DEFAULTS, name) for name in PROPERTIES}
    return {name: value for name, value in (whole | shape).items() if value is not msgspec.UNSET}


@needs_node
def test_what_the_page_shows_of_ones_own_work_at_once_is_what_the_room_then_makes_of_it() -> None:
    """The same operations of every kind go to the page, which hears nothing, and to the room: they show the same."""
    views, held = [], []
    for seed in range(120):
        afternoon = Afternoon(random.Random(f"own/{seed}"), members=1)
        (me,), rng, room = afternoon.members, afternoon.rng, afternoon.room
        frames = []
        for _ in range(40):
            op = afternoon.next_op(me.id, "page")
            doing: Any = rng.choice((Edit, Edit, Edit, Undo, Redo, Say, Share))
            if doing is Edit:
                # As the page makes them: of shapes that are there, or whole.
                there = {shape.id for shape in room.shapes()}
                changes = [one for one in afternoon.changes() if one.id in there or (one.set and one.set.kind)]
                message: Any = Edit(op=op, changes=changes or [Change(id=f"new{op}", set=Look(kind="rect", x=1, y=2))])
                outcome: Any = room.edit(me, "page", message, at=0)
            elif doing is Say:
                message = Say(op=op, text="hello")
                outcome = room.say(me, "page", message, at=0)
            elif doing is Share:
                message = Share(op=op, public="view")
                outcome = room.share(me, "page", message, at=0, by_link=True, generation=op)
            else:
                message = doing(op=op)
                act = room.undo if doing is Undo else room.redo
                outcome = act(me, "page", message, at=0)
            if isinstance(outcome, Error) and doing is Edit:
                continue  # a page drops what is refused
            frames.append([{"t": "$do", "operation": msgspec.to_builtins(message)}])
        views.append(frames)
        held.append({shape.id: filled(msgspec.to_builtins(shape)) for shape in room.shapes()})
    assert any(held)
    for seed, (there, shown) in enumerate(zip(held, show(views), strict=True)):
        assert {key: filled(shape) for key, shape in shown["seen"].items()} == there, f"seed {seed}"


class Watched(Afternoon):
    """A random afternoon in a room, with people who come and go, seen by one watcher through the real fan-out.

    The watcher comes and goes too, reads slowly at times, and comes back with what it knows or to a room that has
    forgotten more than that; every frame that it gets is kept.
    """

    def __init__(self, seed: int) -> None:
        self.loop = Loop()
        self.presence = Presence()
        self.fanout = Fanout(self.presence, window_bytes=20_000, loop=self.loop, clock=lambda: self.loop.now)
        self.frames: list[list[dict[str, Any]]] = []
        self.present: list[str] = []
        self.wire = FakeWire()
        self.listener: Listener | None = None
        self.known = (0, 0)
        self.published = 0
        super().__init__(random.Random(seed))

    def publish(self) -> None:
        for entry in self.log[self.published :]:
            self.fanout.publish(entry.seq, entry, format_entry(entry))
        self.published = len(self.log)

    def tell(self, news: ServerMessage | None) -> None:
        if news is not None:
            self.fanout.tell(news)

    def collect(self) -> None:
        """Keep what the watcher has been sent by now."""
        for message in self.wire.messages():
            self.frames.append([message])
            if message["t"] == "welcome":
                whole = not message["resumed"]
                self.known = message["epoch"], message["seq"] if whole else self.known[1]
            elif message["t"] in ("epoch", "released", "said", "edited", "access"):
                self.known = max(self.known[0], message.get("epoch", 0)), message["seq"]
        self.wire.sent.clear()

    def watch(self) -> None:
        """The watcher comes in, saying what it heard last."""
        rng = self.rng
        member, news = self.presence.enter(WATCHER, "watcher", region="nrt", role="edit")
        self.tell(news)
        epoch, since = self.known
        resumed = bool(self.frames) and self.room.since(epoch, since) is not None and self.fanout.window.covers(since)
        states = [] if resumed else self.room.state(part_bytes=400)
        gate = self.room.gate
        welcome = Welcome(
            v=VERSION, you=WATCHER, n=member.n, role="edit", room="blue", machine="m", region="ams",
            epoch=self.room.epoch, log=self.room.log, seq=self.room.seq, stored=self.room.seq, resumed=resumed,
            parts=len(states), op=0, skipped=[], members=self.presence.members(),
            cursors=[(n, x, y) for n, x, y in self.presence.cursors()], selected=self.presence.selected(),
            path=Way(), public=gate.public, listed=gate.listed,
        )  # fmt: skip
        self.wire = FakeWire(kernel=rng.choice((None, None, 2_000)))
        first = [encode([welcome], binary=False), *(encode([state], binary=False) for state in states)]
        self.listener = self.fanout.join(self.wire, since if resumed else self.room.seq, first)

    def unwatch(self) -> None:
        assert self.listener is not None
        # What was not taken yet is lost with the connection.
        if not self.wire.held:
            self.collect()
        self.wire.sent.clear()
        self.fanout.leave(self.listener)
        self.tell(self.presence.leave(WATCHER, "edit"))
        self.listener = None

    def read(self) -> None:
        while self.wire.held and self.listener is not None:
            if self.wire.read(100_000):
                self.fanout.drained(self.listener)
        self.collect()

    def meet(self) -> None:
        """Somebody comes, goes, points, drags, selects, or is called something else."""
        rng, presence = self.rng, self.presence
        act = rng.choice(("enter", "leave", "point", "point", "point", "drag", "select", "rename", "measure"))
        if act == "enter":
            key = f"{rng.randrange(1, 7):016x}"
            if key not in self.present:
                self.present.append(key)
                self.tell(presence.enter(key, f"member {key[-1]}", region="ams", role=rng.choice(("edit", "view")))[1])
            return
        if not self.present:
            return
        key = rng.choice(self.present)
        if act == "leave":
            self.present.remove(key)
            self.tell(presence.leave(key, presence.member(key).role))
        elif act == "rename":
            self.tell(presence.rename(key, f"name {rng.randrange(9)}"))
        elif act == "measure":
            self.tell(presence.measured(key, rng.uniform(1, 300)))
        else:
            if act == "point":
                at = (rng.randrange(-800, 800), rng.randrange(-500, 500)) if rng.random() < 0.8 else (None, None)
                presence.point(key, *at)
            elif act == "drag":
                presence.drag(key, [Change(id=rng.choice(self.ids), set=Look(x=5.0))] if rng.random() < 0.7 else [])
            else:
                presence.select(key, rng.sample(self.ids, rng.randrange(3)))
            self.fanout.moved()

    def run(self) -> dict[str, Any]:
        rng = self.rng
        self.publish()
        self.watch()
        for _ in range(rng.randrange(20, 200)):
            chance = rng.random()
            if chance < 0.45:
                self.step()
                self.publish()
            elif chance < 0.8:
                self.meet()
            elif chance < 0.85:
                self.unwatch() if self.listener is not None else self.watch()
            elif chance < 0.9:
                self.read()
            else:
                self.fanout.stored(self.room.seq)
                self.loop.run(0.05)
        if self.listener is None:
            self.watch()
        return self.settle()

    def settle(self) -> dict[str, Any]:
        """Everything arrives; what the watcher must see then."""
        for key in self.present:
            self.presence.drag(key, [])
        self.fanout.moved()
        self.fanout.stored(self.room.seq)
        for _ in range(100):
            self.loop.run(0.1)
            self.read()
        assert self.wire.ended is None
        presence, gate = self.presence, self.room.gate
        return {
            "seq": self.room.seq,
            "stored": self.room.seq,
            "gap": False,
            "phase": "live",
            "shapes": {shape.id: msgspec.to_builtins(shape) for shape in self.room.shapes()},
            "chat": [json.loads(format_entry(said)) for said in self.room.chat()],
            "access": [gate.public, gate.listed],
            "members": {str(member.n): member.name for member in presence.members()},
            "cursors": by_number(presence.cursors()),
            "drags": [],
            "selected": by_number(presence.selected()),
        }


def by_number(rows: Any) -> list[Any]:
    return sorted([list(row) for row in rows], key=lambda row: int(row[0]))


@needs_node
def test_the_page_shows_what_the_room_holds_after_any_afternoon() -> None:
    afternoons = [Watched(seed) for seed in range(150)]
    held = [afternoon.run() for afternoon in afternoons]
    welcomes = [message for one in afternoons for (message,) in one.frames if message["t"] == "welcome"]
    assert {True, False} == {welcome["resumed"] for welcome in welcomes}
    assert any(message["t"] == "members" for one in afternoons for (message,) in one.frames), "nobody fell behind"
    for seed, (there, here) in enumerate(zip(held, show([one.frames for one in afternoons]), strict=True)):
        del here["seen"]
        here |= {"cursors": by_number(here["cursors"]), "selected": by_number(here["selected"])}
        assert here == there, f"seed {seed}"


def test_the_page_knows_the_city_of_every_region() -> None:
    text = unicodedata.normalize("NFD", (STATIC / "regions.js").read_text()).replace("\N{COMBINING TILDE}", "")
    for region in regions():
        place = f'{region.code}: ["{region.city}", {round(region.latitude)}, {round(region.longitude)}]'
        assert place in text


def test_the_page_asks_for_nothing_from_elsewhere_and_has_nothing_inline() -> None:
    for path in STATIC.iterdir():
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://[a-z]", text), path.name
        if path.suffix == ".html":
            assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", text), path.name


def loaded(name: str, pages: dict[str, Page], found: set[str] | None = None) -> set[str]:
    """The files that a browser fetches for a page, following what each one names."""
    found = set() if found is None else found
    if name not in found:
        found.add(name)
        text = pages[name].body.decode()
        named = re.findall(r'(?:src|href)="/static/([\w.]+)"', text)
        if name.endswith(".js"):
            named = re.findall(r'(?:from ?"\./|"/static/)([\w.]+)"', text)
        for one in named:
            loaded(one, pages, found)
    return found


@pytest.mark.parametrize(("name", "most"), [("room.html", 120_000), ("lobby.html", 30_000)])
def test_a_whole_page_is_small_as_it_is_served(name: str, most: int) -> None:
    pages = read_pages()
    files = loaded(name, pages)
    assert {"style.css", "regions.js"} <= files
    assert sum(len(pages[one].body) for one in files) < most


def test_all_that_a_room_may_ever_load_is_as_small_as_docs_page_says() -> None:
    pages = read_pages()
    others = loaded("lobby.html", pages) - loaded("room.html", pages)  # what the lobby alone needs
    others |= {"embedded.js", "embedded.css"}  # in a frame of another page
    assert sum(len(page.body) for name, page in pages.items() if name not in others) < 132_000


@pytest.mark.parametrize("name", ["room.html", "lobby.html"])
def test_a_page_names_every_module_that_it_needs_so_that_all_come_at_once(name: str) -> None:
    pages = read_pages()
    named = re.findall(r"modulepreload href=/static/([\w.]+)>", pages[name].body.decode())
    first = name.replace("html", "js").replace("room", "main")
    needed = {one for one in loaded(first, pages) if one.endswith(".js")}
    assert sorted(named) == sorted(needed - {first})


@needs_node
def test_the_modules_as_they_are_served_do_the_same(tmp_path: Path) -> None:
    static = tmp_path / "app" / "static"
    static.mkdir(parents=True)
    for name, page in read_pages().items():
        (static / name).write_bytes(page.body)
    (static / "package.json").write_text('{"type": "module"}')
    shutil.copytree(JS, tmp_path / "tests" / "app" / "js")
    node("--test", str(tmp_path / "tests" / "app" / "js"))


def test_no_template_is_inside_another() -> None:
    """What makes the scripts smaller as they are served (rjsmin) takes such a one apart."""
    for path in STATIC.glob("*.js"):
        assert not re.search(r"\$\{[^}]*`", path.read_text()), path.name


def test_the_page_and_the_room_agree_on_their_numbers() -> None:
    """What the page repeats of the protocol: its version, and what is left out on the wire."""
    assert f"VERSION = {VERSION};" in (STATIC / "room.js").read_text()
    assert Member(id="x", n=1, name="x", hue=0, region="").role == "edit"
    text = (STATIC / "document.js").read_text()
    named = re.search(r"DEFAULTS = \{(.*)\};", text)
    assert named is not None
    page = dict(part.strip().split(": ") for part in named[1].split(","))
    for name in PROPERTIES:
        value = getattr(DEFAULTS, name)
        if value is not msgspec.UNSET:
            assert json.loads(page[name]) == value, name
