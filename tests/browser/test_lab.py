"""JupyterLab in a browser: a chapter runs from the menu, a control works, and no request leaves this machine."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import ROOT, outside_requests, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RUN_SECONDS = 90.0


@pytest.fixture
def lab(tmp_path: Path, nothing_left: None) -> Iterator[str]:
    """A JupyterLab of its own on a copy of the chapters; gone with everything below it when the test ends."""
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    shutil.copytree(ROOT / ".jupyter", tmp_path / "config")  # Jupyter writes into it
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    folders = ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    environment = {
        **os.environ,
        **{name: str(tmp_path / name.lower()) for name in folders},
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "FLYLAB_BUILD": str(tmp_path / "build"),
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--ServerApp.port={port}", "--allow-root"]
    command += ["--IdentityProvider.token=", "--ServerApp.password=", str(tmp_path / "notebooks")]
    log = (tmp_path / "lab.log").open("wb")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=tmp_path)
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=20)
    log.close()


async def ready(address: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:

        async def answers() -> bool:
            try:
                return (await client.get(f"{address}/api")).is_success
            except httpx.TransportError:
                return False

        await until(answers, 60.0, what="JupyterLab answers")


async def show(page: Any, wanted: Any) -> Any:
    """Scroll down until something can be seen: cells out of view are not in the page or hidden."""
    panel = page.locator(".jp-WindowedPanel-outer").first

    async def there() -> bool:
        # The lab keeps what was in view before in the page, but hidden.
        if await wanted.count() and await wanted.first.is_visible():
            await wanted.first.scroll_into_view_if_needed()
            return True
        await panel.evaluate("panel => { panel.scrollTop += 300 }")
        await page.evaluate("new Promise(requestAnimationFrame)")
        return False

    await until(there, RUN_SECONDS, what="it is in view")
    return wanted.first


async def test_a_chapter_runs_from_the_menu_and_its_control_works(browser: Any, lab: str) -> None:
    outside = outside_requests(browser)
    await ready(lab)
    page = await browser.new_page()
    await page.set_viewport_size({"width": 1280, "height": 1000})
    await page.goto(f"{lab}/lab/tree/01-provision.ipynb")
    await page.get_by_role("heading", name="Provision machines around the world").wait_for(timeout=60_000)
    # Before the kernel is there nothing runs, and nothing says so.
    await page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').first.wait_for(timeout=60_000)
    await page.get_by_role("menuitem", name="Run", exact=True).click()
    await page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    # The cleanup cell says so when it is reached in the lab, where it leaves the platform running.
    await show(page, page.get_by_text("The platform stays up for the controls above"))
    kept = ROOT / "build" / "screens" / "lab"
    kept.mkdir(parents=True, exist_ok=True)
    await to_top(page)
    await (await show(page, page.get_by_role("button", name="Stop", exact=True))).click()
    await page.get_by_role("status").get_by_text("stopped after").wait_for(timeout=20_000)
    await page.screenshot(path=kept / "panel.png")
    await page.get_by_role("button", name="Start", exact=True).click()
    await page.get_by_role("status").get_by_text("started after").wait_for(timeout=20_000)

    await to_top(page)
    await show(page, page.locator(".jp-OutputArea-output .main-svg"))
    await page.screenshot(path=kept / "figure.png")
    assert outside == []


async def to_top(page: Any) -> None:
    await page.locator(".jp-WindowedPanel-outer").first.evaluate("panel => { panel.scrollTop = 0 }")
