"""The record of a run: what was measured, where, on what and with which settings; saved whole or not at all."""

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from flylab.clock import Clock, SystemClock
from flylab.errors import ParseError, UsageError
from flylab.measure.sample import Sample

PACKAGES = ("flylab", "httpx", "quart", "uvicorn", "uvloop")  # what the measured path runs through


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything that is needed to do it again; dates are UTC in ISO 8601, loads are the 1-minute average."""

    name: str
    id: str
    started_at: str
    target: str
    seed: int
    settings: Mapping[str, object] = field(default_factory=dict)
    commit: str = ""
    dirty: bool | None = None  # None: there is no repository to ask
    python: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    cpu: str = ""
    cores: int = 0
    kernel: str = ""
    load_before: float | None = None
    load_after: float | None = None
    finished_at: str = ""
    n: int = 0
    sha256: str = ""  # of the file with the samples


def begin(
    name: str,
    *,
    target: str,
    seed: int,
    settings: Mapping[str, object] | None = None,
    project: Path | None = None,
    clock: Clock | None = None,
) -> Run:
    """Note the circumstances before the first sample; ``project`` is the folder whose commit is recorded."""
    if not name or not all(letter.isalnum() or letter in "-_." for letter in name):
        raise UsageError(f"a run cannot be called {name!r}: letters, digits, '-', '_' and '.' are possible")
    moment = datetime.fromtimestamp((clock or SystemClock()).wall(), UTC)
    commit, dirty = _commit(project or Path.cwd())
    return Run(
        name=name,
        id=f"{name}-{moment:%Y%m%dT%H%M%S.%f}",
        started_at=moment.isoformat(timespec="seconds"),
        target=target,
        seed=seed,
        settings=dict(settings or {}),
        commit=commit,
        dirty=dirty,
        python=sys.version.split()[0],
        packages={package: found for package in PACKAGES if (found := _version(package))},
        cpu=_cpu(),
        cores=os.cpu_count() or 0,
        kernel=f"{platform.system()} {platform.release()}",
        load_before=_load(),
    )


def save(run: Run, samples: Sequence[Sample], folder: Path, *, clock: Clock | None = None) -> Path:
    """Write ``<id>.jsonl`` with the samples and then ``<id>.json`` with the record; returns the latter.

    Each file appears under its name only when it is complete, so a record that can be seen has all its samples.
    """
    lines = "".join(json.dumps(sample.to_json(), separators=(",", ":")) + "\n" for sample in samples).encode()
    moment = datetime.fromtimestamp((clock or SystemClock()).wall(), UTC)
    finished = replace(
        run,
        finished_at=moment.isoformat(timespec="seconds"),
        load_after=_load(),
        n=len(samples),
        sha256=hashlib.sha256(lines).hexdigest(),
    )
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / f"{run.id}.jsonl", lines)
    record = folder / f"{run.id}.json"
    _write(record, (json.dumps(asdict(finished), indent=2) + "\n").encode())
    return record


def load(record: Path) -> tuple[Run, list[Sample]]:
    """Read what ``save`` returned; raises ParseError when the samples are not those of the record."""
    try:
        value = json.loads(record.read_text(encoding="utf-8"))
        lines = record.with_suffix(".jsonl").read_bytes()
        known = {each.name for each in fields(Run)}
        run = Run(**{key: item for key, item in value.items() if key in known})
        samples = [Sample.from_json(json.loads(line)) for line in lines.splitlines()]
    except (OSError, ValueError, TypeError, AttributeError) as exc:
        raise ParseError("run", str(record), str(exc)) from exc
    if hashlib.sha256(lines).hexdigest() != run.sha256:
        raise ParseError("run", str(record), "its samples were changed after it was recorded")
    return run, samples


def latest(folder: Path, name: str) -> Path | None:
    """The record of the newest run of that name; ids carry the date and so sort by it."""
    return max(folder.glob(f"{name}-????????T??????.??????.json"), default=None)


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _commit(project: Path) -> tuple[str, bool | None]:
    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=project, capture_output=True, text=True, timeout=10, check=True)
        return done.stdout.strip()

    try:
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain"))
    except (OSError, subprocess.SubprocessError):  # no git, no repository, or an archive of one
        return "", None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except OSError:  # not offered by this system
        return None
