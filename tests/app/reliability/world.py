"""Virtual time: a heap of events, everything drawn from one seed, a count of faults and, when asked for, a trace."""

from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush
from random import Random
from typing import Any

from app.ownership import Place

ROOM = "blue"
REGIONS = ("ams", "iad", "nrt")


class Box:
    """Whatever runs in one machine: a new ``life`` forgets what the old one waited for, a frozen one gets it later."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.life = 1
        self.frozen = False
        self.backlog: list[tuple[int, Callable[..., None], tuple[Any, ...]]] = []


class World:
    """The clock that everything shares. `at` puts off a call; `run` makes the calls in order."""

    def __init__(self, seed: int, *, tracing: bool = False) -> None:
        self.rng = Random(seed)
        self.now = 1_000_000.0
        self.faults: Counter[str] = Counter()
        self.wrong: list[tuple[str, str]] = []
        self.trace: list[str] | None = [] if tracing else None
        self._heap: list[tuple[float, int, Box | None, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0

    def at(self, delay: float, box: Box | None, call: Callable[..., None], *args: Any) -> None:
        """Call it after ``delay``; inside ``box``, if given, never in another life of it, and later if it is frozen."""
        self._count += 1
        heappush(self._heap, (self.now + delay, self._count, box, 0 if box is None else box.life, call, args))

    def run(self, until: float) -> bool:
        """Let time pass up to ``until``; False when nothing is left to happen after that."""
        heap = self._heap
        while heap and heap[0][0] <= until:
            self.now, _, box, life, call, args = heappop(heap)
            if box is None:
                call(*args)
            elif box.life == life:
                if box.frozen:
                    box.backlog.append((life, call, args))
                else:
                    call(*args)
        self.now = max(self.now, until)
        return any(box is None or box.life == life for _, _, box, life, _, _ in heap)

    def thaw(self, box: Box) -> None:
        """A frozen machine goes on: with everything that came meanwhile, in its order."""
        box.frozen = False
        waiting, box.backlog = box.backlog, []
        for index, (life, call, args) in enumerate(waiting):
            if box.frozen:
                box.backlog.extend(waiting[index:])
                return
            if box.life == life:
                call(*args)

    def violate(self, kind: str, text: str) -> None:
        """A promise is broken."""
        self.wrong.append((kind, text))
        if self.trace is not None:
            self.say("world", f"*** {kind}: {text}")

    def say(self, who: str, text: str) -> None:
        """One line of the trace; callers ask whether there is one first."""
        if self.trace is not None:
            self.trace.append(f"{self.now - 1_000_000:>12.3f}  {who:<6} {text}")
