"""A story that plays itself: steps as data, each does something, waits until it is so, and says what was seen.

ready ──play, next──► playing ──► done          playing ──pause──► paused ──play, next──► playing
  ▲                      └──► failed (in words; nothing hangs)
  └── again: everything is set up anew, with another platform if the last one is gone
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import httpx
from websockets.exceptions import WebSocketException

from flylab.client.errors import TransportError
from flylab.errors import FlylabError
from flylab.kit.control.stage import GONE, Stage
from flylab.kit.ending import ended

LOOK = 0.1  # seconds between looks whether the platform lives; our choice
PATIENCE = 60.0  # seconds for a step; our choice, far more than one takes, for computers that are busy
UNHEARD = (TransportError, httpx.TransportError, WebSocketException, ConnectionError)  # the platform may have ended


class Unmet(FlylabError):
    """A step did what it does, and what should have come of it did not."""


class Halted(FlylabError):
    """A story ended early; the text says where and why, and what to do about it."""


class Phase(StrEnum):
    READY = "ready"
    PLAYING = "playing"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """``do`` acts; ``expect`` returns one sentence of what was seen, or raises Unmet. Both may wait."""

    title: str
    text: str  # explains it, before it happens
    do: Callable[[Stage], Awaitable[None]]
    expect: Callable[[Stage], Awaitable[str]]
    seconds: float = PATIENCE


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one step."""

    step: Step
    seen: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Now:
    """Where the story is, for whoever shows it; ``number`` counts from 1 and is 0 before the first step."""

    phase: Phase
    number: int
    of: int
    title: str
    text: str
    seen: str = ""

    @property
    def caption(self) -> dict[str, object]:
        """As the world shows it."""
        text = f"{self.text} {self.seen}".strip()
        return {"title": self.title, "text": text, "step": self.number, "of": self.of}


class Storyboard:
    """One story on one stage. ``dwell`` is how long each step stays before the next, for people to read."""

    def __init__(self, stage: Stage, steps: Sequence[Step], *, title: str, dwell: float = 0.0) -> None:
        self.stage = stage
        self.steps = tuple(steps)
        self.title = title
        self.dwell = dwell
        self.outcomes: list[Outcome] = []
        self.now = Now(Phase.READY, 0, len(self.steps), title, "Press Play.")
        self._tell: list[Callable[[Now], None]] = []
        self._playing = False
        self._pause = asyncio.Event()

    def listen(self, callback: Callable[[Now], None]) -> None:
        """Call it whenever the story is somewhere else."""
        self._tell.append(callback)

    @property
    def phase(self) -> Phase:
        return self.now.phase

    async def play(self) -> list[Outcome]:
        """From where it is to the end, or until ``pause``; from the beginning when it has ended. Raises Halted."""
        if self.phase in (Phase.DONE, Phase.FAILED):
            self._begin()
        return await self._run(len(self.steps))

    async def next(self) -> list[Outcome]:
        """One step. Raises Halted."""
        if self.phase in (Phase.DONE, Phase.FAILED):
            self._begin()
        return await self._run(len(self.outcomes) + 1)

    async def again(self) -> list[Outcome]:
        """From the beginning, whatever has happened. Raises Halted."""
        self._not_twice()
        self._begin()
        return await self._run(len(self.steps))

    def pause(self) -> None:
        """Stop after the step that is under way."""
        self._pause.set()

    def _begin(self) -> None:
        self.outcomes = []

    def _not_twice(self) -> None:
        if self._playing:
            raise Halted("The story is playing already.")

    async def _run(self, until: int) -> list[Outcome]:
        self._not_twice()
        self._playing = True
        self._pause.clear()
        try:
            while len(self.outcomes) < until:
                await self._step(len(self.outcomes))
                if not self._pause.is_set() and len(self.outcomes) < until:
                    await self._dwell()
                if self._pause.is_set():
                    break
        except asyncio.CancelledError:
            self._say(Phase.PAUSED, self.now.number, self.now.title, "It was interrupted.")
            raise
        finally:
            self._playing = False
        whole = len(self.outcomes) == len(self.steps)
        self._say(Phase.DONE if whole else Phase.PAUSED, self.now.number, self.now.title, self.now.text, self.now.seen)
        return self.outcomes

    async def _dwell(self) -> None:
        if self.dwell:
            pausing = asyncio.ensure_future(self._pause.wait())
            await asyncio.wait({pausing}, timeout=self.dwell)
            pausing.cancel()

    async def _step(self, index: int) -> None:
        step = self.steps[index]
        self._say(Phase.PLAYING, index + 1, step.title, step.text)
        clock = asyncio.get_running_loop().time
        began = clock()

        async def act() -> str:
            if index == 0:
                await self.stage.reset()
            await step.do(self.stage)
            return await step.expect(self.stage)

        try:
            seen = await self._while_it_lives(act(), step.seconds, starts=index == 0)
        except (FlylabError, httpx.HTTPError, WebSocketException, OSError, TimeoutError) as error:
            if isinstance(error, UNHEARD):
                await ended(self.stage.lab.platform)  # so that what is said is why
            raise self._halt(index, step, error) from error
        self.outcomes.append(Outcome(step, seen, clock() - began))
        self._say(Phase.PLAYING, index + 1, step.title, step.text, seen)

    async def _while_it_lives(self, acting: Awaitable[str], seconds: float, *, starts: bool) -> str:
        """What ``acting`` returns, unless it takes too long or the platform ends meanwhile."""
        task = asyncio.ensure_future(acting)
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=LOOK)
                if task.done():
                    break
                if self.stage.gone and not starts:  # the first step may have to start another one
                    raise Halted(GONE)
                if asyncio.get_running_loop().time() > deadline:
                    raise Unmet(f"it did not come about within {seconds:g} s")
            return await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _halt(self, index: int, step: Step, error: Exception) -> Halted:
        number, of = index + 1, len(self.steps)
        why = GONE if self.stage.gone else str(error) or type(error).__name__
        text = f"Step {number} of {of}, “{step.title}”, ended early: {why.rstrip('.')}."
        advice = "Press Again to start another platform and play from the beginning." if self.stage.gone else ""
        text = f"{text} {advice or 'Press Again to play from the beginning.'}"
        self._say(Phase.FAILED, number, step.title, text)
        return Halted(text)

    def _say(self, phase: Phase, number: int, title: str, text: str, seen: str = "") -> None:
        self.now = Now(phase, number, len(self.steps), title, text, seen)
        for tell in list(self._tell):
            tell(self.now)
