"""Configurations in the database: each is written once for its machine, however often the machine itself changes.

A configuration may have megabytes of files, and a machine changes its state five times from one start to its stop.
"""

import json
import sqlite3
from collections.abc import Iterable
from itertools import count

from flylab.rules.life import Life
from flylab.rules.sharing import shared
from flylab.wire.config import MachineConfig

SCHEMA = """
CREATE TABLE IF NOT EXISTS configs (
    machine TEXT, number INTEGER, document TEXT NOT NULL, PRIMARY KEY (machine, number)
);
"""
Numbered = dict[int, MachineConfig]


class Configs:
    """Knows which ones are written, by the objects themselves: they never change in place."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._written: dict[str, Numbered] = {}

    def read(self) -> dict[str, Numbered]:
        """All of them, by machine and number."""
        self._written = {}
        last = MachineConfig()
        for machine, number, document in self._db.execute("SELECT machine, number, document FROM configs"):
            last = shared(MachineConfig.from_json(json.loads(document)), last)
            self._written.setdefault(machine, {})[number] = last
        return {machine: dict(numbered) for machine, numbered in self._written.items()}

    def write(self, life: Life) -> Numbered:
        """Write what is new of a machine and delete what it has no more; ``keep`` it once it is committed."""
        known = self._written.get(life.id, {})
        numbers = {id(config): number for number, config in known.items()}
        free = (number for number in count(1) if number not in known)
        wanted: Numbered = {}
        for config in (life.config, *(config for _, config in life.versions)):
            if (number := numbers.get(id(config), 0)) == 0:
                number = numbers[id(config)] = next(free)
                row = (life.id, number, json.dumps(config.to_json()))
                self._db.execute("INSERT OR REPLACE INTO configs VALUES (?, ?, ?)", row)
            wanted[number] = config
        gone = [(life.id, number) for number in known.keys() - wanted.keys()]
        self._db.executemany("DELETE FROM configs WHERE machine = ? AND number = ?", gone)
        return wanted

    def keep(self, machines: dict[str, Numbered], dropped: Iterable[str]) -> None:
        """What was written is committed."""
        self._written |= machines
        for machine in dropped:
            self._written.pop(machine, None)
