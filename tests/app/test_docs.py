"""docs/rooms.md names every setting and limit that there is, each with its default."""

import re
from dataclasses import fields

from app.config import Limits
from tests.app.conftest import ROOT

TEXT = (ROOT / "docs" / "rooms.md").read_text()
SOURCE = (ROOT / "app" / "config.py").read_text()


def test_every_limit_is_documented_with_its_value() -> None:
    for limit in fields(Limits):
        assert f"| `LIMIT_{limit.name.upper()}` | {limit.default} |" in TEXT


def test_every_variable_that_is_read_is_documented() -> None:
    read = set(re.findall(r'"([A-Z][A-Z_]+[A-Z])"', SOURCE))
    assert len(read) > 15
    assert {name for name in read if f"`{name}`" not in TEXT} == set()


def test_no_variable_is_documented_that_nobody_reads() -> None:
    known = set(re.findall(r'"([A-Z][A-Z_]+[A-Z])"', SOURCE)) | {
        f"LIMIT_{limit.name.upper()}" for limit in fields(Limits)
    }
    named = set(re.findall(r"`((?:ROOM|ROOMS|LIMIT|MOVE|MOST|SLEEP|IDLE|LEAVE|STORAGE|VERIFY)_[A-Z_]*[A-Z])`", TEXT))
    assert named - known == set()
