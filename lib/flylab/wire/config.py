"""What a machine is asked to be: its image, environment, files, size and policies, as the Machines API writes them.

Field names are Fly's (docs: machines/api/machines-resource). Whatever we do not know is kept in ``extra`` and is
written out again, so that a configuration survives a trip through us.
"""

from dataclasses import dataclass, field

from flylab.errors import ParseError
from flylab.wire.duration import format_duration, parse_wait
from flylab.wire.fields import Fields, Json, read_object, without_empty
from flylab.wire.services import Service
from flylab.wire.volume import Mount


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """What happens when the process ends by itself; without a policy on-failure with 10 retries holds."""

    policy: str = "on-failure"
    max_retries: int | None = None
    extra: Json = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object, where: str = "restart") -> "Restart":
        f = Fields(value, where)
        policy = f.text("policy", "on-failure") or "on-failure"
        if policy not in ("no", "always", "on-failure", "spot-price"):
            raise ParseError(f.path("policy"), policy, "no, always or on-failure is expected")
        return cls(policy=policy, max_retries=f.maybe_integer("max_retries"), extra=f.rest())

    def to_json(self) -> Json:
        return {"policy": self.policy, **without_empty(max_retries=self.max_retries), **self.extra}


@dataclass(frozen=True, slots=True, kw_only=True)
class StopConfig:
    """How a machine is asked to stop; ``timeout`` in seconds, unset is 5 s."""

    signal: str | None = None
    timeout: float | None = None
    extra: Json = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object, where: str = "stop_config") -> "StopConfig":
        f = Fields(value, where)
        return cls(signal=f.maybe_text("signal"), timeout=f.maybe("timeout", parse_wait), extra=f.rest())

    def to_json(self) -> Json:
        timeout = None if self.timeout is None else format_duration(self.timeout)
        return without_empty(signal=self.signal, timeout=timeout) | self.extra


@dataclass(frozen=True, slots=True, kw_only=True)
class Init:
    """What runs instead of the image's own command: ``exec``, or ``entrypoint`` followed by ``cmd``."""

    exec: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    extra: Json = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object, where: str = "init") -> "Init":
        f = Fields(value, where)
        return cls(exec=f.texts("exec"), entrypoint=f.texts("entrypoint"), cmd=f.texts("cmd"), extra=f.rest())

    def to_json(self) -> Json:
        lists = without_empty(exec=list(self.exec), entrypoint=list(self.entrypoint), cmd=list(self.cmd))
        return lists | self.extra


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """The size of a machine; the smallest one is what Fly gives when nothing is said."""

    cpu_kind: str = "shared"
    cpus: int = 1
    memory_mb: int = 256
    extra: Json = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object, where: str = "guest") -> "Guest":
        f = Fields(value, where)
        return cls(
            cpu_kind=f.text("cpu_kind", "shared") or "shared",
            cpus=f.integer("cpus", 1),
            memory_mb=f.integer("memory_mb", 256),
            extra=f.rest(),
        )

    def to_json(self) -> Json:
        return {"cpu_kind": self.cpu_kind, "cpus": self.cpus, "memory_mb": self.memory_mb, **self.extra}


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file written into the machine before it starts; ``raw_value`` is base64, and so is the secret of that name."""

    guest_path: str
    raw_value: str | None = None
    secret_name: str | None = None
    mode: int | None = None
    extra: Json = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object, where: str = "file") -> "File":
        f = Fields(value, where)
        path = f.text("guest_path")
        if not path.startswith("/"):
            raise ParseError(f.path("guest_path"), path, "an absolute path is expected")
        return cls(
            guest_path=path,
            raw_value=f.maybe_text("raw_value"),
            secret_name=f.maybe_text("secret_name"),
            mode=f.maybe_integer("mode"),
            extra=f.rest(),
        )

    def to_json(self) -> Json:
        content = without_empty(raw_value=self.raw_value, secret_name=self.secret_name, mode=self.mode)
        return {"guest_path": self.guest_path, **content, **self.extra}


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineConfig:
    """The ``config`` of a machine; the API requires ``image``, but an answer of the API may come without it."""

    image: str = ""
    env: dict[str, str] = field(default_factory=dict)
    guest: Guest | None = None
    init: Init | None = None
    services: tuple[Service, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    restart: Restart | None = None
    auto_destroy: bool = False
    stop_config: StopConfig | None = None
    files: tuple[File, ...] = ()
    mounts: tuple[Mount, ...] = ()
    checks: dict[str, Json] = field(default_factory=dict)
    extra: Json = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object, where: str = "config") -> "MachineConfig":
        f = Fields(value, where)
        return cls(
            image=f.text("image"),
            env=f.text_map("env"),
            guest=f.maybe("guest", Guest.from_json),
            init=f.maybe("init", Init.from_json),
            services=f.items("services", Service.from_json),
            metadata=f.text_map("metadata"),
            restart=f.maybe("restart", Restart.from_json),
            auto_destroy=f.flag("auto_destroy"),
            stop_config=f.maybe("stop_config", StopConfig.from_json),
            files=f.items("files", File.from_json),
            mounts=f.items("mounts", Mount.from_json),
            checks={
                name: read_object(check, f"{f.path('checks')}.{name}") for name, check in f.mapping("checks").items()
            },
            extra=f.rest(),
        )

    def to_json(self) -> Json:
        return {
            "image": self.image,
            **({} if self.init is None else {"init": self.init.to_json()}),
            **without_empty(
                env=dict(self.env),
                guest=self.guest and self.guest.to_json(),
                services=[service.to_json() for service in self.services],
                metadata=dict(self.metadata),
                restart=self.restart and self.restart.to_json(),
                auto_destroy=self.auto_destroy,
                stop_config=self.stop_config and self.stop_config.to_json(),
                files=[file.to_json() for file in self.files],
                mounts=[mount.to_json() for mount in self.mounts],
                checks={name: dict(check) for name, check in self.checks.items()},
            ),
            **self.extra,
        }
