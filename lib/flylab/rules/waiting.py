"""What a caller of the wait endpoint waits for, and whether a machine has got there (machines-resource, wait)."""

from dataclasses import dataclass

from flylab.errors import RuleError
from flylab.rules.life import Life
from flylab.wire.machine import Event

LONGEST = 60  # seconds, also the default; the range is told by the error text of the API
SETTLED = frozenset({"started", "stopped", "suspended", "failed", "destroyed"})
STATES = SETTLED | {"settled"}


@dataclass(frozen=True, slots=True)
class Reached:
    """The answer to a successful wait."""

    state: str
    event_id: str
    version: str

    def to_json(self) -> dict[str, object]:
        return {"ok": True, "state": self.state, "event_id": self.event_id, "version": self.version}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """States to wait for; ``version`` restricts to one version, ``after`` to events later than that event."""

    states: frozenset[str]
    version: str = ""
    after: str = ""

    def reached(self, life: Life) -> Reached | None:
        """Whether it is so already, read from the machine's state and log."""
        if self.after:
            ids = [event.id for event, _ in life.log]
            later = life.log[ids.index(self.after) + 1 :] if self.after in ids else life.log
            return next((self._reached(event, version) for event, version in later if self.meets(event, version)), None)
        if str(life.state) in self.states and self.version in ("", life.version):
            last = life.log[-1][0].id if life.log else ""
            return Reached(str(life.state), last, life.version)
        return None

    def meets(self, event: Event, version: str) -> bool:
        """Whether this event is what was waited for."""
        return event.status in self.states and self.version in ("", version)

    @staticmethod
    def _reached(event: Event, version: str) -> Reached:
        return Reached(event.status, event.id, version)


def parse_wanted(states: list[str], version: str, after: str, *, strict: bool = False) -> Wanted:
    """From the query of a request; several states may be repeated or separated by commas.

    With ``strict`` a wait for ``stopped`` has to name a version.
    """
    words = [word.strip() for text in states for word in text.split(",") if word.strip()] or ["started"]
    for word in words:
        if word not in STATES:
            raise RuleError("invalid_argument", f"cannot wait for state '{word}', only for {', '.join(sorted(STATES))}")
    if strict and "stopped" in words and not version:
        raise RuleError("invalid_argument", "version is missing: to wait for state 'stopped' it is required")
    wanted = frozenset(words)
    return Wanted(states=wanted | SETTLED if "settled" in wanted else wanted, version=version, after=after)


def parse_timeout(text: str) -> int:
    """Whole seconds between 1 and 60."""
    if not text:
        return LONGEST
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and 1 <= int(text) <= LONGEST):
        raise RuleError("invalid_argument", f"timeout '{text[:80]}' is not between 1s and 1m0s")
    return int(text)
