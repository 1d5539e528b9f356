"""docs/protocol.md says what the code does: every message, field, code and limit, and its examples are real."""

import ast
import re
from typing import Any, get_args

import msgspec
import pytest
from msgspec import NODEFAULT, UNSET

from app import entries, greeting, hub, link, operations, presence, protocol, room, session
from app.config import Limits
from app.entries import DEFAULTS, Change, Edited, Epoch, Look, Said
from app.presence import hue, member_id
from app.protocol import ERRORS, Accepted, Error, Hello, Member, Path, State, Welcome, parse_message
from app.room import Room, RoomLimits
from tests.app.conftest import ROOT

TEXT = (ROOT / "docs" / "protocol.md").read_text()
APP = ROOT / "app"
ENTRIES = get_args(entries.AnyEntry)
MESSAGES = [kind for kind in protocol.ServerMessage.__args__ if kind not in ENTRIES]
CODE = re.compile(r"`([^`]+)`")


def section(title: str) -> str:
    """What stands under a heading, without the parts under further headings."""
    return re.split(r"^#+ ", TEXT.split(f"# {title}\n", 1)[1], flags=re.MULTILINE)[0]


def rows(text: str) -> dict[str, list[str]]:
    """The rows of its tables by each name in their first cell."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith(("| kind |", "| part |")):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            for name in CODE.findall(cells[0]) or [cells[0]]:
                found[name] = cells
    return found


def documented(cell: str) -> dict[str, str]:
    """The fields of a cell with what stands behind each: ``` = 0``` or ``?``."""
    return dict(re.findall(r"`(\w+)`( = \S+?|\?)?(?=[,;. ]|$)", cell))


@pytest.mark.parametrize(
    ("title", "kinds"),
    [
        ("From the member", protocol.ClientMessage.__args__),
        ("From the room: entries of the log", ENTRIES),
        ("From the room: everything else", MESSAGES),
    ],
)
def test_every_message_is_there_with_exactly_its_fields(title: str, kinds: tuple[type[Any], ...]) -> None:
    table = rows(section(title))
    parts = {"member", "path"} if kinds is MESSAGES else set()
    assert set(table) - parts == {kind.__name__.lower() for kind in kinds}
    for kind in kinds:
        fields = set(kind.__struct_fields__) - ({"seq", "at"} if kind in ENTRIES else set())
        assert set(documented(table[kind.__name__.lower()][1])) == fields, kind


@pytest.mark.parametrize(
    ("title", "name", "kind"),
    [
        ("From the room: everything else", "member", Member),
        ("From the room: everything else", "path", Path),
        ("Shapes", "change", Change),
    ],
)
def test_every_part_is_there_with_exactly_its_fields(title: str, name: str, kind: type[Any]) -> None:
    assert set(documented(rows(section(title))[name][1])) == set(kind.__struct_fields__)


@pytest.mark.parametrize("kind", [*protocol.ClientMessage.__args__, *MESSAGES, *ENTRIES, Member, Change])
def test_what_may_be_left_out_is_said_with_its_default(kind: type[Any]) -> None:
    name = kind.__name__.lower()
    shown = documented(next(cells for cells in [rows(TEXT).get(name)] if cells)[1])
    if kind is protocol.Share:
        return  # said in words: at least one of three
    for field in msgspec.structs.fields(kind):
        mark = shown.get(field.name, "").strip()
        if field.default is UNSET:
            assert mark == "?", (name, field.name)
        elif field.default is not NODEFAULT or field.default_factory is not NODEFAULT:
            default = field.default if field.default is not NODEFAULT else field.default_factory()
            assert mark == f"= {msgspec.json.encode(default).decode().removesuffix('.0')}", (name, field.name)
        else:
            assert mark == "", (name, field.name)


def test_every_property_of_a_shape_is_there_with_what_stands_for_absent() -> None:
    table = rows(section("Shapes"))
    for name in Look.__struct_fields__:
        default = getattr(DEFAULTS, name)
        if default is UNSET:
            assert table[name][2] == "always there"
        elif name in ("fill", "stroke"):
            assert table[name][2] == f"`{DEFAULTS.fill}`, `{DEFAULTS.stroke}`"
        else:
            assert table[name][2] == msgspec.json.encode(default).decode().removesuffix(".0")
    assert CODE.findall(table["kind"][1]) == list(get_args(entries.Kind))


def codes_used() -> set[str]:
    """The codes that the code of the app answers with, as written in it."""
    found = set()
    for path in APP.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            given = [word.value for word in node.keywords if word.arg == "code"] + node.args[:1]
            if called in ("Error", "Unreadable", "_complain") or (called == "Refused" and path.name != "placement.py"):
                found |= {one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return found


def test_every_error_code_is_there_with_what_to_do() -> None:
    table = rows(section("Errors"))
    table.pop("code", None)
    assert {code: cells[1] for code, cells in table.items() if code in ERRORS} == ERRORS
    assert codes_used() == set(ERRORS)


def test_every_close_code_is_there() -> None:
    ours = {value for name, value in vars(protocol).items() if name.isupper() and type(value) is int and value > 999}
    table = {int(code) for row in rows(section("Close codes")) for code in re.findall(r"\d{4}", row)}
    assert {code for code in ours if code < 5_000} - table == {protocol.TEXT_CHARS}
    assert {code for code in table if code >= 4_000} <= ours
    for path in APP.glob("*.py"):
        for code in re.findall(r"(?:drop|close|_fail)\((\d{4})\b", path.read_text()):
            assert int(code) in table, f"{path.name}: {code}"


def test_every_limit_is_there_with_its_value() -> None:
    table = section("Limits")
    numbers = {name: f"{getattr(Limits(), name):,}" for name in ("message_bytes", "members", "shapes", "room_bytes")}
    numbers |= {name: f"{getattr(Limits(), name):,}" for name in ("history", "clients", "undo", "window_bytes")}
    for name, number in numbers.items():
        assert f"| {number} | `LIMIT_{name.upper()}` |" in table, name
    assert f"| {Limits().messages_per_second}, {Limits().burst} |" in table
    assert f"| {Limits().new_rooms_per_second}, {Limits().new_rooms_burst} |" in table
    for name in ("history", "shapes", "room_bytes", "clients", "undo"):
        assert getattr(RoomLimits(), name) == getattr(Limits(), name)
    undo = RoomLimits()
    assert f"{undo.undo} edits of a member can be taken back" in TEXT
    assert f"{undo.undo_items:,} shapes changed (the last one always); {undo.undo_members} members and\n  4 MB" in TEXT
    assert undo.undo_bytes == 4 * 1024 * 1024
    assert f"skipped numbers of a client | {operations.WINDOW} |" in table
    assert f"epochs from which one can come back | {room.STARTS} |" in table
    assert f"can hold at a time, in each encoding | {greeting.MOST_SETS} |" in table
    assert f"takes nothing of it for {greeting.LOOK * (greeting.LOOKS - 1):g} s" in TEXT
    assert f"counts as so many messages of this length | {session._MESSAGE_BYTES:,} |" in table
    assert f"until half are stored | {hub.MOST_UNSTORED:,} |" in table
    assert f"count as one more message, if there are more | {session._CHANGES} |" in table
    assert f"bytes of a drag | {protocol.DRAG_BYTES:,} |" in table
    assert f"at most {protocol.DRAG_BYTES:,} bytes" in TEXT
    assert f"of all selections, as JSON | {presence.MOST_SHOWN:,} |" in table
    assert f"frames of a connection in {link.ODD_SECONDS:g} s that are no messages" in table
    assert f"all but the last piece of a message | {link.ODD_FRAMES:,} |" in table
    assert f"within {session.HELLO_TIMEOUT:g} s" in TEXT
    assert f"{entries.REACH:,} units" in TEXT
    assert f"up to {protocol.NAME_CHARS} visible characters" in TEXT
    assert f"1–{entries.TEXT_CHARS:,} characters" in TEXT
    assert f"up to {entries.POINTS:,} numbers" in TEXT
    assert f"up to {protocol.SELECTED} changes" in TEXT
    assert f"# The protocol of a room, version {protocol.VERSION}" in TEXT


class Reader:
    """Takes the examples at their word: what is sent is sent to a room, and what comes back must be what it says."""

    def __init__(self) -> None:
        self.room = Room("blue")
        self.hello: Hello | None = None
        self.member: Member | None = None
        self.owed: list[Any] = []

    def sent(self, frame: str) -> None:
        message = parse_message(frame.encode(), most_bytes=65_536)
        if isinstance(message, Hello):
            self.hello = message
            return
        assert self.hello is not None
        assert self.member is not None
        act = getattr(self.room, type(message).__name__.lower(), None)
        if act is not None and type(message) is not protocol.Cursor:
            outcome = act(self.member, self.hello.client, message, at=0.0)
            self.owed.append(outcome)

    def heard(self, frame: str) -> None:
        for message in msgspec.json.decode(frame, type=list[protocol.ServerMessage]):
            if isinstance(message, Welcome):
                self.welcomed(message)
            elif isinstance(message, Epoch):
                self.room.apply(message)
            elif isinstance(message, Said | Edited | Accepted | Error):
                owed = self.owed.pop(0)
                at = {"at": message.at} if isinstance(message, Said | Edited) else {}
                assert msgspec.structs.replace(owed, **at) == message
            elif isinstance(message, State):
                assert [message] == self.room.state()

    def welcomed(self, welcome: Welcome) -> None:
        assert self.hello is not None
        me = member_id(self.hello.key)
        (self.member,) = [member for member in welcome.members if member.id == me]
        assert (welcome.you, self.member.hue) == (me, hue(me))
        if self.room.seq == 0:
            self.room.apply(Epoch(1, 0.0, epoch=1, machine="m1", region="ams", app="rooms", writer="w", why="made"))
        assert self.room.known(me, self.hello.client) == (welcome.op, welcome.skipped)
        assert welcome.seq == (self.room.seq + 1 if welcome.resumed else self.room.seq)


def test_the_examples_are_what_a_room_answers() -> None:
    reader = Reader()
    first, second = re.findall(r"```session\n(.*?)```", TEXT, re.DOTALL)
    kept: list[Any] = []
    for number, text in enumerate((first, second)):
        if number == 1:  # the last entry of the first session did not get into the store
            reader.room = Room("blue")
            reader.room.restore(None, kept)
        for line in text.splitlines():
            way, frame = line[0], line[2:]
            if way == "→":
                reader.sent(frame)
            else:
                assert way == "←"
                reader.heard(frame)
                decoded = msgspec.json.decode(frame, type=list[protocol.ServerMessage])
                kept += [entry for entry in decoded if isinstance(entry, Edited)]
                if not kept and reader.room.seq:
                    kept = [Epoch(1, 0.0, epoch=1, machine="m1", region="ams", app="rooms", writer="w", why="made")]
        assert reader.owed == []


def client_source() -> str:
    """The client at the end of the page."""
    (source,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    return str(source)


def test_the_client_is_short_and_whole() -> None:
    source = client_source()
    compile(source, "client", "exec")
    assert len([line for line in source.splitlines() if line.strip()]) <= 35
