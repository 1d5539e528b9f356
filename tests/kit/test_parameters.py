"""What a run wants to set is checked before anything starts."""

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
