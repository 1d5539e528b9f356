"""The doctor says what is missing, what will be skipped, and why."""

import contextlib
import socket

import pytest

from flylab.kit import doctor
from tests.support import chromium_path


def states() -> dict[str, tuple[str, str]]:
    return {finding.what: (finding.state, finding.says) for finding in doctor.examine()}


def test_this_computer_can_run_the_tests() -> None:
    found = states()
    assert found["python"][0] == found["local platform"][0] == found["notebooks"][0] == "ok"
    assert doctor.main([]) == 0


def test_it_looks_for_the_browser_that_the_tests_use() -> None:
    assert doctor.browser() == chromium_path()


def test_no_browser_is_said_and_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    state, says = states()["browser"]
    assert state == "skipped"
    assert "browser tests are skipped" in says


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as sock:
        with contextlib.suppress(OSError):  # somebody else holds it, which is as good
            sock.bind(("127.0.0.1", 4280))
            sock.listen()
        state, says = states()["ports"]
    assert state == "skipped"
    assert "4280" in says


def test_an_old_python_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "PYTHON", (9, 0))
    assert doctor.main([]) == 1
    assert "or newer is needed" in capsys.readouterr().out
