"""Fixtures for every folder of tests."""

import flylab  # noqa: F401  # first: it keeps jsonschema from compiling a grammar for two seconds

# isort: split
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the computer is, and nothing about what is tested.
settings.register_profile("flylab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("flylab")

pytest.register_assert_rewrite("tests.support")

from tests.support import (  # noqa: E402
    CHROMIUM_ARGS,
    NO_CHROMIUM,
    adopt_orphans,
    bury_orphans,
    chromium_path,
    descendants,
    wait_until,
)

# Files that start processes and browsers come first, so that no worker is alone with a long one at the end.
LONG = """
    app/reliability/test_real browser/ kit/test_suite app/test_lobby_platform app/reliability/ kit/ local/test_up_ app/
    contract/ benchmarks/ measure/
""".split()

# A shell makes its background jobs deaf to Ctrl-C, and whatever they start with them; the tests press it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

GRACE = 5.0  # seconds that a process may still need to end after its test (our choice; the platform promises 5 s)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first; the order within a file, and of files that are alike, stays."""

    def place(item: pytest.Item) -> int:
        file = item.nodeid.removeprefix("tests/")
        return next((number for number, start in enumerate(LONG) if file.startswith(start)), len(LONG))

    items.sort(key=place)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test that needs a browser is skipped in words where there is none, and fails in CI, which must have one."""
    if item.get_closest_marker("browser") and chromium_path() is None:
        if os.environ.get("CI") == "true":
            pytest.fail(NO_CHROMIUM, pytrace=False)
        pytest.skip(NO_CHROMIUM)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser; tests that use it carry ``@pytest.mark.browser``."""
    path = chromium_path()
    if path is None:
        pytest.skip(NO_CHROMIUM)
    return path


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Fails the test when a process that it started, however indirectly, outlives it; and ends that process."""
    before = descendants()

    def left() -> dict[int, str]:
        return {pid: line for pid, line in descendants().items() if pid not in before}

    adopt_orphans()
    yield
    try:
        wait_until(lambda: not left(), GRACE, what="every process of the test has ended")
    except AssertionError:
        leaked = left()
        for pid in leaked:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not left(), GRACE, what="what was killed has ended")
        pytest.fail(f"processes outlived the test: {leaked}", pytrace=False)
    finally:
        adopt_orphans(on=False)
        bury_orphans(set(before))


@pytest.fixture
async def browser(nothing_left: None, chromium: str, tmp_path: Path) -> AsyncIterator[Any]:
    """A Playwright context with an empty profile, closed after the test."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            tmp_path / "profile", executable_path=chromium, headless=True, args=CHROMIUM_ARGS
        )
        yield context
        await context.close()
