"""Every claim of the architectures is put to the test somewhere: `docs/notebooks.md` says where, and is held to it."""

import json
import re

import pytest

from flylab.kit import chapters
from flylab.kit.chapters import source
from flylab.published.claims import claims
from tests.support import ROOT

PAGE = (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| (?P<what>[^|]+) \| (?P<topics>[a-z0-9, -]+) \| (?P<chapters>[0-9, ]+) \| (?P<keys>c[c0-9, ]+) \|$", re.M
)
ROWS = {match["what"]: match for match in ROW.finditer(PAGE)}
# The founding text compares these; a room could be built on each.
NAMED = (
    "Cloudflare Workers",
    "Workers KV",
    "Durable Objects",
    "Netlify edge functions",
    "AWS Lambda",
    "AWS Fargate",
    "AWS EC2",
    "Vultr",
    "Firecracker boots fast",
    "the Machines API starts machines",
    "apps scale to zero",
    "anycast brings a visitor to a near edge",
    "WireGuard between edges and hosts",
    "fly-replay",
)
KEY = re.compile(r"\bc\d{3}\b")


def judged(number: str) -> set[str]:
    """The published claims that a chapter predicts something of, and notes a result for."""
    (chapter,) = chapters.find([number])
    cells = [source(cell) for cell in json.loads(chapter.path.read_text(encoding="utf-8"))["cells"]]
    said = {word: "\n".join(cell for cell in cells if f"verdicts.{word}(" in cell) for word in ("predict", "result")}
    if "theirs = " in said["predict"] and "for key in theirs" in said["result"]:
        said["result"] += said["predict"]
    return set(KEY.findall(said["predict"])) & set(KEY.findall(said["result"]))


def test_everything_that_is_named_has_a_row() -> None:
    assert tuple(ROWS) == NAMED


@pytest.mark.parametrize("what", NAMED)
def test_a_row_names_published_claims_of_its_topic_and_chapters_that_judge_them(what: str) -> None:
    row = ROWS[what]
    keys, topics = set(KEY.findall(row["keys"])), set(row["topics"].split(", "))
    assert {claims()[key].topic for key in keys} == topics
    assert keys <= set().union(*(judged(number) for number in row["chapters"].split(", ")))
    assert all(keys & judged(number) for number in row["chapters"].split(", "))


def test_a_chapter_notes_a_result_for_each_claim_that_it_predicts_something_of() -> None:
    for chapter in chapters.find():
        text = chapter.path.read_text(encoding="utf-8")
        assert set(KEY.findall(text)) <= set(claims()), chapter.name
