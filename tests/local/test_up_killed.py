"""SIGKILL at any moment: what was acknowledged is there when the platform is started again, and nothing is half.

`FLYLAB_KILLS=300 pytest tests/local/test_up_killed.py` kills that often instead of the few times of the whole suite.
"""

import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.local.killing import Ledger, Worker
from tests.local.up import nobody_carries, up

CLIENTS = 3
ROUNDS = 3  # kills of one folder, each on top of what the ones before have left
KILLS = int(os.environ.get("FLYLAB_KILLS", str(ROUNDS * 2)))
FIRST = int(os.environ.get("FLYLAB_SEED", "0"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + max(1, KILLS // ROUNDS)))
def test_what_was_acknowledged_outlives_a_kill_at_any_moment(tmp_path: Path, seed: int) -> None:
    rng, ledger = random.Random(seed), Ledger()
    for number in range(ROUNDS + 1):
        with up("--state", str(tmp_path)) as running:
            if number == 0:
                running.app()
            ledger.compare(running)
            if number == ROUNDS:
                ledger.end_all(running)
                return
            ledger.expect(rng.randint(1, 60))
            workers = [Worker(running, ledger, random.Random(rng.random()), f"w{number}-{i}") for i in range(CLIENTS)]
            threads = [threading.Thread(target=worker.run, daemon=True) for worker in workers]
            for thread in threads:
                thread.start()
            assert ledger.enough.wait(30), [worker.failed for worker in workers]
            time.sleep(rng.uniform(0.0, 0.005))  # no wait for anything: into the middle of what comes next
            running.end(signal.SIGKILL)
            for thread in threads:
                thread.join(30)
                assert not thread.is_alive()
            assert [worker.failed for worker in workers] == [None] * CLIENTS
            nobody_carries(ledger.mark, 20.0)
