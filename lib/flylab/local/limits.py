"""Holds machines to the memory and the CPUs of their ``guest``, as far as this computer lets us; and says how far.

    cgroup   a control group (version 2) for each machine, below one where we may make some: the kernel enforces both
    watched  the supervisor adds up the memory of each machine's processes and plays the kernel's OOM killer
    off      nothing holds

No rlimit serves: RLIMIT_AS counts reserved address space, of which Node.js and Go take gigabytes that they never touch,
RLIMIT_DATA makes ``malloc`` fail where Linux would kill, and both hold for each process and not for the machine. What
is watched is memory that could not be given back: anonymous and shared pages, no mapped files. It imports the standard
library alone, because the supervisor does.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

MB = 1 << 20
_PERIOD = 100_000  # microseconds of cpu.max, the kernel's own default
_LOOK = 0.25  # seconds between looks at the memory of watched machines; our choice
_SHARE = 20  # … and at least so many times as long as a look takes, which bounds what it costs; our choice
_PREFIX = "flylab-"
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """What of ``guest`` is to hold."""

    memory: bool = True
    cpu: bool = True
    cgroup: bool = True  # off: watch even where control groups could be used
    # Documented (machines/cpu-performance); off, for at a sixteenth of a core all that is measured here would be that.
    shared_burst: bool = False
    cpu_affinity: bool = False  # without control groups: let a machine run on as many cores as it has CPUs, no others


class Holding(NamedTuple):
    """How one of the two is enforced, and why so."""

    how: str
    why: str


_UNWANTED = Holding("off", "it is switched off by a setting")


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforcement:
    """What this computer allows; ``group`` is the control group below which machines get theirs, empty without."""

    memory: Holding
    cpu: Holding
    burst: Holding = _UNWANTED  # shared CPUs at their baseline once their balance is spent
    group: str = ""

    def to_json(self) -> dict[str, object]:
        held = {"memory": self.memory, "cpu": self.cpu, "burst": self.burst}
        return {name: {"enforced": one.how != "off", "how": one.how, "why": one.why} for name, one in held.items()}


def find(settings: LimitSettings, *, proc: Path = Path("/proc/self")) -> Enforcement:
    """Look at this computer; leaves nothing behind."""
    if not sys.platform.startswith("linux"):
        no = Holding("off", f"{sys.platform} has neither control groups nor /proc")
        return Enforcement(memory=no, cpu=no, burst=no)
    group, why, controllers = _usable(proc) if settings.cgroup else ("", "control groups are switched off", frozenset())
    watched = Holding("watched", f"the memory of the processes is added up every {_LOOK:g} s, because {why}")
    pinned = Holding("affinity", f"a machine is kept to some cores, because {why}")
    loose = Holding("off", f"{why}; the setting limits.cpu_affinity would keep machines to some cores")
    memory, cpu = (Holding("cgroup", f"control groups below {group}") for _ in range(2))
    if "memory" not in controllers:
        memory, group = watched, group if "cpu" in controllers else ""
    if "cpu" not in controllers:
        cpu = pinned if settings.cpu_affinity else loose
    cpu = cpu if settings.cpu else _UNWANTED
    burst = Holding("off", "it is switched off; the setting limits.shared_burst would hold shared CPUs to theirs")
    if settings.shared_burst:
        burst = cpu if cpu.how == "cgroup" else Holding("off", f"CPUs are not held by control groups: {cpu.why}")
    return Enforcement(memory=memory if settings.memory else _UNWANTED, cpu=cpu, burst=burst, group=group)


def _usable(proc: Path) -> tuple[str, str, frozenset[str]]:
    """The nearest group at or above ours in which we may make groups with limits, or why there is none."""
    try:
        mounts = [line.split() for line in (proc / "mountinfo").read_text().splitlines()]
        own = [line[3:] for line in (proc / "cgroup").read_text().splitlines() if line.startswith("0::")]
    except OSError as exc:
        return "", f"/proc cannot be read ({exc.strerror})", frozenset()
    points = [fields[4] for fields in mounts if "cgroup2" in fields[fields.index("-") :]]
    if not points or not own:
        return "", "cgroup v2 is not mounted", frozenset()
    top = Path(points[0])
    here = top / own[0].lstrip("/")
    why = "no control group above us hands out memory and CPU limits (cgroup.subtree_control)"
    best: tuple[str, frozenset[str]] = ("", frozenset())
    for group in [here, *here.parents]:
        if not group.is_relative_to(top):
            break
        handed = _words(group / "cgroup.subtree_control") & {"memory", "cpu"}
        if len(handed) <= len(best[1]):
            continue
        if obstacle := _obstacle(group, handed):
            why = f"{group}: {obstacle}"
        else:
            best = (str(group), handed)
    return best[0], why, best[1]


def _words(path: Path) -> frozenset[str]:
    try:
        return frozenset(path.read_text().split())
    except OSError:
        return frozenset()


def _obstacle(group: Path, controllers: Collection[str]) -> str:
    """Try it with a process that ends at once; empty when it works."""
    _sweep(group)
    cells = Cells(str(group), f"{_PREFIX}{os.getpid()}-try", controllers)
    cell = None
    try:
        cell = cells.make("try", {"memory_mb": 64, "cpus": 1})
        command = ["sh", "-c", 'echo 0 > "$1"', "sh", f"{cell}/cgroup.procs"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
        return done.stderr.strip().rpartition(": ")[2] if done.returncode else ""
    except (OSError, subprocess.SubprocessError) as exc:
        return str(getattr(exc, "strerror", None) or exc)
    finally:
        if cell is not None:
            remove(cell)
        cells.close()


def _sweep(group: Path) -> None:
    """Remove the empty groups of platforms that were killed together with their supervisor."""
    for left in group.glob(f"{_PREFIX}*"):
        pid = left.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdecimal() and not Path(f"/proc/{pid}").exists():
            for cell in left.glob("*/"):
                remove(str(cell))
            remove(str(left))


class Cells:
    """The control groups of the machines of one platform; made when the first machine wants one."""

    def __init__(self, parent: str, name: str, controllers: Collection[str]) -> None:
        self._folder = f"{parent}/{name}"
        self._controllers = controllers

    def make(self, machine: str, limits: dict[str, int]) -> str:
        """A group with these limits; raises OSError when it cannot be."""
        if not os.path.isdir(self._folder):
            os.mkdir(self._folder)
            _put(f"{self._folder}/cgroup.subtree_control", " ".join(f"+{name}" for name in sorted(self._controllers)))
        cell = f"{self._folder}/{machine}"
        with contextlib.suppress(FileExistsError):
            os.mkdir(cell)
        if "memory" in self._controllers and limits.get("memory_mb"):
            _put(f"{cell}/memory.max", str(limits["memory_mb"] * MB))
            with contextlib.suppress(OSError):  # kernels without swap accounting do not have it
                _put(f"{cell}/memory.swap.max", str(limits.get("swap_mb", 0) * MB))
        if "cpu" in self._controllers and limits.get("cpus"):
            _put(f"{cell}/cpu.max", f"{limits['cpus'] * _PERIOD} {_PERIOD}")
        return cell

    def close(self) -> None:
        with contextlib.suppress(OSError):
            for entry in os.scandir(self._folder):
                if entry.is_dir():
                    remove(entry.path)
        remove(self._folder)


def remove(cell: str) -> None:
    """Remove a group once its processes are gone; what cannot be removed is empty and harmless."""
    with contextlib.suppress(OSError):
        os.rmdir(cell)


def enter(cell: str) -> None:
    """Move this process into the group; without success it runs on outside and is watched."""
    with contextlib.suppress(OSError):
        _put(f"{cell}/cgroup.procs", "0")


def is_inside(cell: str) -> bool:
    """Whether a process has entered."""
    return bool(_words(Path(cell) / "cgroup.procs"))


def oom_kills(cell: str) -> int:
    """How many processes of the group the kernel has killed for want of memory (memory.events)."""
    with contextlib.suppress(OSError, ValueError), open(f"{cell}/memory.events") as file:
        for line in file:
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    return 0


def _put(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


class Process(NamedTuple):
    pid: int
    parent: int
    session: int
    resident: int  # bytes, with mapped files, and with what is shared counted in full


def census() -> Iterator[Process]:
    """Every process that /proc shows."""
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with contextlib.suppress(OSError, IndexError), open(f"/proc/{name}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
                yield Process(int(name), int(fields[1]), int(fields[3]), int(fields[21]) * _PAGE)


def by_machine(leaders: Collection[int], table: Collection[Process]) -> dict[int, list[Process]]:
    """The processes of each machine: those of its session, and whatever those have started, wherever it went."""
    known = {process.pid: process for process in table}
    owners: dict[int, int] = {}

    def owner(pid: int) -> int:
        chain: list[int] = []
        found = 0
        while pid and pid not in owners and (process := known.get(pid)) is not None and pid not in chain:
            chain.append(pid)
            if process.session in leaders:
                found = process.session
                break
            pid = process.parent
        found = found or owners.get(pid, 0)
        owners.update(dict.fromkeys(chain, found))
        return found

    groups: dict[int, list[Process]] = {leader: [] for leader in leaders}
    for process in table:
        if (leader := owner(process.pid)) in groups:
            groups[leader].append(process)
    return groups


def unreclaimable(pid: int) -> int:
    """Bytes that a process really holds: its share of anonymous and shared pages, and what is swapped out."""
    wanted, found = (b"Pss_Anon:", b"Pss_Shmem:", b"SwapPss:"), 0
    with contextlib.suppress(OSError, ValueError), open(f"/proc/{pid}/smaps_rollup", "rb") as file:
        lines = [line.split() for line in file if line.startswith(wanted)]
        if len(lines) == len(wanted):
            return sum(int(line[1]) for line in lines) * 1024
    with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/statm", "rb") as file:
        fields = file.read().split()  # Linux before 5.4 does not split it up
        found = (int(fields[1]) - int(fields[2])) * _PAGE
    return found


class Victim(NamedTuple):
    """A process that is to be killed, as the kernel would: the largest of its machine."""

    leader: int
    pid: int
    held: int  # bytes, of the whole machine


class Watch:
    """Looks at the memory of machines, never more often than it can afford."""

    def __init__(self) -> None:
        self.due = 0.0

    def look(self, limits: dict[int, int]) -> list[Victim]:
        """Whom to kill; ``limits`` are in bytes by the pid that leads the machine's session."""
        began = time.monotonic()
        found = []
        for leader, processes in by_machine(limits, list(census())).items():
            limit = limits[leader]
            if sum(process.resident for process in processes) <= limit:
                continue
            held = {process.pid: unreclaimable(process.pid) for process in processes}
            if sum(held.values()) > limit:
                found.append(Victim(leader, max(held, key=lambda pid: held[pid]), sum(held.values())))
        now = time.monotonic()
        self.due = now + max(_LOOK, (now - began) * _SHARE)
        return found
