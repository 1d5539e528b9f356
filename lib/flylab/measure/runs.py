"""The record of a run: what was measured, where, on what and with which settings; saved whole or not at all.

A run is one JSON file ``<id>.json`` and its samples in parts beside it, ``<id>.000.parquet`` and on. The record names
each part with its hash, and is replaced only once the part is whole: what a killed process left unnamed is not read.
"""

import fcntl
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flylab.clock import Clock, SystemClock
from flylab.errors import ParseError, UsageError
from flylab.measure import circumstances, store
from flylab.measure.sample import Sample

# What the measured path runs through.
PACKAGES = ("flylab", "httpx", "httptools", "quart", "uvicorn", "uvloop", "websockets")
EVERY = 50_000  # samples that a recording holds in memory before it writes a part; our choice


@dataclass(frozen=True, slots=True)
class Part:
    """One file of samples."""

    file: str
    n: int
    sha256: str


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
    clock: str = ""
    load_before: float | None = None
    load_after: float | None = None
    finished_at: str = ""  # empty: it still runs, or was killed
    n: int = 0
    valid: bool | None = None  # False: the generator was late or gave up, so nothing may be concluded; None: not judged
    results: Mapping[str, object] = field(
        default_factory=dict
    )  # what was found besides samples, or summed up from them
    parts: Sequence[Part] = ()
    sha256: str = ""  # of the one file ``<id>.jsonl`` that records without parts have


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
    commit, dirty = circumstances.commit(project or Path.cwd())
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
        packages={package: found for package in PACKAGES if (found := circumstances.installed(package))},
        cpu=circumstances.cpu(),
        cores=os.cpu_count() or 0,
        kernel=circumstances.kernel(),
        clock=circumstances.clock(),
        load_before=circumstances.load(),
    )


def save(
    run: Run,
    samples: Sequence[Sample],
    folder: Path,
    *,
    valid: bool | None = None,
    results: Mapping[str, object] | None = None,
    clock: Clock | None = None,
) -> Path:
    """Write a run that is over: one part with the samples, then the record, whose path is returned."""
    with recording(run, folder, clock=clock) as keep:
        keep.add(*samples)
        keep.judge(valid=valid, results=results)
    return keep.record


class Recording:
    """A run that is still being made; samples reach the disk in parts, so a crash costs the last part at most."""

    def __init__(self, record: Path, every: int) -> None:
        self.record = record
        self._every = every
        self._waiting: list[Sample] = []
        self._verdict: dict[str, object] = {}

    def judge(self, *, valid: bool | None, results: Mapping[str, object] | None = None) -> None:
        """Say whether the run counts, and what else it found; written down when it ends. The last word counts."""
        self._verdict = {"valid": valid, "results": dict(results or {})}

    def over(self, run: Run, finished_at: str) -> Run:
        """The record as it is when nothing more comes."""
        verdict: dict[str, Any] = {"finished_at": finished_at, "load_after": circumstances.load(), **self._verdict}
        return replace(run, **verdict)

    def add(self, *samples: Sample) -> None:
        self._waiting += samples
        if len(self._waiting) >= self._every:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting as one part."""
        if self._waiting:
            append(self.record, self._waiting)
            self._waiting = []


@contextmanager
def recording(run: Run, folder: Path, *, every: int = EVERY, clock: Clock | None = None) -> Iterator[Recording]:
    """Record samples as they come; what was added is kept even when the block fails, and ``finished_at`` says when."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise UsageError(f"runs cannot be stored in {folder}: {exc.strerror}") from exc
    record = folder / f"{run.id}.json"
    with _alone(folder):
        if record.exists():
            raise UsageError(f"there is a run {run.id} already: append to it")
        _write(record, _text(run))
    keep = Recording(record, every)
    try:
        yield keep
    except BaseException:
        keep.judge(valid=False)
        raise
    finally:
        keep.flush()
        with _alone(folder):
            moment = datetime.fromtimestamp((clock or SystemClock()).wall(), UTC)
            _write(record, _text(keep.over(read(record), moment.isoformat(timespec="seconds"))))


def append(record: Path, samples: Sequence[Sample]) -> Run:
    """Add samples to a run as one more part; several processes may do so at once."""
    content = store.pack(samples)
    with _alone(record.parent):
        run = read(record)
        if run.sha256:
            raise UsageError(f"{record.name} is a record of an earlier version: it can be read and not be added to")
        part = Part(f"{run.id}.{len(run.parts):03d}{store.SUFFIX}", len(samples), hashlib.sha256(content).hexdigest())
        _write(record.with_name(part.file), content)
        run = replace(run, parts=(*run.parts, part), n=run.n + part.n)
        _write(record, _text(run))
    return run


def read(record: Path) -> Run:
    """The record alone; raises ParseError."""
    try:
        value = json.loads(record.read_text(encoding="utf-8"))
        known = {each.name for each in fields(Run)}
        parts = tuple(Part(str(each["file"]), int(each["n"]), str(each["sha256"])) for each in value.get("parts", ()))
        run = Run(**{key: item for key, item in value.items() if key in known} | {"parts": parts})
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as exc:
        raise ParseError("run", str(record), str(exc)) from exc
    for part in parts:
        if Path(part.file).name != part.file:
            raise ParseError("run", str(record), f"a part lies beside it, and not at {part.file!r}")
    return run


def load(record: Path) -> tuple[Run, list[Sample]]:
    """Read what ``save`` returned; raises ParseError when the samples are not those of the record."""
    run = read(record)
    if run.sha256:
        lines = _checked(record, record.with_suffix(".jsonl"), run.sha256)
        try:
            return run, [Sample.from_json(json.loads(line)) for line in lines.splitlines()]
        except ValueError as exc:
            raise ParseError("run", str(record), str(exc)) from exc
    contents = (_checked(record, record.with_name(part.file), part.sha256) for part in run.parts)
    return run, [sample for content in contents for sample in store.unpack(content)]


def latest(folder: Path, name: str) -> Path | None:
    """The record of the newest run of that name; ids carry the date and so sort by it."""
    return max(folder.glob(f"{name}-????????T??????.??????.json"), default=None)


def _checked(record: Path, path: Path, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise ParseError("run", str(record), str(exc)) from exc
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ParseError("run", str(record), "its samples were changed after it was recorded")
    return content


def _text(run: Run) -> bytes:
    return (json.dumps(asdict(run), indent=2) + "\n").encode()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Whoever changes a record in that folder waits for others who do; the kernel lets go when a process dies."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


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
