"""What a run wants to set is checked before anything starts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flylab.errors import UsageError
from flylab.kit import chapters, parameters
from tests.kit.test_chapters import write

CELL = 'runs: int = 3  # how often\nrate: float = 0.5  # per second\ntarget: str = "local"  # where it runs'


def chapter(folder: Path, text: str = CELL) -> chapters.Chapter:
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": text}
    return chapters.load(write(folder, "03-replay.ipynb", **cell))


def test_declared_parameters_are_read(tmp_path: Path) -> None:
    assert parameters.declared(chapter(tmp_path)) == {"runs": "int", "rate": "float", "target": "str"}


@pytest.mark.parametrize("line", ["runs = 3", "runs: int = 3", "import os", "runs: dict = {}  # what"])
def test_a_line_without_type_default_and_meaning_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(UsageError, match="is not 'name: type = default  # meaning'"):
        parameters.declared(chapter(tmp_path, line))


def test_values_are_json_or_text() -> None:
    assert parameters.parse(["runs=5", 'regions=["ams"]', "target=fly"]) == {
        "runs": 5,
        "regions": ["ams"],
        "target": "fly",
    }


@pytest.mark.parametrize("setting", ["runs", "=3", "a b=3"])
def test_what_is_not_a_setting_is_refused(setting: str) -> None:
    with pytest.raises(UsageError, match="is not name=value"):
        parameters.parse([setting])


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"rums": 3}, "no chosen chapter has a parameter 'rums'; there are rate, runs, target"),
        ({"runs": "many"}, "parameter runs is 'many'; it must be of type int"),
        ({"runs": True}, "parameter runs is True; it must be of type int"),
        ({"runs": 1.5}, "of type int"),
    ],
)
def test_a_wrong_parameter_is_refused(tmp_path: Path, wanted: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parameters.check([chapter(tmp_path)], wanted)


def test_each_chapter_gets_the_parameters_it_has(tmp_path: Path) -> None:
    assert parameters.check([chapter(tmp_path)], {"runs": 1, "rate": 2}) == {"03-replay": {"runs": 1, "rate": 2}}


SIZED = "runs: int = 3  # how often (1 to 9)"


def test_a_value_out_of_its_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="parameter runs is 10; it can be 1 to 9"):
        parameters.check([chapter(tmp_path, SIZED)], {"runs": 10})


def test_the_full_size_has_to_be_of_parameters_that_there_are(tmp_path: Path) -> None:
    made = replace(chapter(tmp_path, SIZED), full={"runs": 9})
    assert parameters.check([made], {}) == {"03-replay": {}}
    assert parameters.check([made], {}, full=True) == {"03-replay": {"runs": 9}}
    assert parameters.check([made], {"runs": 2}, full=True) == {"03-replay": {"runs": 2}}
    with pytest.raises(UsageError, match="the full size of 03-replay sets 'rums', which is not a parameter of it"):
        parameters.check([replace(made, full={"rums": 9})], {}, full=True)
    with pytest.raises(UsageError, match="parameter runs is 10; it can be 1 to 9"):
        parameters.check([replace(made, full={"runs": 10})], {}, full=True)


def test_a_notebook_checks_what_was_typed_into_it() -> None:
    good = {"target": "local", "regions": ["ams", "iad"], "machines_each": 2, "budget_usd": 0.0}
    parameters.demand("99", good)
    with pytest.raises(UsageError, match="parameter machines_each is 0; it can be 1 to"):
        parameters.demand("99", {**good, "machines_each": 0})
    with pytest.raises(UsageError, match="parameter target is not set; run the cell with the parameters first"):
        parameters.demand("99", {})
