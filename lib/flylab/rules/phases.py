"""Where one exchange can stand, and which events it may meet there."""

from enum import StrEnum


class Phase(StrEnum):
    """Where an exchange stands between two events."""

    NEW = "new"
    WAKING = "waking"
    PAUSED = "paused"
    QUEUED = "queued"
    FORWARDED = "forwarded"
    COLLECTING = "collecting"
    ANSWERING = "answering"
    PIPED = "piped"
    DONE = "done"


# Which events may come in which phase; any other is a mistake of the caller and changes nothing.
_EXPECTED: dict[str, frozenset[Phase]] = {
    "begin": frozenset({Phase.NEW}),
    "woke": frozenset({Phase.WAKING}),
    "wake_failed": frozenset({Phase.WAKING}),
    "paused": frozenset({Phase.PAUSED, Phase.QUEUED}),
    "expired": frozenset({Phase.WAKING, Phase.PAUSED, Phase.QUEUED, Phase.FORWARDED}),
    "connected": frozenset({Phase.FORWARDED}),
    "refused": frozenset({Phase.FORWARDED}),
    "lost": frozenset({Phase.FORWARDED}),
    "responded": frozenset({Phase.FORWARDED}),
    "joined": frozenset({Phase.FORWARDED}),
    "collected": frozenset({Phase.COLLECTING}),
    "piped": frozenset({Phase.PIPED}),
    "finished": frozenset({Phase.ANSWERING, Phase.PIPED}),
    "abandoned": frozenset(Phase) - {Phase.DONE},
}
# In tuples a phase is found by identity; a set would compute the hash of an enum member for each event.
EXPECTED: dict[str, tuple[Phase, ...]] = {event: tuple(sorted(phases)) for event, phases in _EXPECTED.items()}
