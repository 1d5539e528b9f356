"""``fly.toml`` to the machine configuration that a deployment of it asks for; it deploys nothing.

Keys and defaults after reference/configuration. A key that is not known there is an error that names it, since a
misspelt limit would otherwise simply not hold. What concerns building and rolling out is kept in
`FlyToml.other` for whoever does that; `FlyToml.mounts` says which volumes a deployment would make.
"""

import base64
import re
import shlex
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path

from flylab.errors import ParseError
from flylab.wire.config import File, Guest, Init, MachineConfig, Restart, StopConfig
from flylab.wire.duration import parse_duration
from flylab.wire.fields import Fields, Json, without_empty
from flylab.wire.flytoml_mounts import VolumeMount, read_mount
from flylab.wire.flytoml_services import read_check, read_http_service, read_service
from flylab.wire.services import Service
from flylab.wire.tables import Grouped, expect_no_more, of_group, read_tables

# CPUs and megabytes of the presets (fly-go, machine_types.go): shared ones have 256 MB a CPU, performance ones 2 GB.
SIZES = {f"shared-cpu-{n}x": Guest(cpu_kind="shared", cpus=n, memory_mb=256 * n) for n in (1, 2, 4, 6, 8)} | {
    f"performance-{n}x": Guest(cpu_kind="performance", cpus=n, memory_mb=2048 * n)
    for n in (1, 2, 4, 6, 8, 10, 12, 14, 16)
}
_MEMORY = re.compile(r"(\d+)\s*(mb|gb)?", re.IGNORECASE)
_OTHER = ("build", "deploy", "console_command", "host_dedication_id")
_LONGEST_KILL_TIMEOUT = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FlyToml:
    """One parsed file; `machine_config` gives what a machine of one process group is asked to be."""

    app: str
    primary_region: str
    processes: dict[str, str]
    env: dict[str, str]
    services: tuple[Grouped[Service], ...]
    guests: tuple[Grouped[Guest], ...]
    restarts: tuple[Grouped[Restart], ...]
    files: tuple[Grouped[File], ...]
    mounts: tuple[Grouped[VolumeMount], ...]
    stop: StopConfig | None
    init: Init | None
    checks: dict[str, Json]
    extra: Json = field(default_factory=dict)
    other: Json = field(default_factory=dict)

    def machine_config(self, image: str, *, group: str = "") -> MachineConfig:
        """The configuration of a machine with this image; without ``group``, of the first process group."""
        groups = tuple(self.processes) or ("app",)
        group = group or groups[0]
        if group not in groups:
            raise ParseError("process group", group, f"fly.toml has {', '.join(groups)}")
        command = tuple(shlex.split(self.processes.get(group, "")))
        guests, restarts = of_group(group, self.guests), of_group(group, self.restarts)
        mounts = tuple(one.mount for one in of_group(group, self.mounts))
        if len(mounts) > 1:
            text = ", ".join(mount.name for mount in mounts)
            raise ParseError("mounts", text, f"a machine of process group '{group}' has at most one volume")
        # flyctl sets PRIMARY_REGION, and it beats one in [env] (machines/runtime-environment).
        primary = {"PRIMARY_REGION": self.primary_region} if self.primary_region else {}
        return MachineConfig(
            image=image,
            env=self.env | primary,
            guest=guests[-1] if guests else Guest(),
            init=replace(self.init or Init(), cmd=command) if command else self.init,
            services=of_group(group, self.services),
            metadata={"fly_platform_version": "v2", "fly_process_group": group},
            restart=restarts[-1] if restarts else None,
            stop_config=self.stop,
            files=of_group(group, self.files),
            mounts=mounts,
            checks=self.checks,
            extra=self.extra,
        )


def read_flytoml(path: Path) -> FlyToml:
    """Read the file; raises ParseError naming it when it cannot be read."""
    try:
        return parse_flytoml(path.read_text())
    except OSError as exc:
        raise ParseError("fly.toml", str(path), exc.strerror or "it cannot be read") from exc


def parse_flytoml(text: str) -> FlyToml:
    """Read the text of a ``fly.toml``; raises ParseError with the path of the key that is wrong."""
    try:
        f = Fields(tomllib.loads(text), "")
    except tomllib.TOMLDecodeError as exc:
        raise ParseError("fly.toml", text[:60], str(exc)) from exc
    toml = FlyToml(
        app=f.text("app"),
        primary_region=f.text("primary_region"),
        processes=f.text_map("processes"),
        env=_env(f),
        services=(*read_tables(f, "http_service", read_http_service), *read_tables(f, "services", read_service)),
        guests=read_tables(f, "vm", _guest),
        restarts=read_tables(f, "restart", _restart),
        files=read_tables(f, "files", _file),
        mounts=read_tables(f, "mounts", read_mount),
        stop=_stop(f),
        init=_init(f),
        checks={name: read_check(check, f"checks.{name}") for name, check in f.mapping("checks").items()},
        extra={key: value for key in ("metrics", "statics") if (value := f.take(key)) is not None},
        other={key: value for key in _OTHER if (value := f.take(key)) is not None},
    )
    expect_no_more(f)
    return toml


def _env(f: Fields) -> dict[str, str]:
    env = f.text_map("env")
    for name, value in env.items():
        if name.startswith("FLY_"):
            raise ParseError(f"env.{name}", value, "names that begin with FLY_ are Fly's own")
    return env


def _guest(f: Fields) -> Grouped[Guest]:
    size = f.text("size", "shared-cpu-1x")
    if size not in SIZES:
        raise ParseError(f.path("size"), size, f"the sizes are {', '.join(SIZES)}")
    preset = SIZES[size]
    guest = Guest(
        cpus=f.integer("cpus", preset.cpus),
        cpu_kind=f.text("cpu_kind", preset.cpu_kind),
        memory_mb=_megabytes(f.take("memory"), f.path("memory")) or preset.memory_mb,
        extra=without_empty(
            kernel_args=list(f.texts("kernel_args")),
            host_dedication_id=f.maybe_text("host_dedication_id"),
            persist_rootfs=f.maybe_text("persist_rootfs"),
        ),
    )
    return Grouped(f.texts("processes"), guest)


def _megabytes(value: object, where: str) -> int:
    """``512``, ``"512mb"`` or ``"1gb"`` in MB; 0 when nothing is said."""
    if value is None:
        return 0
    found = _MEMORY.fullmatch(str(value))
    if found is None or int(found[1]) == 0:
        raise ParseError(where, value, "a size such as 512, '512mb' or '1gb' is expected")
    return int(found[1]) * (1024 if (found[2] or "").lower() == "gb" else 1)


def _restart(f: Fields) -> Grouped[Restart]:
    policy = f.text("policy", "on-failure")
    if policy not in ("always", "never", "on-failure"):
        raise ParseError(f.path("policy"), policy, "always, never or on-failure is expected")
    # The API's word for never is no (flyctl).
    restart = Restart(policy="no" if policy == "never" else policy, max_retries=f.maybe_integer("retries"))
    return Grouped(f.texts("processes"), restart)


def _file(f: Fields) -> Grouped[File]:
    path, raw, secret = f.text("guest_path"), f.maybe_text("raw_value"), f.maybe_text("secret_name")
    local = f.maybe_text("local_path")
    if local is not None:
        raise ParseError(f.path("local_path"), local, "only raw_value and secret_name are read here")
    # flyctl encodes raw_value in base64 before it sends it.
    encoded = None if raw is None else base64.b64encode(raw.encode()).decode()
    file = File(guest_path=path, raw_value=encoded, extra=without_empty(secret_name=secret))
    return Grouped(f.texts("processes"), file)


def _stop(f: Fields) -> StopConfig | None:
    signal, value = f.maybe_text("kill_signal"), f.take("kill_timeout")
    if signal is None and value is None:
        return None
    # A number counts seconds here.
    text = f"{value}s" if isinstance(value, int) else value
    timeout = None if text is None else parse_duration(text, "kill_timeout")
    if timeout is not None and not 0 <= timeout <= _LONGEST_KILL_TIMEOUT:
        raise ParseError("kill_timeout", value, "at most 300 seconds are possible")
    return StopConfig(signal=signal, timeout=timeout)


def _init(f: Fields) -> Init | None:
    swap = f.maybe_integer("swap_size_mb")
    inits = read_tables(f, "experimental", _commands)
    extra = without_empty(swap_size_mb=swap)
    if not inits and not extra:
        return None
    return replace(inits[0] if inits else Init(), extra=extra)


def _commands(f: Fields) -> Init:
    return Init(exec=f.texts("exec"), entrypoint=f.texts("entrypoint"), cmd=f.texts("cmd"))
