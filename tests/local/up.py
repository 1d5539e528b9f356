"""`flylab up` as a child process of a test, its API, and a look at the processes of its machines."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.support import is_running, wait_until

COMMAND = [sys.executable, "-m", "flylab", "up", "--json", "--api-port", "0", "--edge-port", "0", "--latency", "off"]
READY = 20.0  # seconds, on a computer that is busy with other tests; it takes less than one
Answer = httpx.Response


class Up:
    """A running platform; ``mark`` is in the environment of every machine that ``create`` makes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the platform ended before it was ready"
        self.info: dict[str, Any] = json.loads(line)
        self.mark = uuid4().hex
        self.http = httpx.Client(
            base_url=self.info["api"],
            headers={"authorization": f"Bearer {self.info['token']}"},
            timeout=20,
            trust_env=False,
        )

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        return self.http.request(method, path, json=body, **options)

    def ok(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The JSON of an answer that must be a good one."""
        answer = self.call(method, path, body, **options)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def app(self, name: str = "app") -> str:
        self.ok("POST", "/v1/apps", {"app_name": name, "org_slug": "personal"})
        return name

    def create(self, app: str = "app", image: str = "local/sleep", **config: Any) -> dict[str, Any]:
        """A new machine, as the answer to its creation shows it."""
        more = {key: config.pop(key) for key in ("skip_launch", "region") if key in config}
        env = {"MARK": self.mark} | config.pop("env", {})
        body = {"config": {"image": image, "env": env, **config}, **more}
        made: dict[str, Any] = self.ok("POST", f"/v1/apps/{app}/machines", body)
        return made

    def script(self, text: str, app: str = "app", **config: Any) -> dict[str, Any]:
        """A machine that runs this Python."""
        init = {"exec": [sys.executable, "-I", "-S", "-u", "-c", text]}
        return self.create(app, "local/process", init=init, **config)

    def path(self, machine: dict[str, Any], more: str = "", app: str = "app") -> str:
        return f"/v1/apps/{app}/machines/{machine['id']}{more}"

    def wait(self, machine: dict[str, Any], state: str, app: str = "app", **query: str) -> dict[str, Any]:
        params = {"state": state, "timeout": "15", **query}
        reached: dict[str, Any] = self.ok("GET", self.path(machine, "/wait", app), params=params)
        return reached

    def log(self, machine: dict[str, Any], app: str = "app") -> str:
        return self.http.get(f"/_flylab/apps/{app}/machines/{machine['id']}/logs").text

    def wait_for_log(self, machine: dict[str, Any], text: str) -> str:
        wait_until(lambda: text in self.log(machine), what=f"{text!r} in the log")
        return self.log(machine)

    def state(self, machine: dict[str, Any], app: str = "app") -> str:
        return str(self.ok("GET", self.path(machine, app=app))["state"])

    def running(self) -> list[int]:
        """The processes of its machines that are alive, also those of a platform that is dead."""
        return processes_with(f"MARK={self.mark}")

    def end(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send it a signal; its exit status and how long it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(15), time.monotonic() - began

    def close(self) -> None:
        self.http.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


@contextmanager
def up(*arguments: str) -> Iterator[Up]:
    """A platform with two regions unless the arguments say otherwise."""
    regions = [] if "--regions" in arguments else ["--regions", "ams,iad"]
    process = subprocess.Popen(
        [*COMMAND, *regions, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    try:
        running = Up(process)
    except BaseException:
        process.kill()
        process.communicate()
        raise
    try:
        yield running
    finally:
        running.close()


def refused(*arguments: str) -> tuple[int, str]:
    """Exit status and words of a command that cannot work."""
    done = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=READY, env=clean_environment(), check=False
    )
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr.strip()


def clean_environment() -> dict[str, str]:
    return os.environ | {"SECRET_OF_THE_TEST": "must not reach a machine"}


def processes_with(mark: str) -> list[int]:
    """Living processes that carry this text in their environment or command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            said = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if mark.encode() in said and is_running(int(entry.name)):
            found.append(int(entry.name))
    return found


def nobody_carries(mark: str, seconds: float = 5.0) -> None:
    wait_until(lambda: not processes_with(mark), seconds, what=f"no process with {mark} lives")
