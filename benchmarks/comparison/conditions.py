"""Under what conditions a run was made, as far as it may be published: no names of hosts, no paths of a machine."""

import datetime
import os
import platform
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from roomload.peer import MEMORY, ROOT, store


def conditions() -> dict[str, Any]:
    """What is known before the run."""
    return {
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "generator": "uvloop " + version("uvloop") if find_spec("uvloop") else "asyncio",
        "commit": _commit(),
        "store": str(MEMORY) if store() == str(MEMORY) else "",
        "load_before": load(),
    }


def load() -> list[float]:
    """Runnable processes on average over 1, 5 and 15 minutes."""
    return [round(one, 2) for one in os.getloadavg()]


def our_versions() -> str:
    return f"Quart {version('quart')}, uvicorn {version('uvicorn')}, Python {platform.python_version()}"


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    """Short, and whether what is measured was changed since; empty without git."""
    try:
        commit = _git("rev-parse", "--short", "HEAD")
        return commit + (" with changes" if _git("status", "--porcelain", "--", "app", "lib") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
