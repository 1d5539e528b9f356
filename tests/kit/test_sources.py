"""A result stands only while everything it came from is as it was."""

import json
from pathlib import Path

import pytest

from flylab.kit import chapters, sources
from tests.kit.written import chapter

COMMON = {"lib": "1", "app": "2"}


@pytest.fixture
def parts(tmp_path: Path) -> dict[str, str]:
    made = chapters.load(chapter(tmp_path / "notebooks", "01-a.ipynb", "1"))
    return sources.digests(made, {"runs": 1}, COMMON)


@pytest.fixture
def executed(tmp_path: Path, parts: dict[str, str]) -> Path:
    path = tmp_path / "01-a.ipynb"
    path.write_text(json.dumps({"cells": [], "metadata": {"kernelspec": {}}}))
    data = tmp_path / "01-a-20261127T1.json"
    data.touch()
    sources.mark(path, parts, [data])
    return path


def test_a_marked_result_stands_and_says_since_when(executed: Path, parts: dict[str, str]) -> None:
    found = sources.kept(executed, parts, executed.parent)
    assert found.stands
    assert found.why.startswith("nothing changed since its run of 20")
    assert list(executed.parent.glob("*.marked")) == []


@pytest.mark.parametrize("name", ["notebook", "parameters", "lib", "app", "platform"])
def test_each_part_that_changed_is_named(executed: Path, parts: dict[str, str], name: str) -> None:
    found = sources.kept(executed, {**parts, name: "other"}, executed.parent)
    assert (found.stands, found.why) == (False, f"changed: {name}")


def test_a_part_that_was_not_recorded_or_is_no_longer_one_counts_as_changed(
    executed: Path, parts: dict[str, str]
) -> None:
    assert sources.kept(executed, {**parts, "new": "1"}, executed.parent).why == "changed: new"
    fewer = {name: digest for name, digest in parts.items() if name != "app"}
    assert sources.kept(executed, fewer, executed.parent).why == "changed: app"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "there is no result"),
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"cells": []}', "cannot be read"),
        ('{"cells": [], "metadata": {}}', "failed, was stopped, or did not record"),
        ('{"cells": [], "metadata": {"flylab_sources": 3}}', "failed, was stopped, or did not record"),
    ],
)
def test_a_result_without_a_mark_never_stands(
    tmp_path: Path, parts: dict[str, str], text: str | None, says: str
) -> None:
    path = tmp_path / "none.ipynb"
    if text is not None:
        path.write_text(text)
    found = sources.kept(path, parts, tmp_path)
    assert not found.stands
    assert says in found.why


def test_a_result_whose_data_are_gone_does_not_stand(executed: Path, parts: dict[str, str]) -> None:
    (executed.parent / "01-a-20261127T1.json").unlink()
    found = sources.kept(executed, parts, executed.parent)
    assert (found.stands, found.why) == (False, "01-a-20261127T1.json is missing")


def test_what_is_shared_changes_with_any_file_of_it(tmp_path: Path) -> None:
    (tmp_path / "lib" / "flylab").mkdir(parents=True)
    module = tmp_path / "lib" / "flylab" / "a.py"
    module.write_text("a = 1")
    first = sources.shared(tmp_path)
    (module.parent / "__pycache__").mkdir()
    (module.parent / "__pycache__" / "a.pyc").write_text("made")
    assert sources.shared(tmp_path) == first
    changes = {
        "lib": module,
        "app": tmp_path / "fly.toml",
        "stored results": tmp_path / "benchmarks" / "results" / "rooms.json",
        "packages": tmp_path / "constraints.txt",
    }
    for name, file in changes.items():
        before = sources.shared(tmp_path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("changed")
        after = sources.shared(tmp_path)
        assert [part for part in after if after[part] != before[part]] == [name]
    module.rename(module.with_name("b.py"))
    assert sources.shared(tmp_path)["lib"] != after["lib"]


def test_parameters_and_platform_belong_to_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = chapters.load(chapter(tmp_path, "01-a.ipynb", "1"))
    monkeypatch.delenv("FLYLAB_URL", raising=False)
    here = sources.digests(made, {}, COMMON)
    assert sources.digests(made, {"runs": 2}, COMMON) != here
    monkeypatch.setenv("FLYLAB_URL", "http://127.0.0.1:4280")
    assert sources.digests(made, {}, COMMON)["platform"] != here["platform"]
