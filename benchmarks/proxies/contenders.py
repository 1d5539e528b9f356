"""How each proxy is started, pinned to one core, in front of the same machine; and what it is asked."""

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from roomload.peer import ROOT, START, pinned, store, wait_until_open

from flylab.local.descendants import die_with_parent
from proxies import others

PROXY_CORE, OTHER_CORE = 0, 1
HERE = Path(__file__).parent
FILES = 65_536  # open files a process may have, where the system allows it
PYTHONPATH = os.pathsep.join((str(ROOT / "lib"), str(HERE.parent)))

NGINX = """\
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 20000; }}
http {{
  access_log off; keepalive_timeout 600s; keepalive_requests 1000000000; tcp_nodelay on;
  client_max_body_size 0; client_body_buffer_size 256k; client_body_temp_path {folder}/in; proxy_temp_path {folder}/out;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream machine {{
    server 127.0.0.1:{machine}; keepalive 256; keepalive_requests 1000000000; keepalive_timeout 600s;
  }}
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; proxy_max_temp_file_size 0;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://machine; }}
    location /again {{ internal; proxy_pass http://machine/; }}
    location /big {{ proxy_pass http://machine; }}
    location /in {{ proxy_request_buffering off; proxy_pass http://machine; }}
    location /ws {{
      proxy_read_timeout 3600s; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";
      proxy_pass http://machine;
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Running:
    """One proxy that listens; ``pids`` are the processes whose time and memory count."""

    name: str
    host: str
    port: int
    pids: tuple[int, ...]
    replay: str = "/replay"

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        return sum(_cpu(pid) for pid in self.pids)

    def resident(self, field: str = "VmRSS") -> int:
        """Bytes; ``VmHWM`` is the most since ``forget_peak``."""
        return sum(_status(pid, field) for pid in self.pids)

    def forget_peak(self) -> None:
        for pid in self.pids:
            with contextlib.suppress(OSError):
                Path(f"/proc/{pid}/clear_refs").write_text("5")


TITLES = {
    "direct": "no proxy",
    "nginx": "nginx",
    "edge": "the edge alone",
    "up": "the edge in `flylab up`",
    "caddy": "Caddy",
    "envoy": "Envoy",
}


def available() -> tuple[list[str], list[str]]:
    """The names that can be started here, and a sentence for each of the others; what can be had is installed."""
    found, missing = {"direct", "edge", "up"}, []
    if shutil.which("nginx"):
        found.add("nginx")
    else:
        missing.append("nginx: there is no command `nginx` here")
    for name in others.PACKAGES:
        program, why = others.program(name)
        if program:
            found.add(name)
        else:
            missing.append(f"{TITLES[name]}: {why}")
    return [name for name in TITLES if name in found], missing


def version(name: str) -> str:
    if name in others.PACKAGES:
        return others.version(name, others.program(name)[0])
    said = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=False)
    return (said.stdout + said.stderr).strip().splitlines()[0].split(" - ")[0]


@contextlib.contextmanager
def started(names: list[str]) -> Iterator[dict[str, Running]]:
    """Everything at once; what is not asked costs no time."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edge-bench-", dir=store())))
        machine = free_port()
        stack.enter_context(_process([sys.executable, "-m", "proxies.machine", str(machine)], OTHER_CORE))
        wait_until_open(machine)
        running = {}
        for name in names:
            running[name] = _start(name, machine, folder, stack)
        yield running


def _start(name: str, machine: int, folder: Path, stack: contextlib.ExitStack) -> Running:
    if name == "direct":
        return Running(name, "bench.localhost", machine, ())
    if name == "up":
        return _platform(folder / name, stack)
    port = free_port()
    (folder / name).mkdir()
    config = folder / name / ("config.yaml" if name == "envoy" else "config")  # Envoy reads the name
    fill = {"port": port, "machine": machine, "folder": folder / name}
    texts = {"nginx": NGINX, "caddy": others.CADDY, "envoy": others.ENVOY}
    config.write_text(texts.get(name, "").format(**fill))
    if name in others.PACKAGES:
        command = others.command(name, others.program(name)[0], config)
    elif name == "nginx":
        command = ["nginx", "-e", str(folder / name / "error.log"), "-c", str(config)]
    else:
        command = [sys.executable, "-m", "proxies.standalone", str(port), str(machine)]
    pid = stack.enter_context(_process(command, PROXY_CORE)).pid
    wait_until_open(port)
    replay = "/accel" if name == "nginx" else "/replay"
    deadline = time.monotonic() + START
    while name == "nginx" and not _children(pid) and time.monotonic() < deadline:
        time.sleep(0.01)  # the first process listens before there is one that serves
    return Running(name, "bench.localhost", port, (pid, *_children(pid)), replay)


def _platform(folder: Path, stack: contextlib.ExitStack) -> Running:
    words = ["up", "--regions", "ams", "--api-port", "0", "--edge-port", "0", "--latency", "off", "--json"]
    process = stack.enter_context(
        _process([sys.executable, "-m", "flylab", *words, "--state", str(folder)], PROXY_CORE, out=subprocess.PIPE)
    )
    assert process.stdout is not None
    said = json.loads(process.stdout.readline())
    os.environ["FLY_API_HOSTNAME"], os.environ["FLY_API_TOKEN"] = said["api"], said["token"]
    target = _machine(said, "other", "")
    _machine(said, "bench", target)
    return Running("up", "bench.localhost", int(said["edges"]["ams"].rpartition(":")[2]), (process.pid,))


def _machine(said: dict[str, str], app: str, target: str) -> str:
    import httpx

    with httpx.Client(base_url=said["api"], headers={"Authorization": f"Bearer {said['token']}"}, timeout=30) as api:
        api.post("/v1/apps", json={"app_name": app, "org_slug": "personal"}).raise_for_status()
        config = {
            "image": "local/process",
            "init": {"exec": [*pinned(OTHER_CORE), sys.executable, "-m", "proxies.machine"]},
            "env": {"PYTHONPATH": PYTHONPATH, "REPLAY": f"app=other;instance={target}"},
            "services": [
                {
                    "internal_port": 8080,
                    "protocol": "tcp",
                    "ports": [{"port": 80, "handlers": ["http"]}],
                    # Connections to a machine are used again for this type alone.
                    "concurrency": {"type": "requests", "soft_limit": 50_000, "hard_limit": 60_000},
                }
            ],
        }
        made = api.post(f"/v1/apps/{app}/machines", json={"region": "ams", "config": config}).raise_for_status().json()
        api.get(f"/v1/apps/{app}/machines/{made['id']}/wait", params={"state": "started"}).raise_for_status()
        return str(made["id"])


@contextlib.contextmanager
def _process(command: list[str], core: int, out: int = subprocess.DEVNULL) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [*pinned(core), *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
        stdout=out,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        preexec_fn=_in_the_child,  # noqa: PLW1509 - this process has no threads
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _in_the_child() -> None:
    die_with_parent()
    allow_many_files()


def allow_many_files() -> int:
    """As many as may be had, up to FILES; returns how many."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, max(FILES, hard)))
        return FILES
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _cpu(pid: int) -> float:
    # Nanoseconds, where the clock ticks of /proc/PID/stat are a hundredth of a second.
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def _status(pid: int, field: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    return 0
