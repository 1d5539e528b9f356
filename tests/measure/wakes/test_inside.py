"""The steps of a server's start add up to the phase that they are of."""

from dataclasses import replace

import pytest

from flylab.measure.wakes import Wake, assemble
from flylab.measure.wakes.inside import IMPORTS, INTERPRETER, SET_UP, by_region, imports, longest, opened
from flylab.measure.wakes.report import pieces
from tests.measure.wakes.cases import RUNNING, STOP, at


def wake(**app: float) -> Wake:
    return assemble(replace(STOP, app=app) if app else STOP, variant="stop", region="ams")


def steps(made: Wake) -> dict[str, float]:
    return {row["phase"]: row["ms"] for row in opened([made])}


def test_the_port_is_open_after_interpreter_imports_and_set_up():
    found = steps(wake())
    assert "port open" not in found
    assert found[IMPORTS] == pytest.approx(80, abs=0.1)
    assert found[SET_UP] == pytest.approx(30, abs=0.1)
    assert found[INTERPRETER] == pytest.approx(25, abs=0.1)
    assert sum(found.values()) == pytest.approx(sum(row["ms"] for row in pieces([wake()])))
    assert imports([wake(), wake()]) == pytest.approx([80, 80], abs=0.1)


@pytest.mark.parametrize(
    "app",
    [
        {"python": at(40), "listening": at(150)},  # not all of it was noted
        {"python": at(40), "imported": at(160), "listening": at(150)},  # in an order that cannot be
    ],
)
def test_what_the_process_did_not_note_stays_one_phase(app: dict[str, float]):
    found = steps(wake(**app))
    assert found["port open"] > 0
    assert IMPORTS not in found
    assert imports([wake(**app)]) == []


def test_a_machine_that_ran_already_opened_no_port():
    assert steps(assemble(RUNNING, variant="always-on")).keys() == {row["phase"] for row in pieces(
        [assemble(RUNNING, variant="always-on")])}  # fmt: skip


def test_each_region_has_a_bar_and_its_wakes_stay_apart():
    other = replace(wake(), region="nrt")
    found = by_region([wake(), wake(), other])
    assert [*dict.fromkeys(row["variant"] for row in found)] == ["ams", "nrt"]
    assert len({row["wake"] for row in found}) == 3
    names = [*dict.fromkeys(row["phase"] for row in found)]
    assert names.index(INTERPRETER) < names.index(IMPORTS) < names.index(SET_UP)
    measured = {row["phase"] for row in found if row["provenance"] == "measured"}
    assert len(measured) <= 6  # a figure has colours for six
    assert "first byte and welcome" in measured
    assert sum(row["ms"] for row in found if row["variant"] == "nrt") == pytest.approx(
        sum(row["ms"] for row in pieces([other]))
    )


def test_the_longest_step_is_measured_and_first():
    assert longest([wake(), wake()])[0] == IMPORTS
    assert not [name for name in longest([wake()]) if "pauses" in name]
    assert longest([]) == []
