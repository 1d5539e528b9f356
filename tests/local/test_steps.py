"""What an exchange waits for, when the timer that ends it is not quite on time."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from flylab.local.steps import Steps
from flylab.rules.effects import Effect, Pause, Queue, Refuse, Wake


class Waiting(Steps):
    """One that waits, on a computer whose timer rings as early as is told."""

    def __init__(self) -> None:
        self.now, self.rang, self.refused = 5.0, list[float](), list[Refuse]()
        self.timers: list[tuple[float, Callable[..., None], tuple[Any, ...]]] = []
        line = SimpleNamespace(leave=lambda _: None, join=lambda *_: None)
        loop = SimpleNamespace(call_later=self._set)
        clock = SimpleNamespace(now=lambda: self.now)
        self._edge = cast("Any", SimpleNamespace(clock=clock, loop=loop, line=line, spawn=lambda made: made.close()))
        self._exchange = cast("Any", SimpleNamespace(expired=self._expire, wanted=None))
        self._timer, self._step, self._over = None, 0, False

    def _set(self, seconds: float, then: Callable[..., None], *words: Any) -> asyncio.TimerHandle:
        self.timers.append((self.now + seconds, then, words))
        return cast("asyncio.TimerHandle", SimpleNamespace(cancel=lambda: None))

    def _expire(self, now: float) -> Effect:
        self.rang.append(now)
        return Refuse(504, "PR04", "late")

    def _refuse(self, effect: Refuse) -> None:
        self.refused.append(effect)

    def ring(self, early: float) -> None:
        due, then, words = self.timers.pop()
        self.now = due - early
        then(*words)


@pytest.mark.parametrize("effect", [Pause(3.0, 6.0), Queue(6.0), Wake("machine", 6.0)])
@pytest.mark.parametrize("early", [0.0008, 0.0, -0.2])
def test_a_deadline_has_passed_when_its_timer_rings_be_it_a_little_early(effect: Effect, early: float) -> None:
    waiting = Waiting()
    waiting._perform(effect)
    waiting.ring(early)
    assert waiting.rang == [max(6.0, 6.0 - early)]
    assert [each.code for each in waiting.refused] == ["PR04"]
