"""What `benchmarks/openstatus.py` says and stores."""

import sys
from pathlib import Path

import openstatus
import pytest

from flylab.measure import runs


def test_the_section_is_written_between_its_marks_and_the_run_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Published\n\nbefore\n\n" + openstatus.BEGIN + "\nold\n" + openstatus.END + "\nafter\n")
    monkeypatch.setattr(sys, "argv", ["openstatus.py", "--write", str(page), "--folder", str(tmp_path)])
    assert openstatus.main() == 0
    written, told = page.read_text(), capsys.readouterr().out
    assert written.startswith("# Published\n\nbefore\n")
    assert written.endswith("after\n")
    assert "old" not in written
    assert told.strip() in written
    assert "| Railway (Portland, Oregon) | mean | 381 | 509 (508–511) | +34% | 170 (169–170) | -55% |" in written
    found = runs.latest(tmp_path, "openstatus")
    assert found is not None
    run, samples = runs.load(found)
    assert (run.target, run.n) == ("published", 36)
    assert f"`{run.id}`" in written
    by_row = [1000 * each.latency for each in samples if each.what == "Railway, 3 round trips"]
    assert sum(by_row) / 6 == pytest.approx(508.8, abs=0.1)


def test_the_page_in_the_documentation_says_what_the_code_says() -> None:
    page = (openstatus.ROOT / "docs" / "published.md").read_text()
    for line in [*openstatus.rows_table(), *openstatus.sites_table(), *openstatus.verdict()]:
        assert line in page
