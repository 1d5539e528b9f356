"""Noticing that the parent is gone where the kernel has no pidfd."""

import asyncio
import os

import pytest

from flylab.local.parent import watch_parent


async def test_the_parent_is_polled_without_pidfd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    gone = asyncio.Event()
    stop = watch_parent(gone.set, pause=0.001)
    assert not gone.is_set()
    monkeypatch.setattr(os, "getppid", lambda: 1)
    await asyncio.wait_for(gone.wait(), 5)
    stop()


async def test_a_watch_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    watch_parent(lambda: pytest.fail("the parent lives"))()
    monkeypatch.setattr(os, "getppid", lambda: 1)
    watch_parent(lambda: pytest.fail("init is nobody's parent to watch"))()
