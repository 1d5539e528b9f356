"""The room server's settings, read from the environment here and nowhere else; a bad value is one clear sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from app.ownership import Place
from flylab.errors import ParseError, UsageError
from flylab.wire.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one machine, room or member may use; each can be set as ``LIMIT_<NAME>``. All numbers are our choice."""

    message_bytes: int = 8_192  # one frame from a member; 2,000 characters of chat may take 4 bytes each
    messages_per_second: int = 60  # cursors at 30 a second, and room for everything else
    burst: int = 120  # two seconds' worth at once, as after a stall
    members: int = 1_000  # connections to one room
    rooms: int = 1_000  # rooms on this machine
    connections: int = 2_000  # connections to this machine; keep it below fly.toml's hard_limit (docs/rooms.md)
    history: int = 500  # log entries kept for newcomers
    ops: int = 5_000  # operations remembered, so that a repeated one is recognised
    outbox_frames: int = 1_000  # frames that may wait for a slow member…
    outbox_bytes: int = 500_000  # …and their size


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything `python -m app` can be told."""

    host: str = "127.0.0.1"
    port: int = 8080
    rooms_url: str = "memory:///"
    regions: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    heartbeat: float = 20.0
    limits: Limits = field(default_factory=Limits)
    runtime: Runtime = field(default_factory=Runtime)

    @property
    def place(self) -> Place:
        """This machine; outside Fly it is called ``local``, so that a first try needs no environment."""
        runtime = self.runtime
        return Place(
            machine=runtime.machine_id or "local", region=runtime.region or "local", app=runtime.app or "rooms"
        )  # fmt: skip

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read the settings; raises `UsageError` naming the variable that is wrong, and the missing ones."""
        try:
            runtime = Runtime.from_env(env)
        except ParseError as exc:
            raise UsageError(str(exc)) from exc
        if runtime.inside:
            missing = [name for name in ("FLY_APP_NAME", "FLY_REGION", "PORT") if not env.get(name)]
            if missing:
                raise UsageError(f"FLY_MACHINE_ID is set, so {', '.join(missing)} must be set too")
        limits = Limits(
            **{
                limit.name: _whole(env, f"LIMIT_{limit.name.upper()}", limit.default, least=1)
                for limit in fields(Limits)
            }
        )
        return cls(
            host=env.get("HOST") or "127.0.0.1",
            port=_whole(env, "PORT", 8080, least=0, most=65_535),
            rooms_url=_rooms_url(env.get("ROOMS_URL") or "memory:///"),
            regions=_words(env, "ROOM_REGIONS"),
            origins=_words(env, "ROOM_ORIGINS"),
            heartbeat=float(_whole(env, "HEARTBEAT_SECONDS", 20, least=1, most=300)),
            limits=limits,
            runtime=runtime,
        )


def _whole(env: Mapping[str, str], name: str, default: object, *, least: int, most: int = 10**9) -> int:
    text = env.get(name) or str(default)
    if not (text.isascii() and text.isdecimal()) or not least <= int(text) <= most:
        raise UsageError(f"{name} must be a whole number from {least} to {most}, not {text!r}")
    return int(text)


def _words(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in env.get(name, "").split(",") if word.strip())


def _rooms_url(url: str) -> str:
    if not url.startswith(("memory:", "file:///", "s3://")):
        raise UsageError(f"ROOMS_URL must be memory:///, file:///… or s3://…, not {url!r}")
    return url
