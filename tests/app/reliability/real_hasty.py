"""A room server that is broken on purpose: it acknowledges an entry before it is stored."""

import sys

from app.journal import Journal
from tests.app.reliability.real_machine import run


class Hasty(Journal):
    """Tells the members that an entry is stored when it has only been queued."""

    def queue(self, seq: int, line: bytes) -> None:
        super().queue(seq, line)
        self.on_stored(seq)


if __name__ == "__main__":
    sys.exit(run(Hasty))
