"""What answers and configurations say about the replay cache; what is kept and found is decided in ``rules``.

    fly-replay-cache: blue.example.com/rooms/jazz/*        or in JSON   "cache": {"prefix": "/rooms/jazz/*", "ttl": 30}
    fly-replay-cache-ttl-secs: 30
    fly-replay-cache-allow-bypass: yes                                  "allow_bypass": true

    http_options.replay_cache = [{path_prefix = "/", ttl_seconds = 30, type = "cookie", name = "session"}]

Fields after networking/dynamic-request-routing and reference/configuration; longest lengths are our choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flylab.errors import ParseError
from flylab.wire import headers
from flylab.wire.fields import Fields

LEAST_TTL = 10  # seconds; the same page
INVALIDATE = "invalidate"
KINDS = ("cookie", "header")
_LONGEST = 1024  # characters of a prefix
_MOST_RULES = 100
_DIGITS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheAsk:
    """What one replay says about the cache; ``prefix`` is as it was written."""

    prefix: str | None = None
    ttl: float | None = None
    allow_bypass: bool = False
    invalidate: bool = False
    unknown: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Requests below a path, on one host or on whichever was asked."""

    host: str | None
    path: str  # without the ending ``/*``; empty for all


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRule:
    """One rule of ``http_options.replay_cache``: replays of requests with this cookie or header are remembered."""

    prefix: str
    ttl: float
    kind: str
    name: str
    allow_bypass: bool = False

    @classmethod
    def from_json(cls, value: object, where: str = "replay_cache") -> "CacheRule":
        f = Fields(value, where)
        prefix, ttl, kind, name = f.text("path_prefix"), f.integer("ttl_seconds"), f.text("type"), f.text("name")
        if ttl < LEAST_TTL:
            raise ParseError(f.path("ttl_seconds"), ttl, f"{LEAST_TTL} seconds are the least")
        if kind not in KINDS:
            raise ParseError(f.path("type"), kind, "cookie or header is expected")
        if not name or not name.isascii() or any(letter in name for letter in " \t\r\n;,=:"):
            raise ParseError(f.path("name"), name, f"the name of a {kind} is expected")
        if not prefix.startswith("/") or "?" in prefix or len(prefix) > _LONGEST:
            raise ParseError(f.path("path_prefix"), prefix, "a path that begins with '/' is expected")
        path = parse_pattern(prefix).path
        return cls(prefix=path, ttl=ttl, kind=kind, name=name, allow_bypass=f.flag("allow_bypass"))


def read_rules(http_options: object, where: str = "http_options") -> tuple[CacheRule, ...]:
    """The rules of a port's ``http_options``; raises ParseError for one that could never work."""
    if not isinstance(http_options, Mapping):
        return ()
    f = Fields(http_options, where)
    rules = f.items("replay_cache", CacheRule.from_json)
    if len(rules) > _MOST_RULES:
        raise ParseError(f.path("replay_cache"), len(rules), f"{_MOST_RULES} rules are the most")
    return rules


def parse_pattern(text: str) -> Pattern:
    """Read ``[host]/path/*``, with or without its ending; raises ParseError.

    >>> parse_pattern("blue.fly.dev/rooms/*")
    Pattern(host='blue.fly.dev', path='/rooms')
    """
    host, slash, rest = text.strip().partition("/")
    if not slash or len(text) > _LONGEST or "?" in text:
        raise ParseError("fly-replay-cache", text, "a path is expected, as in blue.fly.dev/rooms/* or /rooms/*")
    if ":" in host:
        raise ParseError("fly-replay-cache", text, "the host stands without a port")
    path = slash + rest
    return Pattern(
        host.lower() or None, path.removesuffix("*").rstrip("/") if path.endswith("/*") else path.rstrip("/")
    )


def header_ask(answered: Mapping[bytes, bytes]) -> CacheAsk | None:
    """What an answer's own headers say, by lower-case name; None when they do not speak of the cache."""
    said = answered.get(headers.REPLAY_CACHE.encode())
    if said is None:
        return None
    text = said.decode("latin-1").strip()
    if text.lower() == INVALIDATE:
        return CacheAsk(invalidate=True)
    bypass = answered.get(headers.REPLAY_CACHE_ALLOW_BYPASS.encode(), b"").strip().lower()
    seconds = answered.get(headers.REPLAY_CACHE_TTL.encode(), b"").strip()
    ttl = float(seconds) if seconds.isdigit() and len(seconds) <= _DIGITS else None
    return CacheAsk(prefix=text, ttl=ttl, allow_bypass=bypass == b"yes")


def json_ask(value: object, *, allow_bypass: object = None, where: str = "cache") -> CacheAsk:
    """What the JSON form says; the page does not place ``allow_bypass``, so it counts in both places."""
    f = Fields({} if value is None else value, where)
    prefix, ttl = f.maybe_text("prefix"), f.maybe_integer("ttl")
    invalidate, inside = f.flag("invalidate"), f.flag("allow_bypass")
    if allow_bypass is not None and not isinstance(allow_bypass, bool):
        raise ParseError("allow_bypass", allow_bypass, "true or false is expected")
    return CacheAsk(
        prefix=prefix,
        ttl=None if ttl is None else float(min(ttl, 10**_DIGITS)),
        allow_bypass=inside or allow_bypass is True,
        invalidate=invalidate,
        unknown=tuple(f"{where}.{key}" for key in f.rest()),
    )


def cookie(line: str, name: str) -> str | None:
    """The value of one cookie in a ``Cookie`` line; the first one counts (RFC 6265, section 5.4)."""
    for pair in line.split(";"):
        key, found, value = pair.partition("=")
        if found and key.strip() == name:
            return value.strip().strip('"')
    return None
