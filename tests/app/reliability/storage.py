"""The object store as machines meet it: each call atomic, some late, some unanswered, some in vain.

It remembers what it ever held: the first object under each number makes the log as it really is, whatever was deleted
or written again since. The checks compare everything with that.
"""

from collections.abc import Callable
from typing import Any

from app.entries import Epoch, parse_entry
from app.layout import segment_key
from app.segments import Segment, parse_segment
from tests.app.reliability.world import ROOM, Box, World

TIMEOUT = 10.0  # as in app/store.py
LATE = 0.4  # of the requests of a machine that is frozen on the way: sent when it goes on

Done = Callable[[bool, Any], None]


class Reach(Box):
    """A machine as the store sees it."""

    cut_off = False
    slow = 1.0  # multiplies every way there and back


class Storage:
    """One bucket. ``errors`` and ``unanswered`` are shares of calls; ``slow`` is as for a machine, for all at once."""

    def __init__(self, world: World) -> None:
        self.errors = 0.0
        self.unanswered = 0.0
        self.slow = 1.0
        self.objects: dict[str, bytes] = {}
        self.segments: list[Segment] = []
        self.snapshots: list[tuple[int, bytes]] = []
        self.began: list[tuple[int, int]] = []  # epoch, number of its entry
        self.last = 0
        self.recreated = 0
        self._waiting: dict[int, Segment] = {}
        self._ever: set[str] = set()
        self._world = world
        self._calls: dict[str, Callable[[Any], Any]] = {
            "create": self._create,
            "put": self._put,
            "get": self._get,
            "keys": self._keys,
            "delete": self._delete,
        }

    def ask(self, machine: Reach, what: str, args: Any, done: Done, within: float = TIMEOUT) -> None:
        """Call ``done(True, answer)``, or ``done(False, None)`` when there is none: it may have been carried out."""
        world, rng = self._world, self._world.rng
        within = min(within, TIMEOUT)
        if machine.cut_off:
            world.faults["store unreachable"] += 1
            world.at(within if rng.random() < 0.3 else 0.02, machine, done, False, None)
            return
        luck = rng.random()
        slow = max(self.slow, machine.slow)
        there, back = slow * (0.004 + 0.03 * rng.random()), slow * (0.004 + 0.02 * rng.random())
        if luck < self.errors:
            world.faults["store error"] += 1
            world.at(there, machine, done, False, None)
            return
        late = there + back > within
        if late:
            world.faults["store too slow"] += 1
            world.at(within, machine, done, False, None)
        elif luck > 1 - self.unanswered:
            world.faults["answer lost"] += 1
            world.at(within if rng.random() < 0.3 else there + back, machine, done, False, None)
            late = True
        world.at(there, None, self._arrive, machine, machine.life, what, args, None if late else done, back)

    def _arrive(self, machine: Reach, life: int, what: str, args: Any, done: Done | None, back: float) -> None:
        world = self._world
        if machine.frozen and machine.life == life and world.rng.random() < LATE:
            world.faults["request held back"] += 1
            machine.backlog.append((life, self._arrive, (machine, life, what, args, done, back)))
            return
        answer = self._calls[what](args)
        if done is None or machine.life != life:
            return
        if machine.cut_off:
            world.faults["answer lost"] += 1
            world.at(back, machine, done, False, None)
        else:
            world.at(back, machine, done, True, answer)

    # What the store does -------------------------------------------------------

    def _create(self, args: tuple[str, bytes]) -> bool:
        key, body = args
        if key in self.objects:
            return False
        self.objects[key] = body
        if key in self._ever:
            self.recreated += 1
        else:
            self._ever.add(key)
            self._note(parse_segment(body, key=key))
        if self._world.trace is not None:
            self._world.say("store", f"+ {key} {self.described(key)}")
        return True

    def _put(self, args: tuple[str, bytes]) -> None:
        key, body = args
        self.objects[key] = body
        self.snapshots.append((int(key[-12:]), body))
        if self._world.trace is not None:
            self._world.say("store", f"= {key}")

    def _get(self, keys: tuple[str, ...]) -> list[bytes | None]:
        return [self.objects.get(key) for key in keys]

    def _keys(self, listings: tuple[tuple[str, str], ...]) -> list[str]:
        return sorted(
            key for key in self.objects for prefix, after in listings if key.startswith(prefix) and key > after
        )

    def _delete(self, keys: list[str]) -> None:
        for key in keys:
            self.objects.pop(key, None)
        if self._world.trace is not None and keys:
            self._world.say("store", "- " + " ".join(key.removeprefix(f"rooms/{ROOM}/") for key in keys))

    # The log as it really is -----------------------------------------------------

    def _note(self, segment: Segment) -> None:
        self._waiting[segment.first] = segment
        while (follows := self._waiting.pop(self.last + 1, None)) is not None:
            entry = parse_entry(follows.lines[0])
            if isinstance(entry, Epoch):
                self.began.append((entry.epoch, entry.seq))
            self.segments.append(follows)
            self.last = follows.last

    def described(self, key: str) -> str:
        """For the trace."""
        segment = parse_segment(self.objects[key], key=key)
        return f"epoch {segment.epoch} by {segment.writer}: {segment.first}–{segment.last}"

    def stray(self) -> list[str]:
        """Segments beyond a hole: nobody can ever read them."""
        return [segment_key(ROOM, first) for first in self._waiting]
