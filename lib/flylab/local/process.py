"""The process driver: every machine is a process of this computer, started and ended by one small supervisor."""

import asyncio
import base64
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from flylab.errors import LocalError
from flylab.local.census import Process, census
from flylab.local.commands import Commands
from flylab.local.doors import Doors
from flylab.local.driver import Report
from flylab.local.images import Image
from flylab.local.limits import Enforcement
from flylab.local.logs import plain
from flylab.local.mounting import check_way, mount
from flylab.local.output import MOST
from flylab.local.ports import Ports
from flylab.local.rootfs import prepare
from flylab.rules import lifecycle as on
from flylab.rules.checks import ports_of
from flylab.rules.commands import Command, Ran
from flylab.rules.volume_records import VOLUMES
from flylab.wire.fields import Json
from flylab.wire.machine import File, Machine, MachineConfig
from flylab.wire.runtime import Runtime

# Isolated from the user's environment and without site-packages: it starts in a third of the time.
_SUPERVISE = "import sys; sys.path.append(sys.argv[1]); from flylab.local.supervisor import main; main()"
_LIB = Path(__file__).resolve().parents[2]
_LINE = 1 << 20  # the longest line that the supervisor sends is far below


class ProcessDriver:
    """Owns the supervisor, the machines' folders below ``folder`` and their ports; volumes are beside ``folder``."""

    def __init__(
        self,
        folder: Path,
        images: dict[str, Image],
        ports: Ports,
        *,
        report: Report,
        lost: Callable[[], None],
        log_size: int = 2 * MOST,
        enforcement: Enforcement | None = None,
        more_env: Callable[[str, str], dict[str, str]],
    ) -> None:
        self._enforcement = enforcement
        self._log_most = log_size // 2  # of each of two files
        self._folder = folder
        self._images = images
        self._ports = ports
        self._report = report
        self._lost = lost
        self._more_env = more_env  # what the platform adds for a machine of an app in a region
        self._claims: dict[str, dict[int, int]] = {}
        self.doors = Doors()
        self._pids: dict[str, int] = {}
        self._commands = Commands(self._order)
        self._removals: set[asyncio.Task[None]] = set()
        self._closing = False
        self._writer: asyncio.StreamWriter | None = None
        # Started before anything heavy is imported, so that it is ready when it is needed.
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _SUPERVISE, str(_LIB)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )

    async def start(self) -> None:
        """Listen to the supervisor; before this nothing can be ordered."""
        reader, self._writer = await asyncio.open_unix_connection(sock=self._socket, limit=_LINE)
        self._listener = asyncio.create_task(self._listen(reader))

    @property
    def supervisor_pid(self) -> int:
        return self._supervisor.pid

    def spawn(self, machine: Machine, app: str, secrets: Mapping[str, str]) -> None:
        try:
            order = self._prepare(machine, app, secrets)
        except (OSError, ValueError, LocalError) as exc:
            self._release(machine.id)
            why = str(exc)
            asyncio.get_running_loop().call_soon(self._report, machine.id, on.LaunchFailed(why))
            return
        self._order("spawn", **order)

    def terminate(self, machine_id: str, signal: str, timeout: float) -> None:
        self._order("terminate", machine=machine_id, name=signal, timeout=timeout)

    def send(self, machine_id: str, signal: str) -> None:
        self._order("send", machine=machine_id, name=signal)

    async def execute(self, machine_id: str, command: Command, limit: int) -> Ran:
        return await self._commands.run(machine_id, command, limit)

    async def processes(self, machine_id: str) -> list[Process]:
        pid = self._pids.get(machine_id)
        return [] if pid is None else await asyncio.to_thread(census, pid, machine_id, self.supervisor_pid)

    def freeze(self, machine_id: str) -> None:
        self._order("freeze", machine=machine_id)
        asyncio.get_running_loop().call_soon(self._report, machine_id, on.Suspended())

    def thaw(self, machine_id: str) -> None:
        self._order("thaw", machine=machine_id)
        asyncio.get_running_loop().call_soon(self._report, machine_id, on.Started())

    def remove(self, machine_id: str) -> None:
        task = asyncio.create_task(self._remove(machine_id))
        self._removals.add(task)
        task.add_done_callback(self._removals.discard)

    async def _remove(self, machine_id: str) -> None:
        await asyncio.to_thread(shutil.rmtree, self._folder / machine_id, ignore_errors=True)
        self._report(machine_id, on.Removed())

    def keep_only(self, machine_ids: Collection[str]) -> None:
        for folder in self._folder.glob("*/"):
            if folder.name not in machine_ids:
                shutil.rmtree(folder, ignore_errors=True)

    def address(self, machine_id: str, internal_port: int) -> tuple[str, int] | None:
        port = self._claims.get(machine_id, {}).get(internal_port)
        return None if port is None else ("127.0.0.1", port)

    def log_tail(self, machine_id: str, lines: int) -> bytes:
        return plain(self.log(machine_id), lines)

    def log(self, machine_id: str) -> Path:
        return self._folder / machine_id / "log"

    async def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        self.doors.close_all()
        self._commands.close()
        if self._removals:
            await asyncio.wait(self._removals)
        # Either way the supervisor reads end-of-file, kills everything and leaves.
        if self._writer is None:
            self._socket.close()
        else:
            self._writer.close()
            await self._listener
        await asyncio.to_thread(self._supervisor.wait)
        self._ports.close()

    def _order(self, do: str, **fields: object) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(json.dumps({"do": do, **fields}).encode() + b"\n")

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._heard(json.loads(line))
        except ConnectionError:
            pass
        if not self._closing:
            self._lost()

    def _heard(self, report: dict[str, object]) -> None:
        match report:
            case {"spawned": str(machine_id), "pid": int(pid)}:
                self._pids[machine_id] = pid
                self._report(machine_id, on.Started())
            case {"failed": str(machine_id), "why": why}:
                self._release(machine_id)
                self._report(machine_id, on.StartFailed(str(why)))
            case {"exited": str(machine_id), "code": int(code), "signal": int(signal)}:
                self._pids.pop(machine_id, None)
                self._release(machine_id)
                self._report(machine_id, on.Exited(code, signal, report.get("oom") is True))
            case {"output": _} | {"ran": _}:
                self._commands.heard(report)

    def _release(self, machine_id: str) -> None:
        self.doors.close(machine_id)
        for port in self._claims.pop(machine_id, {}).values():
            self._ports.release(port)

    def _prepare(self, machine: Machine, app: str, secrets: Mapping[str, str]) -> Json:
        """A fresh folder with the machine's files, its ports and its environment, as an order to the supervisor."""
        config = machine.config
        image = self._images.get(config.image)
        if image is None:  # its definition went away between two runs of the platform
            raise LocalError(f"image '{config.image}' is not registered any more")
        argv = image.argv(config.init)
        if image.obstacle:
            raise LocalError(f"image '{image.name}' cannot run: {image.obstacle}")
        home = prepare(self._folder / machine.id, machine)
        volumes = mount(home, config, self._folder.parent / VOLUMES)
        for file in config.files:
            _write(home, file, config, secrets)
        door = self.doors.open(machine.id, home)
        claims = self._claims.setdefault(machine.id, {})
        for internal_port in ports_of(config):
            claims[internal_port] = self._ports.claim()
        # A secret beats a variable of the same name (reference/configuration).
        given = image.env | config.env | dict(secrets)
        env = self._environment(machine, app, home, given, claims) | volumes | door
        log = {"log": str(self.log(machine.id)), "log_most": self._log_most}
        limits = limits_of(config, self._enforcement)
        return {"machine": machine.id, "argv": argv, "env": env, "cwd": str(home), **log, "limits": limits}

    def _environment(
        self, machine: Machine, app: str, home: Path, given: dict[str, str], claims: dict[int, int]
    ) -> dict[str, str]:
        config = machine.config
        runtime = Runtime(
            app=app,
            machine_id=machine.id,
            region=machine.region,
            private_ip=machine.private_ip,
            image_ref=config.image,
            machine_version=machine.version,
            process_group=config.metadata.get("fly_process_group", config.env.get("FLY_PROCESS_GROUP", "")),
            memory_mb=config.guest.memory_mb if config.guest else 0,
        )
        ports = {f"PORT_{internal}": str(port) for internal, port in claims.items()}
        if claims:
            ports["PORT"] = str(next(iter(claims.values())))
        more = self._more_env(app, machine.region)
        ours = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LANG": "C.UTF-8"}
        # The ports come last: an app written for Fly may set PORT itself, to the one it has inside its own machine.
        return ours | {"TMPDIR": str(home / "tmp")} | given | runtime.to_env() | ports | more


def limits_of(config: MachineConfig, enforcement: Enforcement | None) -> Json:
    """What the supervisor is to hold a machine to; empty when nothing is."""
    if enforcement is None or config.guest is None:
        return {}
    swap = config.init.extra.get("swap_size_mb") if config.init else None
    found: Json = {"group": enforcement.group, "controllers": []}
    for how, controller in ((enforcement.memory.how, "memory"), (enforcement.cpu.how, "cpu")):
        if how == "cgroup":
            found["controllers"] = [*found["controllers"], controller]  # type: ignore[misc]  # a list of texts
    if enforcement.memory.how != "off":
        found |= {"memory_mb": config.guest.memory_mb, "swap_mb": swap if isinstance(swap, int) and swap > 0 else 0}
    if enforcement.cpu.how != "off":
        found |= {"cpus": config.guest.cpus, "affinity": enforcement.cpu.how == "affinity"}
    if enforcement.burst.how != "off" and config.guest.cpu_kind == "shared":
        found |= {"burst": True}
    return found


def _write(home: Path, file: File, config: MachineConfig, secrets: Mapping[str, str]) -> None:
    target = Path(os.path.normpath(home / file.guest_path.lstrip("/")))  # inside: rules/contents.py lets no other in
    check_way(home, target, config)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)  # one of the start before, which its mode may protect from being written
    content, mode = file.raw_value or "", file.mode
    if file.secret_name:
        content = _secret_content(file, secrets)
        target.touch(mode=0o600)  # and so it stays unless the configuration has a mode; our choice
    target.write_bytes(base64.b64decode(content))
    if mode is not None:
        target.chmod(mode)


def _secret_content(file: File, secrets: Mapping[str, str]) -> str:
    """The base64 text of a file that is a secret; raises ``LocalError`` with no part of it."""
    content = secrets.get(file.secret_name or "")
    if content is None:
        raise LocalError(f"secret '{file.secret_name}' for the file {file.guest_path} is not set")
    try:
        base64.b64decode(content, validate=True)
    except ValueError:  # without a cause, for what it may quote
        raise LocalError(f"secret '{file.secret_name}' for the file {file.guest_path} is not base64") from None
    return content
