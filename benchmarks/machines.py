"""How a platform with many machines does, beside floors of the same kind: `python benchmarks/machines.py`.

One `flylab up` with its state in a folder, asked over one connection, so that every figure has HTTP in it. Beside it,
in the same minutes and in turns: a bare Quart application on uvicorn that answers a list of the same bytes, and one
SQLite transaction of a row of the same size with the same durability (WAL, synchronous NORMAL) in the same file system.

The table goes to stdout, the run with all its samples to build/data (`flylab runs show bench-machines`);
`benchmarks/page.py` makes the page.
"""

import argparse
import json
import os
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import frame
import httpx
from comparison.conditions import conditions, load
from comparison.machines import STARTED, samples, summed, table

UP = [sys.executable, "-m", "flylab", "up", "--json", "--api-port", "0", "--edge-port", "0", "--regions", "ams"]
FLOOR = """
import sys, uvicorn
from quart import Quart, Response
app, text = Quart("floor"), b"x" * int(sys.argv[1])
@app.get("/")
async def answer(): return Response(text, content_type="application/json")
uvicorn.run(app, fd=int(sys.argv[2]), log_level="error")
"""
SERVICE = {"protocol": "tcp", "internal_port": 8080, "autostart": True, "ports": [{"port": 443, "handlers": ["tls"]}]}
CONFIG = {"image": "local/sleep", "env": {"ROLE": "room"}, "services": [SERVICE], "metadata": {"pool": "rooms"}}


class Api:
    """A platform and one connection to it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.info = json.loads(process.stdout.readline())
        headers = {"authorization": f"Bearer {self.info['token']}"}
        self.http = httpx.Client(base_url=self.info["api"], headers=headers, timeout=120, trust_env=False)

    def ok(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self.http.request(method, f"/v1/apps{path}", json=body).raise_for_status()

    def create(self, app: str, **more: Any) -> Any:
        return self.ok("POST", f"/{app}/machines", {"config": CONFIG, "skip_launch": True} | more).json()

    def cpu(self) -> float:
        """Milliseconds that the platform's own process has computed."""
        fields = Path(f"/proc/{self.info['pid']}/stat").read_text().rpartition(")")[2].split()
        return 1e3 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Bytes of the platform's own process that are its alone."""
        lines = Path(f"/proc/{self.info['pid']}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) * 1024


@contextmanager
def platform(folder: Path) -> Iterator[Api]:
    process = subprocess.Popen([*UP, "--state", str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        api = Api(process)
        with api.http:
            yield api
    finally:
        process.terminate()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def floor(size: int) -> Iterator[httpx.Client]:
    # Bound here: a port that is only looked for may be taken before the other process has it.
    with socket.create_server(("127.0.0.1", 0)) as taken_port:
        port, number = taken_port.getsockname()[1], taken_port.fileno()
        command = [sys.executable, "-c", FLOOR, str(size), str(number)]
        process = subprocess.Popen(command, pass_fds=[number])
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as http:
            http.get("/")  # waits until it answers
            yield http
    finally:
        process.terminate()
        process.wait(30)


def taken(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - began)


class Commits:
    """The floor of a create: what one acknowledged row costs on this disk."""

    def __init__(self, folder: Path, size: int) -> None:
        self.db = sqlite3.connect(folder / "floor.db", isolation_level=None)
        self.db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE rows (text);")
        self.text = "x" * size

    def commit(self) -> None:
        self.db.execute("BEGIN")
        self.db.execute("INSERT INTO rows VALUES (?)", (self.text,))
        self.db.execute("COMMIT")


def measure(machines: int, rounds: int, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {"machines": machines, "list": [], "list_floor": []}
    with platform(folder / "state") as api:
        api.ok("POST", "", {"app_name": "many", "org_slug": "personal"})
        size = len(json.dumps(api.create("many")))
        commits = Commits(folder, 2 * size)
        for _ in range(100):  # the platform has seen everything once, so that memory counts machines alone
            api.create("many")
        api.ok("GET", "/many/machines")
        before = api.memory()
        found["create"], found["commit"], cpu = [], [], api.cpu()
        for _ in range(machines - 101):
            found["create"].append(taken(lambda: api.create("many")))
            found["commit"].append(taken(commits.commit))
        commits.db.close()
        found["create_cpu"] = (api.cpu() - cpu) / (machines - 101)
        found["memory"] = (api.memory() - before) / (machines - 101)
        cpu, cursor = api.cpu(), ""
        while (page := api.ok("GET", f"/many/machines?limit=100&cursor={cursor}")).headers.get("fly-next-cursor"):
            cursor = page.headers["fly-next-cursor"]
        found["first_cpu"] = api.cpu() - cpu
        found["memory_listed"] = (api.memory() - before) / (machines - 101)
        whole = api.ok("GET", "/many/machines")
        assert len(whole.json()) == machines
        found["bytes"] = len(whole.content)
        with floor(len(whole.content)) as bare:
            cpu = api.cpu()
            for _ in range(rounds):
                found["list"].append(taken(lambda: api.ok("GET", "/many/machines")))
                found["list_floor"].append(taken(lambda: bare.get("/")))
            found["list_cpu"] = (api.cpu() - cpu) / rounds
        found |= large(api)
        found |= starts(api)
    return found


def large(api: Api) -> dict[str, Any]:
    """A machine with 5 MB of files: its creation, and what one change of its state costs then."""
    files = [{"guest_path": f"/files/{i}", "raw_value": "QUJD" * 250_000} for i in range(5)]
    made: dict[str, Any] = {}
    create = taken(lambda: made.update(api.create("many", config=CONFIG | {"files": files})))
    paths = [f"/many/machines/{made['id']}/{word}" for word in ("cordon", "uncordon")] * 10
    changes = [taken(partial(api.ok, "POST", path)) for path in paths]
    api.ok("DELETE", f"/many/machines/{made['id']}")
    return {"large_create": create, "large_change": changes}


def starts(api: Api) -> dict[str, Any]:
    """Fifty at once; another client asks for one machine all the while."""
    api.ok("POST", "", {"app_name": "fifty", "org_slug": "personal"})
    ids = [api.create("fifty")["id"] for _ in range(STARTED)]
    resting = api.create("fifty")["id"]
    over, answers = threading.Event(), []

    context = ssl.create_default_context()  # one for all: to make it takes longer than an answer

    def client() -> httpx.Client:
        url, headers = api.http.base_url, api.http.headers
        return httpx.Client(base_url=url, headers=headers, timeout=90, trust_env=False, verify=context)

    def ask(http: httpx.Client) -> None:
        with http:
            while not over.is_set():
                answers.append(taken(lambda: http.get(f"/v1/apps/fifty/machines/{resting}").raise_for_status()))

    def start(http: httpx.Client, machine: str) -> None:
        with http:
            path = f"/v1/apps/fifty/machines/{machine}"
            http.post(f"{path}/start").raise_for_status()
            http.get(f"{path}/wait", params={"state": "started", "timeout": "60"}).raise_for_status()

    asking = threading.Thread(target=ask, args=(client(),))
    threads = [threading.Thread(target=start, args=(client(), machine)) for machine in ids]
    asking.start()
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    over.set()
    asking.join()
    states = [each["state"] for each in api.ok("GET", "/fifty/machines").json()]
    return {"starts_s": took, "started": states.count("started"), "meanwhile": answers}


def main() -> int:
    parser = argparse.ArgumentParser(description="A platform with many machines, beside floors of the same kind.")
    parser.add_argument("--machines", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=50, help="lists of all machines (default: 50)")
    parser.add_argument("--favoured", action="store_true", help="prefer these processes to neighbours (root)")
    asked = parser.parse_args()
    if asked.machines <= 101 or asked.rounds < 1:
        parser.error("there must be more than 101 machines, and a round")
    kept = frame.begin("machines", vars(asked))
    before = conditions() | frame.favour(asked)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(asked.machines, asked.rounds, Path(folder))
    run = before | summed(found) | {"load_after": load()}
    frame.keep(kept, run, samples(found), valid=found["started"] == STARTED)
    print(table(run))
    return 0


if __name__ == "__main__":
    sys.exit(main())
