"""Machines as the text of their JSON, kept until they change: a list of a thousand is put together, not made anew."""

import json
from dataclasses import replace

from flylab.rules.life import Life
from flylab.wire.config import MachineConfig

_LONGEST = 1 << 16  # bytes of one text that is kept; our choice, a configuration may have megabytes of files
_NONE = MachineConfig()
Parts = tuple[bytes, bytes, bytes]  # before the configuration, it, and after it


class Rendered:
    """``drop`` is told of every change of a machine by the platform."""

    def __init__(self) -> None:
        self._parts: dict[str, Parts] = {}
        self._config = (_NONE, b"")  # the last one: machines of an app share theirs (``rules/sharing.py``)

    def text(self, life: Life) -> bytes:
        """The machine as the API shows it."""
        return b"".join(self._of(life))

    def texts(self, lives: list[Life]) -> bytes:
        """A JSON list of them, spaced as ``json.dumps`` does."""
        between: list[bytes] = []
        for life in lives:
            between += (b", ", *self._of(life))
        return b"".join([b"[", *between[1:], b"]"])

    def drop(self, machine_id: str) -> None:
        """It has changed, or is gone."""
        self._parts.pop(machine_id, None)

    def _of(self, life: Life) -> Parts:
        found = self._parts.get(life.id)
        if found is None:
            found = self._made(life)
            # What a running check says changes without word, and nobody asks often for what is large.
            if sum(map(len, found)) <= _LONGEST and not life.health.results:
                self._parts[life.id] = found
        return found

    def _made(self, life: Life) -> Parts:
        if life.config is not self._config[0]:
            self._config = (life.config, json.dumps(life.config.to_json()).encode())
        shown = replace(life.machine(), config=_NONE).to_json()
        keys = list(shown)
        place = keys.index("config")
        before = json.dumps({key: shown[key] for key in keys[:place]}).encode()
        after = json.dumps({key: shown[key] for key in keys[place + 1 :]}).encode()
        return before[:-1] + b', "config": ', self._config[1], b", " + after[1:]
