"""Writes docs/api-coverage.md: which operations of the Machines API work here, and which tests see them work.

    python -m tests.api_coverage

What works is read from the routes. The tests are those that send a request of an operation and get a good answer: the
command runs the contract tests and those of the whole platform and listens. The contract tests notice themselves when
the file does not name them (tests/contract/conftest.py).
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import httpx
import pytest

from tests import openapi

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "api-coverage.md"
SUITES = ("tests/contract", "tests/local/test_api.py", *sorted(f"tests/local/{p.name}" for p in
          (ROOT / "tests" / "local").glob("test_up_*.py") if p.name != "test_up_fuzz.py"))  # fmt: skip
_HEAD = """# What works of the Machines API

Every operation of Fly's [official document](https://docs.machines.dev/spec/openapi3.json). What does not work answers
501 with its own name. A test is named when it gets a good answer; `python -m tests.api_coverage` writes this page.

"""
_ROW = re.compile(r"\| (\w+) \| (\w+) \| `([^`]+)` \| (works|501) \| (.*) \|")
Seen = dict[tuple[str, str], set[str]]  # (operation, method) → test files, as tests/contract/test_apps.py


def offered() -> set[tuple[str, str]]:
    """Operation and method of everything that has a route."""
    from flylab.local.api import create_api

    rules = list(create_api(MagicMock()).url_map.iter_rules())
    paths = {(method, re.sub(r"<[^>]+>", "{}", rule.rule)) for rule in rules for method in rule.methods or ()}
    return {
        (each.id, each.method)
        for each in openapi.operations()
        if (each.method, re.sub(r"\{[^}]+\}", "{}", openapi.PREFIX + each.path)) in paths
    }


def render(works: set[tuple[str, str]], seen: Seen) -> str:
    """The page."""
    lines = ["| operation | method | path | here | tests |", "|---|---|---|---|---|"]
    for each in openapi.operations():
        key = (each.id, each.method)
        files = ", ".join(sorted(file.removeprefix("tests/").removesuffix(".py") for file in seen.get(key, ())))
        state = "works" if key in works else "501"
        lines.append(f"| {each.id} | {each.method} | `{openapi.PREFIX}{each.path}` | {state} | {files} |")
    count = f"{len(works)} of {len(openapi.operations())} work.\n\n"
    return _HEAD + count + "\n".join(lines) + "\n"


def read(text: str) -> tuple[set[tuple[str, str]], Seen]:
    """What ``render`` was given for this page."""
    rows = _ROW.findall(text)
    works = {(name, method) for name, method, _, state, _ in rows if state == "works"}
    files = {
        (name, method): {f"tests/{file}.py" for file in files.split(", ") if file} for name, method, *_, files in rows
    }
    return works, {key: found for key, found in files.items() if found}


def seen_in(request: httpx.Request, response: httpx.Response) -> tuple[str, str] | None:
    """The operation that a good answer belongs to."""
    path = request.url.raw_path.partition(b"?")[0].decode()
    operation = openapi.find(request.method, path) if response.is_success else None
    return (operation.id, operation.method) if operation else None


class Recorder:
    """A pytest plugin that notes which file's tests get good answers to which operations."""

    def __init__(self) -> None:
        self.seen: Seen = {}
        self._file = ""  # of the test that runs, its fixtures aside

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        self._file = item.path.relative_to(ROOT).as_posix()
        try:
            return (yield)
        finally:
            self._file = ""

    def note(self, request: httpx.Request, response: httpx.Response) -> None:
        if self._file and (key := seen_in(request, response)):
            self.seen.setdefault(key, set()).add(self._file)


@contextmanager
def listening(note: Callable[[httpx.Request, httpx.Response], None]) -> Iterator[None]:
    """Tell ``note`` of every answer to httpx, in both of its clients."""
    plain, quick = httpx.Client.send, httpx.AsyncClient.send

    def sent(self: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        response = plain(self, request, **options)
        note(request, response)
        return response

    async def sent_soon(self: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
        response = await quick(self, request, **options)
        note(request, response)
        return response

    httpx.Client.send, httpx.AsyncClient.send = sent, sent_soon  # type: ignore[method-assign]
    try:
        yield
    finally:
        httpx.Client.send, httpx.AsyncClient.send = plain, quick  # type: ignore[method-assign]


def main(suites: Iterable[str] = SUITES, page: Path = PAGE) -> int:
    """Run the tests and write the page; the exit status is that of the tests."""
    recorder = Recorder()
    with listening(recorder.note):
        status = pytest.main(["-q", *suites], plugins=[recorder])
    if status == 0:
        page.write_text(render(offered(), recorder.seen), encoding="utf-8")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
