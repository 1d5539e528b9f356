"""Which processes a machine consists of and what they use: from /proc on Linux, from ps(1) elsewhere.

Units are our assumption, Fly's document has none: ``rss`` in bytes, ``stime`` the start in seconds since the epoch,
``rtime`` the seconds since then, ``cpu`` the percentage of one CPU over that time.
"""

import contextlib
import os
import socket
import struct
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from flylab.local.descendants import descendants, environment, processes
from flylab.wire.fields import Json

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TABLES = (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07"))  # /proc/net, with the state that listens


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process as the endpoint shows it; sockets are (protocol, address)."""

    pid: int
    command: str = ""
    directory: str = ""
    cpu: int = 0
    rss: int = 0
    rtime: int = 0
    stime: int = 0
    listen_sockets: tuple[tuple[str, str], ...] = field(default=())

    def to_json(self) -> Json:
        sockets = [{"proto": proto, "address": address} for proto, address in self.listen_sockets]
        return asdict(self) | {"listen_sockets": sockets}


def census(pid: int, machine_id: str, supervisor: int) -> list[Process]:
    """The processes of the machine whose first process is ``pid``, by pid; it reads files, so call it in a thread."""
    if sys.platform != "linux":
        listed = subprocess.run(PS, capture_output=True, text=True, timeout=10, check=False).stdout
        return parse_ps(listed, pid, time.time())
    table = processes()
    mark = b"FLY_MACHINE_ID=" + machine_id.encode()
    # Commands of the exec endpoint, and what has left the machine's session, are children of the supervisor.
    roots = {pid} | {each for each, parent, _ in table if parent == supervisor and mark in environment(each)}
    members = roots | {each for each, _, session in table if session == pid}
    listening = _listening()
    found = (_look(each, listening) for each in sorted(members | descendants(members, table)))
    return [process for process in found if process is not None]


def _look(pid: int, listening: dict[str, tuple[str, str]]) -> Process | None:
    folder = Path(f"/proc/{pid}")
    try:
        head, _, rest = (folder / "stat").read_text(errors="replace").rpartition(")")
        fields = rest.split()
        command = (folder / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").replace("\0", " ")
        age = max(0.0, _uptime() - int(fields[19]) / _TICKS)
    except (OSError, IndexError, ValueError):  # it has ended while we looked
        return None
    if fields[0] == "Z":
        return None
    directory, sockets = "", set()
    with contextlib.suppress(OSError):
        directory = os.readlink(folder / "cwd")
    with contextlib.suppress(OSError):
        for name in os.listdir(folder / "fd"):
            with contextlib.suppress(OSError):
                target = os.readlink(folder / "fd" / name)
                if target in listening:
                    sockets.add(listening[target])
    used = (int(fields[11]) + int(fields[12])) / _TICKS
    return Process(
        pid=pid,
        command=command or head.partition("(")[2],
        directory=directory,
        cpu=round(100 * used / age) if age else 0,
        rss=int(fields[21]) * _PAGE,
        rtime=int(age),
        stime=int(time.time() - age),
        listen_sockets=tuple(sorted(sockets)),
    )


def _uptime() -> float:
    return float(Path("/proc/uptime").read_text().split()[0])


def _listening() -> dict[str, tuple[str, str]]:
    """``socket:[inode]``, as a descriptor's link reads, to protocol and address."""
    found = {}
    for name, state in _TABLES:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == state:
                    found[f"socket:[{fields[9]}]"] = (name[:3], parse_address(fields[1]))
    return found


def parse_address(text: str) -> str:
    """``0100007F:1F90`` as ``127.0.0.1:8080``; words are in the byte order of this computer (proc_net_tcp)."""
    host, _, port = text.partition(":")
    words = [host[i : i + 8] for i in range(0, len(host), 8)]
    packed = b"".join(struct.pack("=I", int(word, 16)) for word in words)
    if len(packed) == 4:
        return f"{socket.inet_ntop(socket.AF_INET, packed)}:{int(port, 16)}"
    return f"[{socket.inet_ntop(socket.AF_INET6, packed)}]:{int(port, 16)}"


PS = ("ps", "-axo", "pid=,ppid=,pgid=,rss=,pcpu=,etime=,command=")


def parse_ps(listed: str, pid: int, now: float) -> list[Process]:
    """The same from the output of ``PS``, without folders and sockets: the group of ``pid`` and all below it."""
    rows: dict[int, tuple[int, int, Process]] = {}
    for line in listed.splitlines():
        fields = line.split(None, 6)
        if len(fields) < 7:
            continue
        age = _seconds(fields[5])
        process = Process(
            pid=int(fields[0]),
            command=fields[6],
            cpu=round(float(fields[4].replace(",", "."))),
            rss=int(fields[3]) * 1024,
            rtime=age,
            stime=int(now) - age,
        )
        rows[process.pid] = (int(fields[1]), int(fields[2]), process)
    members = {each for each, (_, group, _) in rows.items() if group == pid or each == pid}
    below = descendants(members, [(each, parent, 0) for each, (parent, _, _) in rows.items()])
    return [rows[each][2] for each in sorted(members | below)]


def _seconds(text: str) -> int:
    """``[[days-]hours:]minutes:seconds``, as ps writes the time since a start."""
    days, _, rest = text.rpartition("-")
    total = 0
    for part in rest.split(":"):
        total = total * 60 + int(part)
    return total + 86_400 * int(days or 0)
