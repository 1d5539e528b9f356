"""What every chapter has in common, so that a reader who knows one finds their way in all."""

import json
import re
import statistics
from pathlib import Path
from typing import Any

import pytest

from flylab.errors import UsageError
from flylab.kit import chapters, parameters, ranges
from flylab.kit.chapters import source
from tests.support import ROOT

FOLDER = ROOT / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
MOST_LINES, MOST_MEDIAN, MOST_COLUMNS, MOST_CELLS, MOST_BYTES = 20, 5, 100, 20, 60_000


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture
def notebook(path: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return parsed


NO_CHAPTER = "control-room"  # it tells no claim to be judged: it is played, and asserts each step of its story


def chapter_only(path: Path) -> None:
    if path.stem == NO_CHAPTER:
        pytest.skip("the control room is no chapter")


def tagged(notebook: dict[str, Any], tag: str) -> list[int]:
    return [n for n, cell in enumerate(notebook["cells"]) if tag in cell["metadata"].get("tags", [])]


def code(notebook: dict[str, Any]) -> list[str]:
    return [source(cell) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def prose(notebook: dict[str, Any]) -> list[str]:
    return [source(cell) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]


def test_there_are_chapters() -> None:
    assert {path.stem[:2] for path in PATHS} >= {"00", "01", "02", "03", "99"}


def test_the_first_cell_says_what_you_get(path: Path) -> None:
    chapter = chapters.load(path)
    assert all(chapter.promises.values())
    assert chapter.question.endswith("?")


def test_there_is_one_title(notebook: dict[str, Any], path: Path) -> None:
    titles = [line for text in prose(notebook) for line in text.splitlines() if line.startswith("# ")]
    assert len(titles) == 1
    assert titles[0].startswith("# Control room" if path.stem == NO_CHAPTER else f"# {path.stem[:2]} · ")


def test_every_parameter_is_typed_explained_and_fast_by_default(path: Path) -> None:
    declared = parameters.declared(chapters.load(path))
    if path.stem != NO_CHAPTER:  # which is for the local platform alone
        assert declared["target"] == "str"
        assert declared["budget_usd"] == "float"
    assert not {name for name in declared if "token" in name or "secret" in name}


def test_every_parameter_says_what_it_can_be_and_its_default_can(notebook: dict[str, Any], path: Path) -> None:
    """The second cell checks them, so that a wrong one is refused before anything starts, also in the lab."""
    chapter = chapters.load(path)
    values: dict[str, Any] = {}
    (cell,) = tagged(notebook, "parameters")
    exec(source(notebook["cells"][cell]), values)  # a cell of assignments, as the test above has seen
    for parameter in parameters.read(chapter):
        assert parameter.type == "bool" or ranges.stated(parameter.meaning), parameter
        parameter.check(values[parameter.name])
    after = next(each for each in code(notebook) if "demand(" in each)
    assert f'demand("{chapter.number}", globals())' in after
    assert code(notebook).index(after) == 1


def test_the_published_size_is_named_and_possible(notebook: dict[str, Any], path: Path) -> None:
    assert "full" in notebook["metadata"]["flylab"], "the metadata say what --full sets, which may be nothing"
    parameters.check([chapters.load(path)], {}, full=True)


def test_it_says_how_it_was_measured(notebook: dict[str, Any], path: Path) -> None:
    chapter_only(path)
    texts = [source(cell) for cell in notebook["cells"]]
    (box,) = [n for n, text in enumerate(texts) if text.strip() == "Method(record)"]
    assert texts[box - 1].startswith("## Method\n")
    saved = min(n for n, text in enumerate(texts) if "record.save()" in text)
    assert saved < box < min(n for n, text in enumerate(texts) if "verdicts.result(" in text)


def test_code_is_short_and_prose_is_as_frequent(notebook: dict[str, Any]) -> None:
    cells = code(notebook)
    lengths = [len(cell.splitlines()) for cell in cells]
    assert max(lengths) <= MOST_LINES
    assert statistics.median(lengths) <= MOST_MEDIAN, lengths
    assert max(len(line) for cell in cells for line in cell.splitlines()) <= MOST_COLUMNS
    assert len(cells) <= MOST_CELLS
    assert len(prose(notebook)) >= len(cells)


def test_nothing_was_saved_with_it(notebook: dict[str, Any], path: Path) -> None:
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and not cell["metadata"].get("keep_output"):
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
    assert "widgets" not in notebook["metadata"]
    assert "papermill" not in notebook["metadata"]
    assert path.stat().st_size < MOST_BYTES


def test_the_kernel_is_the_one_that_everybody_has(notebook: dict[str, Any]) -> None:
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert "version" not in notebook["metadata"]["language_info"]


def test_cell_ids_stay(notebook: dict[str, Any]) -> None:
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)


def test_the_last_cell_cleans_up(notebook: dict[str, Any]) -> None:
    assert tagged(notebook, "cleanup") == [len(notebook["cells"]) - 1]


def test_predictions_come_before_the_run_and_verdicts_after(notebook: dict[str, Any], path: Path) -> None:
    chapter_only(path)
    texts = [source(cell) for cell in notebook["cells"]]
    at = {word: [n for n, text in enumerate(texts) if word in text] for word in ("verdicts.predict(", "connect(")}
    assert at["verdicts.predict("], "a chapter predicts"
    runs = [n for n in at["connect("] if "await connect(" in texts[n]]
    reckons = [n for n, text in enumerate(texts) if "Record(" in text]  # a chapter that starts nothing
    assert max(at["verdicts.predict("]) < min(runs or reckons)
    assert any("verdicts.table()" in text for text in texts)
    assert any("assert " in text for text in code(notebook))


def test_the_control_room_plays_its_story_and_leaves_a_recording() -> None:
    texts = code(json.loads((FOLDER / f"{NO_CHAPTER}.ipynb").read_text(encoding="utf-8")))
    assert any("await room.story.play()" in text for text in texts)
    assert any("assert all(outcome.seen for outcome in outcomes)" in text for text in texts)
    assert any('"control-room.json"' in text for text in texts), "which the first page of the site plays"
    assert "await room.finish()" in texts[-1]


def test_it_says_what_it_does_not_show_and_where_to_go_on(notebook: dict[str, Any]) -> None:
    assert "## What this does not show" in "\n".join(prose(notebook))
    links = [part.split(")")[0] for text in prose(notebook) for part in text.split("](")[1:]]
    local = [link for link in links if not link.startswith("http")]
    assert local
    assert all((FOLDER / link).is_file() for link in local), local


def test_one_headline_and_at_most_one_figure_with_it(notebook: dict[str, Any]) -> None:
    assert sum("Headline(" in text for text in code(notebook)) == 1
    assert len(tagged(notebook, "headline")) <= 1


def test_no_function_is_long(notebook: dict[str, Any]) -> None:
    for text in code(notebook):
        lines = text.splitlines()
        for start, line in enumerate(lines):
            if line.startswith(("def ", "async def ")):
                rest = lines[start + 1 :]
                body = next((n for n, later in enumerate(rest) if later and not later.startswith(" ")), len(rest))
                assert body <= 10, line


WRONG = [
    None,
    "",
    "nonsense",
    "AMS",
    -1,
    -0.5,
    10**9,
    float("nan"),
    True,
    [],
    ["xyz"],
    ["ams", "ams"],
    [1, "a"],
    [-1, 1],
    {},
]


def test_no_parameter_takes_what_it_cannot_be(path: Path) -> None:
    """Of each the wrong values are refused with its name, and with the rule: nothing starts that must fail later."""
    chapter = chapters.load(path)
    for parameter in parameters.read(chapter):
        for value in WRONG:
            if parameter.type == "bool" and value is True:
                continue
            with pytest.raises(UsageError, match=re.escape(f"parameter {parameter.name} is {value!r}; ")):
                parameter.check(value)
