"""A panel's buttons do what they say, and whatever goes wrong is shown."""

import asyncio

import pytest
from ipywidgets import Button

from flylab.kit import configs, replays
from flylab.kit.target import connect
from flylab.kit.widgets import Panel, Rows, machine_panel, visit_panel


def panel_that(do: object) -> Panel:
    button = Button(description="Go")
    panel = Panel("A panel", [button])
    panel.when_clicked("go", button, do)  # type: ignore[arg-type]
    return panel


async def test_the_answer_becomes_the_status() -> None:
    async def do() -> str:
        assert panel.buttons["go"].disabled
        return "three <machines>"

    panel = panel_that(do)
    await panel.press("go")
    assert "three &lt;machines&gt;" in panel.status.value
    assert not panel.buttons["go"].disabled


async def test_an_error_becomes_the_status_and_the_button_works_again() -> None:
    async def do() -> str:
        raise RuntimeError("no such region")

    panel = panel_that(do)
    await panel.press("go")
    assert "That did not work: no such region" in panel.status.value
    assert not panel.buttons["go"].disabled


async def test_the_status_is_announced_and_the_panel_can_be_seen_without_a_kernel() -> None:
    async def do() -> str:
        return "done"

    panel = panel_that(do)
    await panel.press("go")
    assert 'aria-live="polite"' in panel.status.value
    bundle = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "done" in bundle["text/html"]
    assert "Open the notebook in JupyterLab to use it" in bundle["text/html"]


def test_a_table_escapes_what_it_shows() -> None:
    bundle = Rows(["name"], [["<b>"]])._repr_mimebundle_()
    assert "&lt;b&gt;" in bundle["text/html"]
    assert bundle["text/plain"] == "name\n<b>"


@pytest.mark.usefixtures("nothing_left")
async def test_the_panels_make_real_calls() -> None:
    async with await connect(chapter="98", regions=["ams", "iad"], latency="off") as lab:
        app = await lab.create_app("panels")
        machines = [
            await lab.create_machine(app, configs.router("local"), region=region, name=region) for region in lab.edges
        ]
        await asyncio.gather(*(lab.api.wait(app, machine.id, "started") for machine in machines))
        panel = machine_panel(lab, app)
        await panel.press("refresh")
        assert "2 machines." in panel.status.value
        await panel.press("stop")
        assert "stopped after" in panel.status.value
        assert ">stopped</td>" in panel.picture.value
        await panel.press("start")
        assert "started after" in panel.status.value

        visits = visit_panel(lab, app, replays.wishes(dict(zip(lab.edges, machines, strict=True)), machines[1]))
        await visits.press("visit")
        assert "ams was served by iad: status 200" in visits.status.value
        assert "hop 2 → iad (response)" in visits.picture.value
