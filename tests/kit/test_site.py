"""A whole site, built once from small chapters that were run on both targets, and what a reader finds in its files."""

import contextlib
import csv
import hashlib
import io
import json
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from flylab.kit import site
from flylab.kit.publish import HEADLINE_ID
from flylab.kit.runs import main as runs_command
from tests.kit.executed import executed, stored
from tests.kit.test_site_parts import recording

HOLDS, FAILS, CANNOT = "holds", "fails", "cannot be tested here"
BASE = "https://example.org/fly/"
EDGE = "## The sharp edge: a room with `two` owners\n\nBoth write.\nAn epoch helps.\n\nAnd more."
CHOICE = {
    "target": "local",
    "head": ["architecture", "who", "way"],
    "rows": [{"name": "Fly", "least": "once"}],
    "cells": [["Fly (it)", "you", "1 ms"]],
}


@dataclass(frozen=True)
class Built:
    """What the command made and said."""

    folder: Path
    status: int
    said: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Three chapters on the local platform and one of them on Fly too; the others were not run."""
    folder = tmp_path_factory.mktemp("site")
    build, out = folder / "build", folder / "public" / "site"
    local, fly = build / "executed", build / "executed" / "fly"
    executed(local, "03-replay", "A replay adds 0.9 ms", verdicts={"chain": HOLDS, "c016": CANNOT}, extra=EDGE)
    executed(local, "04-boot", "A visitor waits 242 ms", verdicts={"server": FAILS})
    executed(local, "10-tradeoffs", "Near, edits have 28% of the way", verdicts={"idle": HOLDS, "busy": FAILS},
             choice=CHOICE, kind="simulated")  # fmt: skip
    executed(fly, "03-replay", "A replay adds 12.5 ms", target="fly", verdicts={"chain": FAILS}, extra=EDGE)
    for target in ("local", "fly"):
        stored(build / "data", "03-replay", target=target, n=3 if target == "local" else 5)
    stored(build / "data", "04-boot")
    recording(build / "recordings" / "control-room.json")
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        patch.setenv("FLYLAB_BUILD", str(build))
        status = site.main(["--base-url", BASE, "--out", str(out)])
    return Built(out, status, said.getvalue())


@pytest.fixture
def built(made: Built) -> Path:
    return made.folder


def test_the_command_says_what_is_in_it_and_what_is_not(made: Built) -> None:
    assert made.status == 0
    assert re.search(r"03-replay +A replay adds 0\.9 ms +\(measured, n = 7; the local platform\)", made.said)
    assert re.search(r"03-replay +A replay adds 12\.5 ms +\(measured, n = 7; Fly\)", made.said)
    assert "not run, so not in it: 00-start, 01-provision" in made.said
    assert 'text = "A visitor waits 242 ms"' in made.said  # a finding in words that are new
    assert str(made.folder / "index.html") in made.said


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


class Links(HTMLParser):
    """Where a page leads, and what can be led to on it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.to: list[str] = []
        self.ids: set[str] = set()
        self.feed(text(path))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids |= {str(given["id"])} if given.get("id") else set()
        self.to += [str(given[name]) for name in ("href", "src") if given.get(name) and tag != "link"]


def test_every_link_within_the_site_leads_somewhere(built: Path) -> None:
    pages = {path: Links(path) for path in built.rglob("*.html")}
    broken = []
    for path, links in pages.items():
        for link in links.to:
            if re.match(r"[a-z]+:|//", link):
                continue
            file, _, anchor = re.sub(r"\?[^#]*", "", link).partition("#")
            target = (path.parent / file).resolve() if file else path.resolve()
            known = {page.resolve(): each for page, each in pages.items()}
            if not target.exists() or (anchor and target in known and anchor not in known[target].ids):
                broken.append((path.name, link))
    assert broken == []
    assert len(pages) >= 9


def test_the_first_page_answers_for_each_target_by_itself(built: Path) -> None:
    page = text(built / "index.html")
    local, fly = re.findall(r'<p class="lead">(.+?)</p>', page)
    assert "On the local platform." in local
    assert "all 1 rules" in local
    assert "A month costs least with Fly for rooms that are opened once." in local
    assert "On Fly." in fly
    assert "Not reliably: 1 of the 1 rules" in fly
    assert "A month costs" not in fly  # nobody ran chapter 10 there
    card = re.findall(r'<ol class="answer both">.*?</ol>', page, re.DOTALL)[0].split("<li>")[1]
    on_local, on_fly = re.findall(r'<div class="on-(?:local|fly)">(.*?)</div>', card, re.DOTALL)
    assert "0.9 ms" in on_local
    assert "12.5" not in on_local
    assert "12.5 ms" in on_fly
    assert "0.9" not in on_fly
    assert "measured on Fly, n = 7" in on_fly


def test_the_evidence_is_two_clicks_away(built: Path) -> None:
    for page, way, samples in (
        ("index.html", "03-replay.html", "local"),
        ("index.html", "fly/03-replay.html", "fly"),
    ):
        assert f"{way}#{HEADLINE_ID}" in Links(built / page).to
        chapter = Links(built / way)
        assert HEADLINE_ID in chapter.ids
        (data,) = [link for link in chapter.to if "data.html#" in link]
        assert data.partition("#")[2] in Links(built / "data.html").ids
        assert list((built / "data" / samples).glob("03-replay-*.parquet"))


def test_a_chapter_says_where_it_ran_and_leads_to_the_other_run(built: Path) -> None:
    local, fly = text(built / "03-replay.html"), text(built / "fly" / "03-replay.html")
    assert "Run on the local platform" in local
    assert 'href="fly/03-replay.html">The same on Fly' in local
    assert "Run on Fly" in fly
    assert 'href="../03-replay.html">The same on the local platform' in fly
    assert "12.5 ms" not in re.sub("(?s)<aside.*?</aside>", "", local)
    assert "The same on" not in text(built / "04-boot.html")


def test_what_was_not_run_and_what_did_not_hold_is_said(built: Path) -> None:
    page = text(built / "index.html")
    assert re.search(r"Start here.*not run", page, re.DOTALL)
    failed = page.split('class="chapters failed"')[1].split("</table>")[0]
    assert "The claim server" in failed
    assert "chapter 03, Fly" in failed
    assert "The claim idle" not in failed


def test_who_should_use_what_is_what_the_chapter_decided(built: Path) -> None:
    table = text(built / "index.html").split('class="chapters choice"')[1].split("</table>")[0]
    assert re.sub(r"<[^>]+>", "|", table).count("you") == 1


def test_the_control_room_can_be_played_from_what_lies_beside_the_page(built: Path) -> None:
    page = text(built / "index.html")
    assert 'data-recording="_static/control-room.json"' in page
    assert json.loads(text(built / "_static" / "control-room.json"))["version"] == 1
    asked = ["landing.js"]
    for name in asked:  # and what each imports, down to the last
        script = text(built / "_static" / name)
        found = re.findall(r'(?:from|import\()\s*"\./([\w.-]+)"', script)
        asked += [each for each in found if each not in asked]
    assert "control-map.js" in asked


def test_sharp_edges_have_cause_show_survival_and_source(built: Path) -> None:
    page = text(built / "sharp-edges.html")
    row = page.split('id="slow_stop"')[1].split("</tr>")[0]
    for part in (
        "still active",
        "flylab faults arm slow_stop",
        "tests/local/test_up_faults.py",
        "on 412 alone",
        "DayriseA",
    ):
        assert part in row, part
    assert "03-replay.html#the-sharp-edge-a-room-with-two-owners" in page
    assert "Both write. An epoch helps." in page
    assert "And more." not in page
    assert page.count("a room with") == 1  # the run on Fly says it too, and once is enough


def test_all_samples_can_be_downloaded_and_are_what_was_stored(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = json.loads(text(built / "data" / "manifest.json"))
    with (built / "data" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        assert [row["file"] for row in csv.DictReader(file)] == [row["file"] for row in manifest]
    on_disk = {path.relative_to(built / "data").as_posix() for path in (built / "data").rglob("*") if path.is_file()}
    assert {row["file"] for row in manifest} | {"manifest.json", "manifest.csv"} == on_disk
    for row in manifest:
        content = (built / "data" / row["file"]).read_bytes()
        assert (row["bytes"], row["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        assert row["columns"]
        assert row["licence"]
    (fly,) = [row for row in manifest if row["target"] == "fly" and row["file"].endswith(".csv")]
    with (built / "data" / fly["file"]).open(encoding="utf-8", newline="") as file:
        samples = list(csv.DictReader(file))
    assert len(samples) == fly["rows"] == 5
    assert samples[-1]["outcome"] == "ReadTimeout"
    assert json.loads(samples[1]["detail"]) == {"hops": [1, 1]}
    # The folder is one that `flylab runs` reads, hashes and all.
    assert runs_command(["--folder", str(built / "data" / "local"), "show", "03-replay"]) == 0
    assert "target local" in capsys.readouterr().out


def test_results_of_all_chapters_can_be_downloaded_with_their_targets(built: Path) -> None:
    with (built / "data" / "verdicts.csv").open(encoding="utf-8", newline="") as file:
        rows = {(row["chapter"], row["target"], row["key"]): row["outcome"] for row in csv.DictReader(file)}
    assert rows["03-replay", "local", "chain"] == HOLDS
    assert rows["03-replay", "fly", "chain"] == FAILS


def test_a_published_copy_has_canonical_links_a_map_and_previews(built: Path) -> None:
    for name in ("index.html", "03-replay.html", "fly/03-replay.html", "data.html"):
        page = text(built / name)
        assert f'<link rel="canonical" href="{BASE}{name}">' in page
        assert f'<meta property="og:image" content="{BASE}_static/card.png">' in page
        assert '<meta name="twitter:card" content="summary_large_image">' in page
        assert re.search(r'<meta name="description" content="[^"]{10,}">', page), name
    urls = [element.text for element in ElementTree.parse(built / "sitemap.xml").iter() if element.tag.endswith("loc")]
    assert {f"{BASE}index.html", f"{BASE}fly/03-replay.html", f"{BASE}sharp-edges.html"} <= set(urls)
    assert not [url for url in urls if url and "search" in url]
    assert f"Sitemap: {BASE}sitemap.xml" in text(built / "robots.txt")
    with Image.open(built / "_static" / "card.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (1200, 630))
        assert len(picture.convert("L").getcolors() or []) > 8  # something is drawn on it


def test_nothing_of_the_project_is_left_to_fill_in(built: Path) -> None:
    for path in built.glob("*.html"):
        assert not re.search(r"\$\{?[a-z]+\b", re.sub("(?s)<(script|pre|code).*?</\\1>", "", text(path))), path.name
