"""What can hold machines to their size here: control groups, played by plain folders, and whom the OOM killer takes."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from flylab.local import limits
from flylab.local.confinement import Confinement
from flylab.local.limits import MB, Enforcement, Holding, LimitSettings, Process, Watch, by_machine, census, find
from flylab.local.process import limits_of
from flylab.wire.machine import Guest, Init, MachineConfig

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
Tree = Callable[..., Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Makes a folder that looks like /proc/self on a computer with these control groups and what they hand out."""

    def make(own: str, mounted: bool = True, **handed: str) -> Path:
        proc, top = tmp_path / "proc", tmp_path / "cgroup"
        proc.mkdir()
        (proc / "cgroup").write_text(f"4:memory:/other\n0::/{own}\n")
        kind = "cgroup2" if mounted else "tmpfs"
        (proc / "mountinfo").write_text(f"29 23 0:25 / {top} rw,nosuid shared:4 - {kind} cgroup2 rw\n")
        (top / own).mkdir(parents=True)
        for path, words in handed.items():
            (top / path.replace("_", "/") / "cgroup.subtree_control").write_text(words)
        return proc

    return make


def hows(found: Enforcement) -> tuple[str, str]:
    return found.memory.how, found.cpu.how


@linux
def test_the_nearest_group_that_hands_out_both_is_taken(tree: Tree, tmp_path: Path) -> None:
    found = find(LimitSettings(), proc=tree("user/app", user_app="", user="memory cpu pids", **{"": "memory cpu"}))
    assert hows(found) == ("cgroup", "cgroup")
    assert found.group == str(tmp_path / "cgroup" / "user")


@linux
def test_what_is_not_handed_out_is_watched_or_let_go_and_said(tree: Tree) -> None:
    found = find(LimitSettings(), proc=tree("app", **{"": "memory"}))
    assert hows(found) == ("cgroup", "off")
    assert "limits.cpu_affinity" in found.cpu.why


@linux
@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        (LimitSettings(), ("watched", "off")),
        (LimitSettings(cpu_affinity=True), ("watched", "affinity")),
        (LimitSettings(memory=False, cpu=False), ("off", "off")),
        (LimitSettings(cgroup=False), ("watched", "off")),
    ],
)
@pytest.mark.parametrize("mounted", [True, False])
def test_without_control_groups(tree: Tree, mounted: bool, settings: LimitSettings, wanted: tuple[str, str]) -> None:
    found = find(settings, proc=tree("app", mounted=mounted, app=""))
    assert hows(found) == wanted
    shown = found.to_json()["memory"]
    assert isinstance(shown, dict)
    assert shown["enforced"] is (wanted[0] != "off")
    assert shown["why"]


@linux
def test_a_group_that_refuses_is_named_with_its_reason(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, text: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(limits, "_put", refuse)
    found = find(LimitSettings(), proc=tree("app", app="memory cpu"))
    assert hows(found) == ("watched", "off")
    assert "app: Permission denied" in found.memory.why


def test_nothing_of_the_kind_on_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    found = find(LimitSettings())
    assert hows(found) == ("off", "off")
    assert "darwin" in found.memory.why


@linux
def test_bursts_of_shared_cpus_are_held_on_request_where_control_groups_hold_cpus(tree: Tree) -> None:
    proc = tree("app", app="memory cpu")
    assert find(LimitSettings(), proc=proc).burst.how == "off"
    wanted = LimitSettings(shared_burst=True)
    found = find(wanted, proc=proc)
    assert (found.burst, found.to_json()["burst"]) == (found.cpu, found.to_json()["cpu"])
    assert found.burst.how == "cgroup"
    order = limits_of(CONFIG, found)
    assert order["burst"] is True
    assert "burst" not in limits_of(replace(CONFIG, guest=Guest(cpu_kind="performance", memory_mb=2048)), found)
    for settings in (replace(wanted, cgroup=False), replace(wanted, cpu=False)):
        told = find(settings, proc=proc)
        assert (told.burst.how, told.cpu.why in told.burst.why) == ("off", True)


CONFIG = MachineConfig(image="i", guest=Guest(cpus=2, memory_mb=512), init=Init(extra={"swap_size_mb": 128}))


@pytest.mark.parametrize(
    ("memory", "cpu", "wanted"),
    [
        ("cgroup", "cgroup", {"controllers": ["memory", "cpu"], "memory_mb": 512, "swap_mb": 128, "cpus": 2}),
        ("watched", "off", {"controllers": [], "memory_mb": 512, "swap_mb": 128}),
        ("off", "affinity", {"controllers": [], "cpus": 2, "affinity": True}),
        ("off", "off", {"controllers": []}),
    ],
)
def test_what_the_supervisor_is_told(memory: str, cpu: str, wanted: dict[str, object]) -> None:
    found = limits_of(CONFIG, Enforcement(memory=Holding(memory, ""), cpu=Holding(cpu, ""), group="g"))
    assert found.pop("group") == "g"
    assert {"affinity": False, **found} == {"affinity": False, **wanted}
    assert limits_of(CONFIG, None) == {}


def test_a_control_group_of_a_machine(tmp_path: Path) -> None:
    """On plain files: what is written where, and what is read back."""
    order = {"group": str(tmp_path), "controllers": ["memory", "cpu"], "memory_mb": 256, "swap_mb": 0, "cpus": 2}
    confined = Confinement("m1", order, 1)
    folder = tmp_path / f"flylab-{os.getpid()}"
    assert (folder / "cgroup.subtree_control").read_text() == "+cpu +memory"
    written = {path.name: path.read_text() for path in (folder / "m1").iterdir()}
    assert written == {"memory.max": str(256 * MB), "memory.swap.max": "0", "cpu.max": "200000 100000"}
    confined.settled()
    assert confined.watched == 256 * MB  # nobody entered, so somebody has to look
    confined = Confinement("m1", order, 2)
    confined.enter()
    confined.settled()
    assert ((folder / "m1" / "cgroup.procs").read_text(), confined.watched) == ("0", 0)
    assert not confined.out_of_memory()
    (folder / "m1" / "memory.events").write_text("low 0\noom 1\noom_kill 1\n")
    assert confined.out_of_memory()
    assert not Confinement("m1", order, 3).out_of_memory()  # that was the one before
    confined.close()


def test_a_group_that_cannot_be_made_is_watched(tmp_path: Path) -> None:
    order = {"group": str(tmp_path / "nowhere"), "controllers": ["memory"], "memory_mb": 256, "swap_mb": 64}
    assert Confinement("m1", order, 1).watched == 320 * MB
    assert Confinement("m1", {}, 1).watched == 0


def process(pid: int, parent: int, session: int) -> Process:
    return Process(pid, parent, session, 1)


TABLE = [
    process(1, 0, 1),
    process(10, 1, 10),  # a machine
    process(11, 10, 10),
    process(12, 11, 12),  # left the session
    process(13, 12, 12),
    process(14, 1, 10),  # lost its parent
    process(20, 1, 20),  # another one
    process(30, 99, 30),  # its parent is gone
    process(40, 41, 40),  # nonsense: each is the other's parent
    process(41, 40, 41),
]


@pytest.mark.parametrize("table", [TABLE, TABLE[::-1]])
def test_who_belongs_to_which_machine(table: list[Process]) -> None:
    found = {leader: sorted(p.pid for p in group) for leader, group in by_machine([10, 20, 50], table).items()}
    assert found == {10: [10, 11, 12, 13, 14], 20: [20], 50: []}


HOLDS = "import sys; data = bytearray({mb} << 20); print('ready', flush=True); sys.stdin.read()"


@linux
def test_only_what_is_touched_counts() -> None:
    """Reserved address space, of which Node.js and Go take gigabytes, and a mapped file are not held."""
    script = (
        "import mmap, sys\n"
        "space = mmap.mmap(-1, 4 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)\n"
        "file = open(sys.executable, 'rb'); pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)[::4096]\n"
        + HOLDS.format(mb=40)
    )
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        (mine,) = [one for one in census() if one.pid == child.pid]
        assert mine.session == child.pid
        assert 40 * MB < limits.unreclaimable(child.pid) < 100 * MB
        watch = Watch()
        assert watch.look({child.pid: 100 * MB}) == []
        (victim,) = watch.look({child.pid: 30 * MB})
        assert (victim.leader, victim.pid, victim.held > 30 * MB) == (child.pid, child.pid, True)
        assert watch.due > 0
        child.kill()
    assert limits.unreclaimable(child.pid) == 0
    assert Watch().look({child.pid: 1}) == []
