"""``flylab doctor``: looks at this computer and says what will work, what will be skipped, and why."""

import argparse
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from flylab.kit import project
from flylab.local import limits

PYTHON = (3, 11)
DISK_GB = 1.0  # the environment takes 0.6 GB, results a few MB
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PARTS = {
    "local platform": ("quart", "uvicorn", "obstore"),
    "notebooks": ("jupyterlab", "ipykernel", "ipywidgets", "papermill", "plotly", "psutil"),
    "site": ("sphinx", "myst_nb", "furo", "sphinx_copybutton"),
    "tests": ("pytest", "nbval", "playwright", "mypy"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at; ``state`` is ok, skipped (something optional is missing) or missing (needed)."""

    what: str
    state: str
    says: str


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when everything needed is there."""
    parser = argparse.ArgumentParser(prog="flylab doctor", description="Check this computer.")
    parser.parse_args(arguments)
    findings = examine()
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        print(f"{finding.state:<8} {finding.what:<{width}}  {finding.says}")
    return 1 if any(finding.state == "missing" for finding in findings) else 0


def examine() -> list[Finding]:
    """Everything the doctor looks at, in order."""
    checks: tuple[Callable[[], Finding | list[Finding]], ...] = (
        _python,
        _packages,
        _ports,
        _browser,
        _node,
        _disk,
        _limits,
        _fly,
    )
    found: list[Finding] = []
    for check in checks:
        result = check()
        found += result if isinstance(result, list) else [result]
    return found


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    fine = sys.version_info[:2] >= PYTHON
    says = f"{version} at {_short(sys.executable)}" if fine else f"{version}; 3.11 or newer is needed"
    return Finding(what="python", state="ok" if fine else "missing", says=says)


def _short(path: str) -> str:
    # The write-up shows this table, and nobody needs to know where somebody else keeps their checkout.
    for folder, name in ((str(project.root()), ""), (os.path.expanduser("~"), "~/")):
        if path.startswith(folder + os.sep):
            return name + path[len(folder) + 1 :]
    return path


def _packages() -> list[Finding]:
    found = []
    for part, names in PARTS.items():
        absent = [name for name in names if importlib.util.find_spec(name) is None]
        state = "ok" if not absent else "skipped" if part in ("site", "tests") else "missing"
        says = "installed" if not absent else f"{', '.join(absent)} not installed; make test installs everything"
        found.append(Finding(what=part, state=state, says=says))
    return found


def _ports() -> Finding:
    taken = [str(port) for port in (4280, 4300) if not _free(port)]
    if taken:
        says = f"{' and '.join(taken)} taken: `flylab up` needs --api-port and --edge-port; notebooks pick free ones"
        return Finding(what="ports", state="skipped", says=says)
    return Finding(what="ports", state="ok", says="4280 and 4300 are free on the loopback")


def _free(port: int) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def browser() -> str | None:
    """The Chromium that the browser tests drive; CHROMIUM names another one."""
    chosen = os.environ.get("CHROMIUM")
    if chosen:
        return shutil.which(chosen)
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def _browser() -> Finding:
    path = browser()
    says = path or f"none of {', '.join(BROWSERS)} found: the browser tests are skipped"
    return Finding(what="browser", state="ok" if path else "skipped", says=says)


def _node() -> Finding:
    path = shutil.which("node")
    if not path:
        return Finding(what="node", state="skipped", says="not found: the tests of the room's front end are skipped")
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return Finding(what="node", state="ok", says=f"{version} at {path}")


def _disk() -> Finding:
    free = shutil.disk_usage(project.root()).free / 1e9
    fine = free >= DISK_GB
    return Finding(what="disk", state="ok" if fine else "missing", says=f"{free:.0f} GB free, {DISK_GB:g} GB needed")


def _limits() -> Finding:
    found = limits.find(limits.LimitSettings())
    held = [f"{name} {one.how}" for name, one in (("memory", found.memory), ("CPU", found.cpu)) if one.how != "off"]
    loose = [f"{name} not" for name, one in (("memory", found.memory), ("CPU", found.cpu)) if one.how == "off"]
    why = found.memory.why if found.memory.how != "cgroup" else found.cpu.why
    says = f"sizes of machines: {', '.join(held + loose)} enforced; {why}"
    return Finding(what="limits", state="skipped" if loose else "ok", says=says)


def _fly() -> Finding:
    if os.environ.get("FLY_API_TOKEN"):
        return Finding(what="fly", state="ok", says="FLY_API_TOKEN is set: --target fly is possible, within a budget")
    return Finding(what="fly", state="skipped", says="no FLY_API_TOKEN: everything runs on the local platform")
