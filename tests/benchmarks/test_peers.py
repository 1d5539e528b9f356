"""How other room servers are spoken to and installed. That they work is seen by `python benchmarks/peers/check.py`."""

import json
from pathlib import Path

import msgspec
import pytest
from peers.dialects import DIALECTS
from peers.servers import PEERS, SOURCES, TITLES, install, prepare

TEXT = '7 1234567 "é" hello'


def unmasked(frame: bytes) -> bytes:
    """The payload of a small client frame whose mask is zero."""
    assert frame[1] & 0x80, "a client masks"
    return frame[6:]


HEARD = {
    "ws": (b'{"t":"said","by":1,"text":%b}', b'{"t":"cursor","by":1,"x":3,"y":40000}'),
    "deno": (b'{"t":"said","by":1,"text":%b}', b'{"t":"cursor","by":1,"x":3,"y":40000}'),
    "workerd": (b'{"t":"said","text":%b}', b'{"t":"cursor","x":3,"y":40000}'),
    "quart": (b'{"t":"said","by":1,"text":%b}', b'{"t":"cursor","by":1,"x":3,"y":40000}'),
    "socketio": (b'42["said","id",%b]', b'42["cursor","id",3,40000]'),
}


def test_every_peer_has_a_dialect_a_title_and_its_files() -> None:
    assert set(DIALECTS) == set(TITLES) == set(PEERS) == {folder.name for folder in SOURCES.iterdir()}


@pytest.mark.parametrize("name", HEARD)
def test_lines_and_cursors_are_found_in_what_json_servers_send(name: str) -> None:
    dialect = DIALECTS[name]()
    said, moved = HEARD[name][0] % json.dumps(TEXT).encode(), HEARD[name][1]
    assert list(dialect.lines(said)) == [(0, TEXT)]
    assert list(dialect.cursors(said, binary=False)) == []
    assert list(dialect.cursors(moved, binary=False)) == [(3, 40_000)]
    assert list(dialect.lines(moved)) == []
    stream = b"head" + said + b"\x81\x20" + moved + b"\x81\x20" + said
    assert dialect.said(stream, 0, len(stream)) == 2
    assert dialect.said(stream, 4, len(said) + 4) == 1
    assert dialect.said(moved, 0, len(moved)) == 0


@pytest.mark.parametrize("name", ["ws", "workerd", "deno", "quart"])
def test_json_servers_are_told_what_they_expect(name: str) -> None:
    dialect = DIALECTS[name]()
    assert json.loads(unmasked(dialect.say(1, TEXT))) == {"t": "say", "text": TEXT}
    assert json.loads(unmasked(dialect.cursor(3, 4, binary=True))) == {"t": "cursor", "x": 3, "y": 4}
    assert dialect.welcomed(b'{"t": "welcome", "by": 1}') == (0, 0)
    assert dialect.welcomed(b'{"t":"said","text":"early"}') is None


def test_socket_io_is_joined_and_spoken_to_in_events() -> None:
    dialect = DIALECTS["socketio"]()
    assert unmasked(dialect.hello(binary=False)) == b"40"
    assert unmasked(dialect.say(1, TEXT)) == b"42" + json.dumps(["say", TEXT], separators=(",", ":")).encode()
    assert [dialect.welcomed(heard) for heard in (b'0{"sid":"a"}', b'40{"sid":"b"}', b'42["welcome"]')] == [
        None, None, (0, 0),
    ]  # fmt: skip


def test_colyseus_is_told_in_messagepack_and_welcomes_with_its_state() -> None:
    dialect = DIALECTS["colyseus"]()
    assert unmasked(dialect.say(1, TEXT)) == b"\x0d\xa3say" + msgspec.msgpack.encode(TEXT)
    assert msgspec.msgpack.decode(unmasked(dialect.cursor(3, 40_000, binary=True))[8:]) == [3, 40_000]
    assert dialect.welcomed(b"\n\tL_KTfGruk\x06schema\x80\x01") is None
    assert dialect.welcomed(b"\x0e\x80\x01") == (0, 0)
    heard = b"\x0d\xa4said" + msgspec.msgpack.encode(TEXT)
    assert list(dialect.lines(heard)) == [(0, TEXT)]
    assert dialect.said(b"\x82\x0c" + heard + heard, 0, 100) == 2


@pytest.mark.parametrize(
    ("patch", "cursors"),
    [
        # As a server of 0.16.26 sent them.
        (b"\x0f\x80\x01", []),
        (
            b"\x0f\xff\x01\x80\x00\xa9tjA0nMJqT\x01\x00\x02\x00\x80\x01\xa9LqzbBAW-s\x01\x00\x00\x00",
            [(1, 2), (1, 0)],
        ),
        (b"\x0f\xff\x01\x00\x01\x02\x00\x00\x00\x00\x02\x02\x00\x01\x00", [(2, 0), (2, 1)]),
        (b"\x0f\xff\x01@\x00", []),
        # Places beyond 127 and 255, and a value whose bytes look like changes.
        (b"\x0f\xff\x01\x00\xcc\x80\x02\x00\x01\x00\x00\xcd\x2c\x01\xff\x01\x00\x80", [(2, 1), (511, 32_768)]),
        (b"\x0e\x80\x01\xff\x01\x80\x00\xa9tjA0nMJqT\x01\x00\x02\x00", []),
    ],
)
def test_cursors_are_read_from_changes_of_colyseus_state(patch: bytes, cursors: list[tuple[int, int]]) -> None:
    assert list(DIALECTS["colyseus"]().cursors(patch, binary=True)) == cursors


def test_a_change_that_is_not_understood_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="cannot read the change at 3"):
        list(DIALECTS["colyseus"]().cursors(b"\x0f\xff\x01\x77\x00", binary=True))


def npm(folder: Path, script: str) -> str:
    """A PATH on which npm is this script and Node is a recent one."""
    for name, lines in (("npm", script), ("node", "echo v22.1.0")):
        (folder / name).write_text(f"#!/bin/sh\n{lines}\n")
        (folder / name).chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def test_without_npm_a_peer_is_left_out_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert prepare("ws") == "ws on Node, naive is left out: there is no npm on this machine."
    assert prepare("quart") == ""


def test_an_old_node_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", npm(tmp_path, "exit 1"))
    (tmp_path / "node").write_text("#!/bin/sh\necho v16.20.0\n")
    assert prepare("ws") == "ws on Node, naive is left out: it needs Node 18 or newer, and this is 16.20.0."


def test_what_npm_says_about_a_failure_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", npm(tmp_path, "echo chatter >&2; echo 'npm error code E404' >&2; exit 1"))
    assert install(SOURCES / "ws", tmp_path / "ws") == "npm could not install it (npm error code E404)"
    assert not (tmp_path / "ws" / "ready").exists()


def test_it_is_installed_once_for_each_list_of_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", npm(tmp_path, 'echo "$@" >>../calls'))
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / "package.json").write_text('{"dependencies": {"ws": "1.0.0"}}')
    (source / "server.js").write_text("one")
    assert install(source, target) == install(source, target) == ""
    (source / "server.js").write_text("two")
    assert install(source, target) == ""
    assert (target / "server.js").read_text() == "two"
    assert len((tmp_path / "calls").read_text().splitlines()) == 1
    (source / "package.json").write_text('{"dependencies": {"ws": "2.0.0"}}')
    assert install(source, target) == ""
    first, second = (tmp_path / "calls").read_text().splitlines()
    assert first == second
    assert "--ignore-scripts" in first
    assert first.endswith(f"--prefix {target}")


def test_versions_are_pinned_exactly() -> None:
    for manifest in SOURCES.glob("*/package.json"):
        for package, wanted in json.loads(manifest.read_text())["dependencies"].items():
            assert wanted.replace(".", "").isdecimal(), f"{package} of {manifest} is not pinned"
