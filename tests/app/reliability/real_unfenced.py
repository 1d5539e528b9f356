"""A room server that is broken on purpose: it goes on acknowledging after another machine has taken its room."""

import sys
from functools import partial

from app.journal import Journal
from tests.app.reliability.broken import Unfenced
from tests.app.reliability.real_machine import run

if __name__ == "__main__":
    sys.exit(run(partial(Journal, new_tenure=Unfenced)))
