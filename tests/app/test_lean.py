"""What a serving process does not load, and that nothing misses it."""

import subprocess
import sys

from tests.app.conftest import ROOT

PROGRAM = """
import sys
from app.lean import UNUSED, leave_out_unused
leave_out_unused()
import app.server, app.application
loaded = [name for name in sys.modules if name.partition(".")[0] in ("h2", "hpack", "hypercorn", "priority", "wsproto")]
print(sorted(loaded) == sorted(UNUSED), loaded)
try:
    sys.modules["hypercorn.config"].Config()
except RuntimeError as exc:
    print(exc)
"""


def test_hypercorn_is_left_out_and_says_so_when_it_is_called() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )
    told, sentence = done.stdout.splitlines()
    assert told.startswith("True"), told
    assert "python -m app" in sentence


def test_a_process_that_has_it_keeps_it() -> None:
    program = "import quart, app.lean, sys; app.lean.leave_out_unused(); print(type(sys.modules['hypercorn']).__name__)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "module\n"
