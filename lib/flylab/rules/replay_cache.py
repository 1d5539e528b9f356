"""The replays that one edge remembers: what is found for a request, what is kept, for how long, and how much of it.

A path entry is found by hostname and path prefix, a session entry by hostname, rule and the value of the rule's cookie
or header; of several the longest prefix wins (networking/dynamic-request-routing).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flylab.wire.replay import Replay
from flylab.wire.replay_cache import LEAST_TTL, CacheRule, cookie

_LONGEST_HOST = 253  # characters, as names have at most
_LONGEST_VALUE = 1024  # characters of a cookie or header; our choice


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """The cache of each edge."""

    entries: int = 10_000  # our choice; beyond it the oldest is forgotten
    least_ttl: float = float(LEAST_TTL)  # seconds; documented; a shorter one is not kept (assumed)
    default_ttl: float = 0.0  # assumed: without a lifetime a replay is not kept
    refuses_forbidden: bool = False  # assumed: what may not be kept (one with state, say) is followed all the same
    drop_unreachable: bool = True  # assumed: if its target cannot be reached an entry is dropped and the origin asked
    shared: bool = False  # assumed: each edge learns for itself


@dataclass(frozen=True, slots=True)
class Visit:
    """What the cache looks at in a request: hostname without port, path without query, header lines by name."""

    host: str
    path: str
    values: Mapping[bytes, bytes]

    @classmethod
    def of(cls, host: bytes, target: bytes, values: Mapping[bytes, bytes]) -> "Visit":
        name = host.decode("latin-1").partition(":")[0].rstrip(".").lower()
        return cls(name, target.decode("latin-1").partition("?")[0], values)

    def below(self, prefix: str) -> bool:
        """Whether the path is the prefix or goes on behind it with a slash."""
        path, size = self.path, len(prefix)
        return path.startswith("/") and path.startswith(prefix) and (len(path) == size or path[size] == "/")

    def value(self, rule: CacheRule) -> str | None:
        """What the request has of the rule's cookie or header."""
        if rule.kind == "cookie":
            value = cookie(self.values.get(b"cookie", b"").decode("latin-1"), rule.name)
        else:
            raw = self.values.get(rule.name.lower().encode())
            value = None if raw is None else raw.decode("latin-1")
        return value if value and len(value) <= _LONGEST_VALUE else None


Key = tuple[str, str, CacheRule | None, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One remembered replay of requests to ``app``; ``until`` is by the clock of whoever asks."""

    key: Key
    app: str
    replay: Replay
    target: str  # the app replayed to
    origin: str  # the machine that asked for it, and where that is
    origin_app: str
    origin_region: str
    until: float
    allow_bypass: bool


@dataclass(slots=True)
class _Host:
    paths: dict[str, Entry] = field(default_factory=dict)  # by prefix
    lengths: tuple[int, ...] = ()  # of the prefixes, longest first
    rules: tuple[CacheRule, ...] = ()  # longest prefix first
    sessions: dict[Key, Entry] = field(default_factory=dict)


class ReplayCache:
    """Bounded; nothing may depend on an entry being there."""

    def __init__(self, settings: CacheSettings | None = None) -> None:
        self.settings = settings or CacheSettings()
        self._hosts: dict[str, _Host] = {}
        self.all: dict[Key, Entry] = {}  # oldest first; for others to look at

    def __len__(self) -> int:
        return len(self.all)

    def find(self, visit: Visit, app: str, now: float) -> Entry | None:
        """The entry that holds for a request; what has run out, or is of an app that has lost the host, is dropped."""
        host = self._hosts.get(visit.host)
        if host is None:
            return None
        for found in _candidates(host, visit):
            if found.until > now and found.app == app:
                return found
            self.drop(found)
        return None

    def put(self, entry: Entry, rules: tuple[CacheRule, ...] = ()) -> None:
        """Keep an entry; ``rules`` are all of the service whose rule a session entry follows."""
        self.drop(entry)
        while len(self.all) >= max(self.settings.entries, 1):
            self.drop(next(iter(self.all.values())))
        self.all[entry.key] = entry
        name, prefix, rule, _ = entry.key
        host = self._hosts.setdefault(name, _Host())
        if rule is None:
            host.paths[prefix] = entry
            host.lengths = tuple(sorted({len(each) for each in host.paths}, reverse=True))
        else:
            host.rules = longest_first(rules or (rule,))
            host.sessions[entry.key] = entry

    def drop(self, entry: Entry) -> None:
        """Forget an entry; one that is not there is fine."""
        if self.all.pop(entry.key, None) is None:
            return
        name, prefix, rule, _ = entry.key
        host = self._hosts[name]
        if rule is None:
            del host.paths[prefix]
            host.lengths = tuple(sorted({len(each) for each in host.paths}, reverse=True))
        else:
            del host.sessions[entry.key]
        if not host.paths and not host.sessions:
            del self._hosts[name]


def longest_first(rules: tuple[CacheRule, ...]) -> tuple[CacheRule, ...]:
    return tuple(sorted(rules, key=lambda rule: -len(rule.prefix)))


def rule_for(rules: tuple[CacheRule, ...], visit: Visit) -> tuple[CacheRule, str] | None:
    """The rule that a request follows, and its value: of the longest prefix alone, if the request has what it names."""
    matching = [rule for rule in longest_first(rules) if visit.below(rule.prefix)]
    for rule in matching:
        if len(rule.prefix) < len(matching[0].prefix):
            return None
        if (value := visit.value(rule)) is not None:
            return rule, value
    return None


def keepable(visit: Visit) -> bool:
    """Whether the request's host can be part of a key."""
    return bool(visit.host) and len(visit.host) <= _LONGEST_HOST


def _candidates(host: _Host, visit: Visit) -> list[Entry]:
    found = []
    if host.sessions and (match := rule_for(host.rules, visit)):
        rule, value = match
        session = host.sessions.get((visit.host, rule.prefix, rule, value))
        found += [session] if session else []
    for size in host.lengths:
        if (path := host.paths.get(visit.path[:size])) and visit.below(visit.path[:size]):
            found.append(path)
    return sorted(found, key=lambda entry: -len(entry.key[1]))
