"""A room server or a lobby as the campaign runs it: the product, with a store whose connection can be broken.

Run as ``python -m tests.app.reliability.real_machine``; ``TROUBLES`` is the folder with a control file per machine.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from app import logs
from app.boot import Boot
from app.config import Settings
from app.journal import Journal
from app.server import bind, serve
from app.site import open_site
from app.store import open_store
from tests.app.reliability.real_store import FaultyStore, control_file


def run(new_journal: Callable[..., Journal] = Journal) -> int:
    """Serve until told to stop."""
    settings = Settings.from_env(os.environ)
    logs.set_up()
    machine = settings.place.machine
    control = control_file(Path(os.environ["TROUBLES"]), machine)
    store = FaultyStore(open_store(settings.rooms_url), control, Random(machine))
    site = open_site(settings, Boot(time.time()), store=store, new_journal=new_journal)
    with bind(settings.host, settings.port) as sock:
        serve(site, sock, announce=lambda address: logs.say("listening", address=address))
    return 0


if __name__ == "__main__":
    sys.exit(run())
