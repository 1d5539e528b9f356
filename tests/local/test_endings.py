"""Noticing that it is time to end: signals, and a parent that is gone."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from flylab.local.endings import on_signals, watch_parent


async def test_the_parent_is_polled_without_pidfd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    gone = asyncio.Event()
    stop = watch_parent(gone.set, os.getppid(), pause=0.001)
    assert not gone.is_set()
    monkeypatch.setattr(os, "getppid", lambda: 1)
    await asyncio.wait_for(gone.wait(), 5)
    stop()


async def test_a_parent_that_died_before_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    parent, gone = os.getppid(), asyncio.Event()
    monkeypatch.setattr(os, "getppid", lambda: 1)
    stop = watch_parent(gone.set, parent)
    await asyncio.wait_for(gone.wait(), 5)
    stop()


async def test_a_watch_can_be_stopped() -> None:
    watch_parent(lambda: pytest.fail("the parent lives"), os.getppid())()
    watch_parent(lambda: pytest.fail("init is nobody's parent to watch"), 1)()


@pytest.fixture
def hang_up() -> Iterator[None]:
    """Leaves SIGHUP as it was; a test run under nohup has it ignored."""
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


async def test_signals_are_heard_and_given_back(hang_up: None) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    heard = asyncio.Event()
    undo = on_signals(heard.set)
    os.kill(os.getpid(), signal.SIGHUP)
    await asyncio.wait_for(heard.wait(), 5)
    undo()
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL


async def test_a_hang_up_that_was_ignored_stays_ignored(hang_up: None) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    undo = on_signals(lambda: pytest.fail("nobody asked for the end"))
    os.kill(os.getpid(), signal.SIGHUP)
    await asyncio.sleep(0)
    undo()
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
