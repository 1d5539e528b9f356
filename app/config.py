"""The room server's settings, read from the environment here and nowhere else; a bad value is one clear sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from app.origin import parse_origin
from app.ownership import Place
from flylab.errors import ParseError, UsageError
from flylab.wire.regions import is_region_code
from flylab.wire.runtime import Runtime

MIB = 1024 * 1024

# A member's number takes 16 bits in a cursor.
_MOST = {"members": 65_535}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one machine, room, member or connection may use; each can be set as ``LIMIT_<NAME>``. All are our choice."""

    message_bytes: int = 65_536  # one frame: a pen stroke of 1,000 points, or a few hundred small changes
    messages_per_second: int = 60  # of one connection: cursors at 30 a second, and room for everything else
    burst: int = 120  # two seconds' worth at once, as after a stall
    members: int = 1_000  # connections to one room
    rooms: int = 5_000  # rooms on this machine
    new_rooms_per_second: int = 50  # rooms that this machine makes where there was none: each is kept for good
    new_rooms_burst: int = 200  # of them at once
    connections: int = 2_000  # connections to this machine; keep it below fly.toml's hard_limit (docs/rooms.md)
    history: int = 500  # lines of chat kept for newcomers
    shapes: int = 5_000  # shapes in one room
    room_bytes: int = 4 * MIB  # of shapes in one room
    clients: int = 10_000  # lives of pages whose operations are remembered, so that a repeated one is recognised
    undo: int = 100  # edits that a member can take back
    window_bytes: int = 8 * MIB  # entries of one room kept at hand for members who come back or fell behind
    snapshot_entries: int = 1_000  # entries after which the log is folded into a snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """How many machines a lobby may make for rooms; without a token it makes none."""

    token: str = ""
    hostname: str = ""
    machine: str = ""  # the configuration of a new machine as JSON; empty: that of an existing one
    most: int = 20
    most_per_region: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """When a room moves by itself to where its members are; seconds and milliseconds are our choice."""

    margin_ms: float = 30.0
    margin_share: float = 0.2
    settled: float = 60.0
    pause: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything `python -m app` can be told."""

    host: str = "127.0.0.1"
    port: int = 8080
    rooms_url: str = "memory:///"
    rooms_app: str = ""  # the app that holds the rooms; empty or our own: this machine holds rooms itself
    secret: str = field(default="", repr=False)
    regions: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()  # as `parse_origin` writes them
    heartbeat: float = 20.0
    sleep_after: float = 10.0  # seconds without a member until a room sleeps
    idle_after: float = 0.0  # seconds without a room until the machine ends; 0: never
    leave: float = 5.0  # seconds from SIGTERM until the platform kills this machine: Fly's default kill_timeout
    storage: float = 15.0  # seconds without an answer from the store until a room is given up
    settle: float = 3.0  # seconds after an epoch began in which nobody believes that its machine cannot be reached
    order_pause: float = 5.0  # seconds between moves and sleeps by hand without an edit link
    verify: float = 10.0  # seconds between looks whether somebody else has taken a room that we hold
    pool: Pool = field(default_factory=Pool, repr=False)
    following: Following = field(default_factory=Following)
    limits: Limits = field(default_factory=Limits)
    runtime: Runtime = field(default_factory=Runtime)

    @property
    def place(self) -> Place:
        """This machine; outside Fly it is called ``local``, so that a first try needs no environment."""
        runtime = self.runtime
        return Place(
            machine=runtime.machine_id or "local", region=runtime.region or "local", app=runtime.app or "rooms"
        )  # fmt: skip

    @property
    def lobby(self) -> bool:
        """Whether this machine only shows the way, since another app holds the rooms."""
        return self.rooms_app not in ("", self.place.app)

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
                limit.name: _whole(
                    env, f"LIMIT_{limit.name.upper()}", limit.default, least=1, most=_MOST.get(limit.name, 10**9)
                )
                for limit in fields(Limits)
            }
        )
        following = Following(
            margin_ms=float(_whole(env, "MOVE_MARGIN_MS", 30, least=0)),
            margin_share=_whole(env, "MOVE_MARGIN_PERCENT", 20, least=0, most=100) / 100,
            settled=float(_whole(env, "MOVE_AFTER_SECONDS", 60, least=1)),
            pause=float(_whole(env, "MOVE_PAUSE_SECONDS", 300, least=0)),
        )
        pool = Pool(
            token=env.get("FLY_API_TOKEN", ""),
            hostname=env.get("FLY_API_HOSTNAME", ""),
            machine=env.get("ROOM_MACHINE", ""),
            most=_whole(env, "MOST_MACHINES", 20, least=0, most=10_000),
            most_per_region=_whole(env, "MOST_MACHINES_PER_REGION", 5, least=0, most=10_000),
        )
        return cls(
            host=env.get("HOST") or "127.0.0.1",
            port=_whole(env, "PORT", 8080, least=0, most=65_535),
            rooms_url=_rooms_url(env.get("ROOMS_URL") or "memory:///"),
            rooms_app=env.get("ROOMS_APP", ""),
            secret=_secret(env.get("ROOMS_SECRET", "")),
            regions=_regions(env, "ROOM_REGIONS"),
            origins=_origins(env, "ROOM_ORIGINS"),
            heartbeat=float(_whole(env, "HEARTBEAT_SECONDS", 20, least=1, most=300)),
            sleep_after=float(_whole(env, "SLEEP_SECONDS", 10, least=0, most=86_400)),
            idle_after=float(_whole(env, "IDLE_SECONDS", 0, least=0, most=86_400)),
            leave=float(_whole(env, "LEAVE_SECONDS", 5, least=3, most=300)),
            storage=float(_whole(env, "STORAGE_SECONDS", 15, least=1, most=3_600)),
            settle=float(_whole(env, "SETTLE_SECONDS", 3, least=0, most=60)),
            order_pause=float(_whole(env, "ORDER_PAUSE_SECONDS", 5, least=0, most=86_400)),
            verify=float(_whole(env, "VERIFY_SECONDS", 10, least=1, most=3_600)),
            pool=pool,
            following=following,
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


def _regions(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    codes = _words(env, name)
    for code in codes:
        if not is_region_code(code):
            raise UsageError(f"{name} must be region codes such as ams,iad, not {code!r}")
    return codes


def _origins(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    try:
        return tuple(parse_origin(word) for word in _words(env, name))
    except ParseError as exc:
        raise UsageError(f"{name} must be origins such as https://example.org, separated by commas: {exc}") from exc


def _secret(text: str) -> str:
    if text and len(text) < 16:
        raise UsageError(f"ROOMS_SECRET must have 16 characters or more, this one has {len(text)}")
    return text


def _rooms_url(url: str) -> str:
    if not url.startswith(("memory:", "file:///", "s3://")):
        raise UsageError(f"ROOMS_URL must be memory:///, file:///… or s3://…, not {url!r}")
    return url
