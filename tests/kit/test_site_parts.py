"""The parts of the write-up that are pure: numbers, sentences, links, addresses, findings, recordings."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from flylab.errors import ParseError, UsageError
from flylab.kit import chapters
from flylab.kit.chapters import source
from flylab.kit.control.recording import Recording
from flylab.kit.publish import Page
from flylab.kit.site import answer, card, command, downloads, findings, making, methods, preview, replayed, sharp, web
from flylab.kit.site.collecting import PLACES, Told, collect
from flylab.kit.verdict import Outcome
from flylab.rules.fault_names import KNOWN
from tests.kit.executed import executed, sources, stored
from tests.support import ROOT


def told(folder: Path, name: str, text: str = "", *, target: str = "local", **outcomes: str) -> Told:
    sources(folder, name)
    page = Page({"cells": []}, target=target)
    page.verdicts = [
        {"key": key, "outcome": outcome, "claim": "", "prediction": "", "result": ""}
        for key, outcome in outcomes.items()
    ]  # fmt: skip
    if text:
        page.headlines = [{"text": text, "kind": "measured", "n": 3, "target": target}]
    return chapters.load(folder / f"{name}.ipynb"), page


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("A replay adds 0.9 ms of our own time", "0.9 ms"),
        ("1.9 of 163 ms until others see an edit", "1.9 of 163 ms"),
        ("Machines cost 9% of always on at 10 visits a day", "9%"),
        ("A platform of 17 regions is ready after 564 ms", "564 ms"),
        ("8 machines came and went, and 0 processes are left", "8"),
        ("A month costs 1,234.50 USD, no more.", "1,234.50 USD"),
        ("Nothing was counted", ""),
        ("It took 3 minutes in 2026.", "3"),
    ],
)
def test_the_figure_of_a_headline(text: str, number: str) -> None:
    assert answer.number(text) == number


def test_five_parts_in_their_order_and_others_where_one_is_missing(tmp_path: Path) -> None:
    names = ("00-start", "01-provision", "04-boot", "03-replay", "10-tradeoffs", "99-teardown")
    pages = [told(tmp_path, name, f"{name} took 3 ms") for name in names]
    shown = [part.chapter.name for part in answer.parts(pages)]
    assert shown == ["03-replay", "04-boot", "10-tradeoffs", "00-start", "01-provision"]
    assert answer.parts([told(tmp_path, "05-latency")]) == []


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ({"03-replay": {"a": Outcome.HOLDS, "b": Outcome.HOLDS, "c": Outcome.CANNOT}}, "all 2 rules"),
        ({"03-replay": {"a": Outcome.HOLDS, "b": Outcome.FAILS}}, "Not reliably: 1 of the 2 rules"),
        ({"03-replay": {"a": Outcome.CANNOT}}, "one claim stays open."),
        ({}, ""),
    ],
)
def test_the_answer_follows_the_verdicts(tmp_path: Path, outcomes: dict[str, dict[str, str]], said: str) -> None:
    pages = [told(tmp_path, name, **found) for name, found in outcomes.items()]
    sentence = answer.sentence(pages, "local")
    assert said in sentence
    assert (said == "") == (sentence == "")
    assert answer.sentence(pages, "fly") == ""


def test_who_costs_least_is_what_chapter_10_decided(tmp_path: Path) -> None:
    pages = [told(tmp_path, "10-tradeoffs")]
    assert answer.sentence(pages, "local") == ""
    rows = [{"name": "A", "least": "once"}, {"name": "B", "least": ""}, {"name": "C", "least": "5 times or more"}]
    pages[0][1].choice = {"rows": rows}
    said = "with A for rooms that are opened once and with C for rooms that are opened 5 times or more."
    assert answer.sentence(pages, "local") == f"A month costs least {said}"


def test_the_parts_of_the_answer_are_chapters() -> None:
    assert {chapter.name for chapter in chapters.find()} >= set(answer.PARTS)


@pytest.mark.parametrize(
    ("text", "address"),
    [("", ""), ("https://example.org", "https://example.org/"), ("http://a.b:8080/x/", "http://a.b:8080/x/")],
)
def test_a_base_address_ends_in_a_slash(text: str, address: str) -> None:
    assert web.base(text) == address


@pytest.mark.parametrize(
    "text",
    ["example.org", "ftp://example.org/", "https://", "https:///x", "https://a b/", "https://a/?x=1", "https://a/#x",
     "https://a:99999/", "https://[::1", "//a/"],
)  # fmt: skip
def test_what_is_no_base_address_is_named(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--base-url", text]) == 2
    said = capsys.readouterr().err
    assert repr(text) in said
    assert "https://example.org/flylab/" in said


def test_a_folder_that_holds_something_else_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    assert command.main(["--out", str(tmp_path)]) == 2
    assert "holds something else" in capsys.readouterr().err
    assert command.main(["--out", str(tmp_path / "thesis.txt")]) == 2
    assert "is a file" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    making.check(tmp_path / "new")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / making.MARK).touch()
    making.check(tmp_path / "old")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"file/site.*cannot be written"):
        making.place(tmp_path / "made", tmp_path / "file" / "site")


def test_nothing_was_run_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FLYLAB_BUILD", str(tmp_path))
    assert command.main([]) == 1
    assert "flylab suite" in capsys.readouterr().err


@pytest.mark.parametrize(("target", "folder"), [("fly", "."), ("local", "fly")])
def test_a_run_of_one_target_in_the_folder_of_the_other_is_refused(tmp_path: Path, target: str, folder: str) -> None:
    notebooks = sources(tmp_path / "notebooks", "03-replay")
    executed(tmp_path / "executed" / folder, "03-replay", "It took 3 ms", target=target)
    with pytest.raises(UsageError, match=f"run with target={target}"):
        collect(tmp_path / "executed", notebooks)


def test_what_was_run_on_fly_alone_is_a_site_as_well(tmp_path: Path) -> None:
    notebooks = sources(tmp_path / "notebooks", "03-replay")
    executed(tmp_path / "executed" / "fly", "03-replay", "It took 3 ms", target="fly")
    pages, missing = collect(tmp_path / "executed", notebooks)
    assert [page.target for _, page in pages] == ["fly"]
    assert [chapter.name for chapter in missing] == ["03-replay"]
    shown = answer.cards(pages)
    assert PLACES["fly"] in shown
    assert "not run" in shown


def test_sources_become_links() -> None:
    shown = sharp.sources(
        "superfly/flyctl pull requests 4851 and 5098; a/b issue 1; community.fly.io/t/28143 (2026-06)"
    )
    assert 'flyctl pull requests <a href="https://github.com/superfly/flyctl/pull/4851">4851</a> and <a' in shown
    assert 'href="https://github.com/superfly/flyctl/pull/5098"' in shown
    assert 'href="https://github.com/a/b/issues/1"' in shown
    assert '<a href="https://community.fly.io/t/28143">community.fly.io/t/28143</a> (2026-06)' in shown
    docs = sharp.sources("PM11 in docs monitoring/error-codes; x & y")
    assert (
        docs
        == 'PM11 in <a href="https://fly.io/docs/monitoring/error-codes/">docs monitoring/error-codes</a>; x &amp; y'
    )


@pytest.mark.parametrize("known", [known for known in KNOWN.values() if known.armable], ids=lambda known: known.name)
def test_the_command_of_each_sharp_edge_can_be_given(known: Any) -> None:
    from flylab.kit.faults import _parser

    given = _parser().parse_args(["arm", known.name, *sharp.command(known).split()])
    aimed = {name for name in ("app", "region") if getattr(given, name)}
    assert aimed
    assert aimed <= set(known.targets)


def test_every_sharp_edge_is_on_the_page_with_a_test_that_shows_it() -> None:
    page = sharp.page([])
    for name in KNOWN:
        row = page["sections"].split(f'<span id="{name}">')[1].split("</tr>")[0]
        # A clock is bent by a library that is not among ours, so no test can.
        assert ("<summary>" in row) == (name != "clock_skew"), name
        assert f'href="#{name}"' in page["index"]
    assert page["chapters"] == ""


def test_a_chapter_that_arms_a_fault_is_named(tmp_path: Path) -> None:
    sources(tmp_path, "07-faults")
    path = tmp_path / "07-faults.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"].append({"cell_type": "code", "metadata": {}, "source": 'await faults.arm("slow_stop", app=app)'})
    path.write_text(json.dumps(notebook), encoding="utf-8")
    page = Page({"cells": []})
    row = sharp.page([(chapters.load(path), page)])["sections"].split('id="slow_stop"')[1].split("</tr>")[0]
    assert '<a href="07-faults.html">chapter 07</a>' in row


def entries(path: Path, text: str) -> list[findings.Finding]:
    path.write_text(text, encoding="utf-8")
    return findings.load(path)


GOOD = 'date = 2026-11-27\nchapter = "03-replay"\ntext = "Adds 0.9 ms"\nkind = "measured"\nn = 40\nwhy = "first"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[finding]\n", "findings"),
        ("[[finding]]\n" + GOOD.replace("n = 40\n", ""), "n is missing"),
        ("[[finding]]\n" + GOOD + "more = 1\n", "no other"),
        ("[[finding]]\n" + GOOD.replace('"measured"', '"guessed"'), "kind is one of"),
        ("[[finding]]\n" + GOOD.replace("2026-11-27", '"2026-11-27"'), "date is a day"),
        ("[[finding]]\n" + GOOD + 'target = "mars"\n', "target local or fly"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ParseError, match=said):
        entries(tmp_path / "findings.toml", text)


def test_findings_say_what_changed_and_never_between_targets(tmp_path: Path) -> None:
    found = entries(
        tmp_path / "f.toml",
        "[[finding]]\n" + GOOD + "\n[[finding]]\n" + GOOD.replace("2026-11-27", "2026-11-28").replace("0.9", "0.8")
        + "\n[[finding]]\n" + GOOD.replace("0.9", "12") + 'target = "fly"\n',
    )  # fmt: skip
    local, fly = (told(tmp_path, "03-replay", "Adds 0.7 ms", target=target) for target in ("local", "fly"))
    page = findings.listed(found, [local])
    assert "since 2026-11-28: 0.8 → 0.7" in page
    assert page.index("2026-11-28</time>") < page.index("2026-11-27</time>")
    assert "Adds 12 ms" not in page
    assert "since 2026-11-27: 12 → 0.7" in findings.listed(found, [fly])
    other = told(tmp_path, "03-replay", "Takes 0.7 ms")
    assert "something else than" in findings.listed(found, [other])
    same = told(tmp_path, "03-replay", "Adds 0.8 ms")
    assert "the same as on 2026-11-28" in findings.listed(found, [same])
    assert "a first run" in findings.listed([], [same])
    record = stored(tmp_path, "03-replay")
    assert "the load of the computer was" in findings.listed([], [same], {("03-replay", "local"): record})


def test_each_chapter_has_a_finding_whose_form_is_that_of_its_headline() -> None:
    """An entry is missing, or older than the words of its chapter: add one to site/findings.toml."""
    found = findings.load(ROOT / "site" / "findings.toml")
    numbered = [chapter for chapter in chapters.find() if chapter.number.isdigit()]
    for chapter in numbered:
        of = [each for each in found if each.chapter == chapter.name]
        assert of, f"{chapter.name} has no entry in site/findings.toml"
        pattern = findings.written(chapter.path)
        assert matches(pattern, of[0].text), (chapter.name, pattern)


def matches(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text) is not None


def test_an_entry_is_offered_where_the_words_are_new(tmp_path: Path) -> None:
    found = entries(tmp_path / "f.toml", "[[finding]]\n" + GOOD)
    day = found[0].date
    assert findings.wanted(found, [told(tmp_path, "03-replay", "Adds 1.5 ms")], day) == []
    (text,) = findings.wanted(found, [told(tmp_path, "03-replay", 'Takes 1 ms, "all" in', target="fly")], day)
    (again,) = entries(tmp_path / "f.toml", text)
    assert (again.text, again.target, again.why) == ('Takes 1 ms, "all" in', "fly", "")


def test_of_one_day_the_last_entry_is_the_newest(tmp_path: Path) -> None:
    found = entries(tmp_path / "f.toml", f"[[finding]]\n{GOOD}\n[[finding]]\n{GOOD.replace('0.9', '0.8')}")
    assert [each.text for each in found] == ["Adds 0.8 ms", "Adds 0.9 ms"]


def test_findings_are_of_chapters_that_there_are() -> None:
    known = {chapter.name for chapter in chapters.find()}
    assert {each.chapter for each in findings.load(ROOT / "site" / "findings.toml")} <= known


def test_the_form_of_a_headline_is_read_from_its_source(tmp_path: Path) -> None:
    sources(tmp_path, "03-replay")
    path = tmp_path / "03-replay.ipynb"
    assert_form(
        path,
        'text = f"Adds {cost:.1f} ms (of {all})"\nHeadline(text=text)',
        "Adds 0.9 ms (of 7)",
        "Takes 0.9 ms (of 7)",
    )
    assert_form(path, 'text = "Always"\nHeadline(text=text)', "Always", "Never")
    with pytest.raises(ParseError, match="headline"):
        findings.written(write_cell(path, "print()"))


def write_cell(path: Path, code: str) -> Path:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"] = [notebook["cells"][0], {"cell_type": "code", "metadata": {}, "source": code}]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert source(notebook["cells"][1]) == code
    return path


def assert_form(path: Path, code: str, good: str, bad: str) -> None:
    pattern = findings.written(write_cell(path, code))
    assert matches(pattern, good)
    assert not matches(pattern, bad)


def test_the_record_of_a_run_is_that_of_the_newest_whole_run_of_the_target(tmp_path: Path) -> None:
    old, fly, new = (stored(tmp_path / "data", "03-replay", target=target) for target in ("local", "fly", "local"))
    broken = json.loads(new.read_text(encoding="utf-8")) | {"id": "03-replay-99991231T000000.000000", "finished_at": ""}
    (tmp_path / "data" / "03-replay-99991231T000000.000000.json").write_text(json.dumps(broken), encoding="utf-8")
    pages = [told(tmp_path, "03-replay", target=target) for target in ("local", "fly")]
    assert downloads.records(pages, tmp_path / "data") == {("03-replay", "local"): new, ("03-replay", "fly"): fly}
    assert old != new


def test_methods_name_the_computer_of_each_run(tmp_path: Path) -> None:
    record = stored(tmp_path, "03-replay")
    shown = methods.machines({("03-replay", "local"): record})
    assert "cores" in shown
    assert record.stem in shown
    assert methods.page({})["runs"].startswith("No run")
    assert "hatched" in methods.kinds()


def test_previews_without_an_address_have_no_picture() -> None:
    value = {"base": "", "title": "A < B", "about": {"index": 'Says "x"'}}
    shown = preview.tags(value, "index", "ignored", "")
    assert 'content="A &lt; B"' in shown
    assert 'name="description" content="Says &quot;x&quot;"' in shown
    assert "og:image" not in shown
    assert "og:url" not in shown
    assert 'content="T · flylab"' in preview.tags(value, "data", "T", "")


def recording(path: Path) -> Path:
    """A machine in Tokyo starts, and that is explained."""
    machine = {"id": "m1", "name": "a", "app": "blue", "region": "nrt", "state": "started"}
    batch = {"at": 0.0, "platform": "live", "whole": True, "about": {"regions": ["nrt", "ams"]}, "machines": [machine]}
    caption = {"at": 0.0, "title": "A visitor", "text": "in <Tokyo>", "step": 1, "of": 1}
    return Recording.from_json({"version": 1, "frames": [{"at": 0.0, "batch": batch}], "captions": [caption]}).save(
        path
    )


def test_a_recording_is_a_picture_and_steps_for_those_who_cannot_see_it_move(tmp_path: Path) -> None:
    shown = replayed.section(recording(tmp_path / "control-room.json"))
    assert "<svg" in shown
    assert "1 in Tokyo" in shown
    assert "<strong>A visitor.</strong> in &lt;Tokyo&gt;" in shown
    assert "landing.js" in shown
    assert replayed.section(None) == ""


def test_a_recording_is_found_where_the_control_room_leaves_it(tmp_path: Path) -> None:
    assert replayed.find(tmp_path) is None
    path = recording(tmp_path / "recordings" / "control-room.json")
    assert replayed.find(tmp_path) == path
    assert (replayed.static() / "control.js").is_file()
    assert (replayed.static() / replayed.STYLE).is_file()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1, "frames": 3}', "{", '{"version": 9}'])
def test_a_broken_recording_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "control-room.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ParseError, match=r"control-room\.json"):
        replayed.section(path)


def test_words_on_the_card_are_broken_and_never_cut() -> None:
    def length(line: str) -> float:
        return float(len(line))

    def lines(text: str, width: int) -> Iterable[str]:
        return card.broken_lines(text, length, width)

    assert lines("one two three", 7) == ["one two", "three"]
    assert lines("incomprehensible it is", 5) == ["incomprehensible", "it is"]
    assert lines("", 5) == []
