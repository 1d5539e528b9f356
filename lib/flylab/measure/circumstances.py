"""Under what circumstances a run is made: commit, versions, processor, kernel, load, clock; no hosts and no paths."""

import os
import platform
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def commit(project: Path) -> tuple[str, bool | None]:
    """The commit of that folder and whether anything was changed since; empty and None without a repository."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=project, capture_output=True, text=True, timeout=10, check=True)
        return done.stdout.strip()

    try:
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain"))
    except (OSError, subprocess.SubprocessError):  # no git, no repository, or an archive of one
        return "", None


def installed(package: str) -> str:
    """Its version; empty when it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def cpu() -> str:
    """The processor's name as the kernel says it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def kernel() -> str:
    return f"{platform.system()} {platform.release()}"


def load() -> float | None:
    """Runnable processes on average over a minute."""
    try:
        return os.getloadavg()[0]
    except OSError:  # not offered by this system
        return None


def clock() -> str:
    """What latencies are read from: ``clock_gettime(CLOCK_MONOTONIC), steps of 1 ns``."""
    about = time.get_clock_info("monotonic")
    return f"{about.implementation}, steps of {about.resolution * 1e9:g} ns"
