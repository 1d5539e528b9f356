"""docs/rooms.md names every message, field, close code, setting and limit that there is."""

import re
from dataclasses import fields

import msgspec

from app import protocol
from app.config import Limits
from tests.app.conftest import ROOT

TEXT = (ROOT / "docs" / "rooms.md").read_text()


def rows() -> dict[str, str]:
    """The table rows by the words in their first cell."""
    found = {}
    for line in TEXT.splitlines():
        if line.startswith("| "):
            for word in re.findall(r"`([a-z]+)`", line.split("|")[1]):
                found[word] = line
    return found


def test_every_message_is_in_the_tables_with_its_fields() -> None:
    documented = rows()
    for kind in (*protocol.ClientMessage.__args__, *protocol.ServerMessage.__args__):
        row = documented[kind.__name__.lower()]
        for name in kind.__struct_fields__:
            assert f"`{name}`" in row, f"{kind.__name__}.{name}"


def test_every_close_code_and_limit_is_documented_with_its_value() -> None:
    codes = [value for name, value in vars(protocol).items() if name.isupper() and isinstance(value, int)]
    for code in codes:
        if 1_000 < code < 5_000 and code != protocol.TEXT_CHARS:
            assert re.search(rf"^\| {code}\b", TEXT, re.MULTILINE), code
    for limit in fields(Limits):
        assert f"`{limit.name.upper()}` {limit.default}" in TEXT


def test_the_protocol_has_one_kind_per_name() -> None:
    kinds = [*protocol.ClientMessage.__args__, *protocol.ServerMessage.__args__]
    assert len({msgspec.inspect.type_info(kind).tag for kind in kinds}) == len(kinds)  # type: ignore[attr-defined]
