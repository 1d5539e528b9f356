"""``fly-replay`` and the headers around it, to and from text; what a replay leads to is decided in ``rules``.

    origin  ──  fly-replay: region="ams,eu";state=blue  ──►  proxy
    proxy   ──  fly-replay-src: instance=…;region=…;t=…;state=blue  ──►  target

Grammar after networking/dynamic-request-routing; where it is silent: values may be quoted, spaces around them do not
count, the last of equal keys wins, and unknown keys are carried along without effect (our choices). That page joins
pairs with ``;`` while blueprints/connecting-to-user-machines uses ``,``, so a comma before a known key also parts.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from flylab.errors import ParseError
from flylab.wire.duration import format_duration, parse_duration
from flylab.wire.regions import format_region_list, parse_region_list
from flylab.wire.replay_cache import CacheAsk
from flylab.wire.transform import Transform

_SHORT = 512  # characters of a replay that is remembered; our choice


class Fallback(StrEnum):
    """Where a request goes when its replay could not reach anybody."""

    FORCE_SELF = "force_self"
    PREFER_SELF = "prefer_self"


class FailureReason(StrEnum):
    """Why a replay did not reach its target."""

    TIMEOUT = "timeout"
    RETRIES_EXHAUSTED = "retries_exhausted"
    NO_CANDIDATE = "no_candidate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What an origin asks for; ``timeout`` in seconds, ``unknown`` holds keys that have no effect.

    Only the JSON form (``wire/replay_json.py``) has ``transform`` and ``cache``.
    """

    regions: tuple[str, ...] = ()
    instance: str | None = None
    prefer_instance: str | None = None
    app: str | None = None
    state: str | None = None
    elsewhere: bool = False
    timeout: float | None = None
    fallback: Fallback | None = None
    transform: Transform | None = None
    cache: CacheAsk | None = None
    unknown: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaySource:
    """Who asked for a replay: the origin, when it answered (microseconds since the epoch), and its words."""

    instance: str
    region: str
    t: int
    state: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayFailure:
    """Which target of a replay could not be reached, for the machine that gets the request back."""

    instance: str | None
    app: str
    region: str | None
    replay_source: str
    reason: FailureReason
    elapsed_ms: int


KEYS = ("region", "instance", "prefer_instance", "app", "state", "elsewhere", "timeout", "fallback")

_PAIR = re.compile(
    r"""\s*(?:(?P<key>[^=;,\s"]+)\s*=\s*(?:"(?P<quoted>[^"]*)"\s*|(?P<plain>(?!")[^;]*?))
          |(?P<bare>[^=;,"]*?))
        (?:;|,(?=\s*(?:KEYS)\s*=)|\Z)""".replace("KEYS", "|".join(KEYS)),
    re.VERBOSE,
)
_DOCUMENTED = re.compile(
    r"""region="[a-z]+(?:,[a-z]+)*"|(?!region=.*,|.*,(?:KEYS)=)([a-z_]+)=[^\s";]*""".replace("KEYS", "|".join(KEYS))
)
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")


def parse_replay(text: str, *, strict: bool = False) -> Replay:
    """Read ``region="ams,eu";state=blue``; raises ParseError (the proxy's PA03) when it cannot be understood.

    ``strict`` takes only what the documentation shows, and none of what we assume.
    """
    return _parse_replay(text, strict) if len(text) > _SHORT else _known_replay(text, strict)


def _parse_replay(text: str, strict: bool) -> Replay:
    if strict:
        _expect_documented(text)
    pairs = _pairs(text, "fly-replay")
    if not pairs:
        raise ParseError("fly-replay", text, "it is empty")
    return replay_of(pairs, text)


_known_replay = lru_cache(maxsize=256)(_parse_replay)  # an app says the same of each request of a room


def format_replay(replay: Replay) -> str:
    """Write the header; raises ParseError for a value that no header can carry. Unknown keys are left out."""
    pairs = []
    if replay.regions:
        pairs.append(f"region={format_region_list(replay.regions)}")
    for key in ("instance", "prefer_instance", "app"):
        value = getattr(replay, key)
        if value is not None:
            pairs.append(f"{key}={_written(value, key)}")
    if replay.elsewhere:
        pairs.append("elsewhere=true")
    if replay.timeout is not None:
        pairs.append(f"timeout={format_duration(replay.timeout)}")
    if replay.fallback is not None:
        pairs.append(f"fallback={replay.fallback}")
    if replay.state is not None:
        pairs.append(f"state={_written(replay.state, 'state')}")
    if not pairs:
        raise ParseError("fly-replay", "", "it asks for nothing")
    return ";".join(pairs)


def parse_source(text: str) -> ReplaySource:
    """Read ``instance=148e…;region=ams;t=1790000000000000;state=blue``; everything after ``state=`` is the state."""
    head, found, state = text.partition("state=")
    pairs = _pairs(head, "fly-replay-src")
    t = pairs.get("t", "")
    if not (t.isascii() and t.isdigit() and pairs.get("instance") and pairs.get("region")):
        raise ParseError("fly-replay-src", text, "instance, region and t are expected")
    return ReplaySource(instance=pairs["instance"], region=pairs["region"], t=int(t), state=state if found else None)


def format_source(source: ReplaySource) -> str:
    """Write ``fly-replay-src``: joined by ``;`` as fly-ruby splits it, the state last as superfly/bfaas reads it."""
    text = f"instance={source.instance};region={source.region};t={source.t}"
    return text if source.state is None else f"{text};state={source.state}"


def parse_failure(text: str) -> ReplayFailure:
    """Read ``fly-replay-failed``; raises ParseError."""
    pairs = _pairs(text, "fly-replay-failed")
    try:
        return ReplayFailure(
            instance=pairs.get("instance"),
            app=pairs["app"],
            region=pairs.get("region"),
            replay_source=pairs["replay_source"],
            reason=FailureReason(pairs["reason"]),
            elapsed_ms=int(pairs["elapsed_ms"]),
        )
    except (KeyError, ValueError) as exc:
        raise ParseError("fly-replay-failed", text, "app, replay_source, reason and elapsed_ms are expected") from exc


def format_failure(failure: ReplayFailure) -> str:
    """Write ``fly-replay-failed``; parts that were never decided, such as the instance, are left out."""
    pairs = {
        "instance": failure.instance,
        "app": failure.app,
        "region": failure.region,
        "replay_source": failure.replay_source,
        "reason": failure.reason,
        "elapsed_ms": failure.elapsed_ms,
    }
    return ";".join(f"{key}={value}" for key, value in pairs.items() if value is not None)


def _expect_documented(text: str) -> None:
    keys = []
    for pair in re.split(r"; ?", text):
        found = _DOCUMENTED.fullmatch(pair)
        if found is None:
            why = (
                "strict: key=value pairs are joined by ';', without other spaces, and only lists of regions are quoted"
            )
            raise ParseError("fly-replay", text, why)
        keys.append(found[1] or "region")
    if len(keys) != len(set(keys)):
        raise ParseError("fly-replay", text, "strict: a key is there twice")


def _pairs(text: str, what: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    at = 0
    while at < len(text):
        found = _PAIR.match(text, at)
        if found is None:
            raise ParseError(what, text, "keys and values are expected, as in region=ams;state=blue")
        at = found.end()
        key, quoted, plain, bare = found.group("key", "quoted", "plain", "bare")
        if key is not None:
            pairs[key] = quoted if quoted is not None else plain.strip()
        elif word := bare.strip():
            if word in KEYS:
                raise ParseError(what, text, f"{word} has no value")
            pairs[word] = ""
    return pairs


def replay_of(pairs: dict[str, str], text: str) -> Replay:
    """The replay that these keys and values are; ``text`` is what they were read from."""
    for key in ("instance", "prefer_instance", "app"):
        if pairs.get(key) == "":
            raise ParseError("fly-replay", text, f"{key} has no value")
    if _UNSENDABLE.search(pairs.get("state", "")):
        raise ParseError("fly-replay state", pairs["state"], "a header cannot carry these characters")
    elsewhere = pairs.get("elsewhere", "false")
    if elsewhere not in ("true", "false"):
        raise ParseError("fly-replay", text, "elsewhere is true or false")
    timeout = parse_duration(pairs["timeout"], "fly-replay timeout") if "timeout" in pairs else None
    if timeout is not None and timeout <= 0:
        raise ParseError("fly-replay timeout", pairs["timeout"], "it is above zero")
    try:
        fallback = Fallback(pairs["fallback"]) if "fallback" in pairs else None
    except ValueError as exc:
        raise ParseError("fly-replay fallback", pairs["fallback"], "force_self or prefer_self is expected") from exc
    return Replay(
        regions=parse_region_list(pairs["region"]) if "region" in pairs else (),
        instance=pairs.get("instance"),
        prefer_instance=pairs.get("prefer_instance"),
        app=pairs.get("app"),
        state=pairs.get("state"),
        elsewhere=elsewhere == "true",
        timeout=timeout,
        fallback=fallback,
        unknown=tuple(key for key in pairs if key not in KEYS),
    )


def _written(value: str, key: str) -> str:
    if _UNSENDABLE.search(value):
        raise ParseError(f"fly-replay {key}", value, "a header cannot carry these characters")
    if _PAIR.fullmatch(f"{key}={value}") and _pairs(f"{key}={value}", key) == {key: value}:
        return value
    if '"' in value:
        raise ParseError(f"fly-replay {key}", value, "it needs quotes and contains one")
    return f'"{value}"'
