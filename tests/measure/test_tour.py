"""The tour of docs/measure.md runs as it stands there, but shorter and with a server of the test's own."""

import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from flylab import measure
from tests.support import ROOT

# One core, so that a load is one process.
ALONE = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
PAGE = ROOT / "docs" / "measure.md"


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200 if self.path == "/api/where" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.mark.usefixtures("nothing_left")
def test_the_tour_runs(tmp_path):
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        for there, here in (
            ("http://rooms.localhost:4300", f"http://rooms.localhost:{server.server_port}"),
            ('"rate": 500, "seconds": 10', '"rate": 100, "seconds": 0.1'),
            ("rounds=6", "rounds=1"),
        ):
            assert there in code
            code = code.replace(there, here)
        done = subprocess.run(
            [sys.executable, "-c", ALONE + code], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        server.shutdown()
    assert done.returncode == 0, done.stderr
    assert ", 0 failed; p50 " in done.stdout
    assert "p99 not given" in done.stdout
    assert "noise ±" in done.stdout or "INVALID" in done.stdout or "was late" in done.stdout
    assert len(list((tmp_path / "build" / "data").glob("*.json"))) == 2


def test_everything_that_may_be_said_is_on_the_page():
    named = re.findall(r"`(\w+)`", PAGE.read_text().split("**What may be said**")[1].split("**What a closed")[0])
    functions = {name for name in measure.stats.__all__ if name[0].islower()}
    assert functions - {*named} == set()
    assert {name for name in named if not hasattr(measure.stats, name)} == set()
