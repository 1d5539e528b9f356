"""What a serving process does not load, and that nothing misses it."""

import subprocess
import sys

from tests.app.conftest import ROOT

PROGRAM = """
import sys
from app.lean import UNUSED, leave_out_unused
leave_out_unused()
import app.server
early = [name for name in ("click", "multiprocessing", "uvicorn.supervisors", "quart") if name in sys.modules]
import app.application
loaded = [name for name in sys.modules if name.partition(".")[0] in ("h2", "hpack", "hypercorn", "priority", "wsproto")]
print(sorted(loaded) == sorted(UNUSED), loaded)
print(early)
import uvicorn
for call in (sys.modules["hypercorn.config"].Config, uvicorn.run):
    try:
        call()
    except RuntimeError as exc:
        print(exc)
"""


def test_what_is_left_out_says_so_when_it_is_called() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )
    told, early, *sentences = done.stdout.splitlines()
    assert told.startswith("True"), told
    assert early == "[]"
    assert len(sentences) == 2
    assert all("python -m app" in sentence for sentence in sentences)


def test_a_process_that_has_it_keeps_it() -> None:
    program = """
import quart, uvicorn, app.lean, sys
app.lean.leave_out_unused()
print({type(sys.modules[name]).__name__ for name in ("hypercorn", "uvicorn.main")})
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "{'module'}\n"
