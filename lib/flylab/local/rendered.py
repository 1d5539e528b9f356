"""Machines as the text of their JSON, kept until they change: a list of a thousand is put together, not made anew."""

import json

from flylab.rules.life import Life

_LONGEST = 1 << 16  # bytes of one text that is kept; our choice, a configuration may have megabytes of files


class Rendered:
    """``drop`` is told of every change of a machine by the platform."""

    def __init__(self) -> None:
        self._texts: dict[str, bytes] = {}

    def text(self, life: Life) -> bytes:
        """The machine as the API shows it."""
        found = self._texts.get(life.id)
        if found is None:
            found = json.dumps(life.machine().to_json()).encode()
            # What a running check says changes without word, and nobody asks often for what is large.
            if len(found) <= _LONGEST and not life.health.results:
                self._texts[life.id] = found
        return found

    def drop(self, machine_id: str) -> None:
        """It has changed, or is gone."""
        self._texts.pop(machine_id, None)


def as_list(texts: list[bytes]) -> bytes:
    """One JSON list of them, spaced as ``json.dumps`` does."""
    return b"[" + b", ".join(texts) + b"]"
