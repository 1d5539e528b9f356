"""Results of the two targets lie apart, and each is told by what its record says."""

from pathlib import Path

from flylab.kit import results
from tests.kit.executed import stored


def test_copies_of_runs_on_fly_have_a_folder_of_their_own(tmp_path: Path) -> None:
    assert results.executed(tmp_path, "03-replay", "local") == tmp_path / "03-replay.ipynb"
    assert results.executed(tmp_path, "03-replay", "fly") == tmp_path / "fly" / "03-replay.ipynb"


def test_what_one_target_stored_is_told_from_the_others(tmp_path: Path) -> None:
    local, fly = (stored(tmp_path / "data", "03-replay", target=target) for target in ("local", "fly"))
    other = stored(tmp_path / "data", "03-replay-more")
    (tmp_path / "data" / "03-replay-20261127T000000.000000.json").write_text("{")
    found = results.stored(tmp_path / "data", "03-replay", "local")
    assert {path.name for path in found} == {local.name, f"{local.stem}.000.parquet"}
    assert all(path.is_file() for path in found)
    assert {path.name for path in results.stored(tmp_path / "data", "03-replay", "fly")} == {
        fly.name,
        f"{fly.stem}.000.parquet",
    }
    assert other not in found
