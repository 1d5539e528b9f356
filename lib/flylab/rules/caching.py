"""What one request has to do with the replay cache: the one lookup, and what its replays put there or take away."""

from collections.abc import Mapping

from flylab.errors import ParseError, RuleError
from flylab.rules.hops import Cause, Hop
from flylab.rules.legs import Leg, UpgradeAsk
from flylab.rules.limits import ExchangeSettings
from flylab.rules.replay_cache import Entry, ReplayCache, Visit, keepable, rule_for
from flylab.rules.routing import View, service_for
from flylab.rules.services import port_of
from flylab.rules.wishes import Asked, chosen, denied, replay_wish
from flylab.wire import headers
from flylab.wire.replay import Replay
from flylab.wire.replay_cache import CacheAsk, CacheRule, header_ask, parse_pattern, read_rules

_SKIP = b"skip"
# What a replay may not have to be kept (networking/dynamic-request-routing).
_FORBIDDEN = ("state", "transform", "timeout", "fallback")


class Caching:
    """``status`` is what targets are told in ``fly-replay-cache-status``."""

    def __init__(self, asked: Asked, view: View, settings: ExchangeSettings, cache: ReplayCache) -> None:
        self.status = "miss"
        self._asked = asked
        self._view = view
        self._settings = settings
        self._cache = cache
        self._visit = Visit.of(asked.host, asked.target, asked.values)
        self._may_keep = True

    def first(self, leg: Leg, now: float) -> Leg:
        """The leg that a remembered replay leads to, or the one that the request would take anyway."""
        entry = self._find(now)
        # A client that forces the choice means it (our choice).
        if entry is None or any(name in chosen(self._asked, self._settings.replay) for name in _FORCING):
            return leg
        said = self._asked.values.get(headers.REPLAY_CACHE_CONTROL.encode(), b"").strip().lower()
        if said == _SKIP and entry.allow_bypass:
            self.status = "bypass"
            return leg
        if denied(self._view, entry.origin_app, entry.target, self._settings):
            self._cache.drop(entry)
            return leg
        self._may_keep = False
        wanted, why = replay_wish(entry.replay, entry.target, entry.origin, self._asked, self._settings.replay)
        upgrade = UpgradeAsk(entry.origin_region, None) if self._asked.upgrade else None
        told = ((headers.REPLAY_CACHE_STATUS, "hit"),)
        return Leg(wanted=wanted, cause=Cause.CACHE, why=why, headers=told, entry=entry, upgrade=upgrade)

    def missed(self, entry: Entry) -> None:
        """The target could not be reached: the origin is asked, and may be remembered again."""
        self._cache.drop(entry)
        self._may_keep = True

    def heard(
        self, replay: Replay, answered: Mapping[bytes, bytes], hop: Hop, target: str, now: float
    ) -> tuple[str, ...]:
        """Do what a replay says about the cache; returns what of it has no effect, for the trace."""
        ask = replay.cache or header_ask(answered)
        if ask is not None and ask.invalidate:
            if (entry := self._find(now)) is not None:
                self._cache.drop(entry)
            self._may_keep = True
            return ()
        if ask is not None and ask.prefix is not None:
            return self._keep(ask, replay, hop, target, now)
        if (rules := self._rules(hop)) and (match := rule_for(rules, self._visit)):
            rule, value = match
            key = (self._visit.host, rule.prefix, rule, value)
            return self._put(key, rule.ttl, replay, hop, target, now, bypass=rule.allow_bypass, rules=rules)
        return ()

    def has_rules(self, hop: Hop) -> bool:
        """Whether the service that has answered remembers replays by rules of its own."""
        return bool(self._rules(hop))

    def _find(self, now: float) -> Entry | None:
        return self._cache.find(self._visit, self._asked.app, now)

    def _keep(self, ask: CacheAsk, replay: Replay, hop: Hop, target: str, now: float) -> tuple[str, ...]:
        assert ask.prefix is not None
        try:
            pattern = parse_pattern(ask.prefix)
        except ParseError as exc:
            return (str(exc),)
        if pattern.host not in (None, self._visit.host) or not self._visit.below(pattern.path):
            return (f"{headers.REPLAY_CACHE} {ask.prefix[:100]!r} does not match the request",)
        ttl = self._cache.settings.default_ttl if ask.ttl is None else ask.ttl
        if ttl < self._cache.settings.least_ttl:
            return (f"{headers.REPLAY_CACHE} for {ttl:g} s, {self._cache.settings.least_ttl:g} s are the least",)
        key = (self._visit.host, pattern.path, None, None)
        return self._put(key, ttl, replay, hop, target, now, bypass=ask.allow_bypass)

    def _put(
        self,
        key: tuple[str, str, CacheRule | None, str | None],
        ttl: float,
        replay: Replay,
        hop: Hop,
        target: str,
        now: float,
        *,
        bypass: bool,
        rules: tuple[CacheRule, ...] = (),
    ) -> tuple[str, ...]:
        forbidden = [name for name in _FORBIDDEN if getattr(replay, name) is not None]
        if forbidden:
            text = f"{headers.REPLAY_CACHE} of a replay with {forbidden[0]}"
            if self._cache.settings.refuses_forbidden:
                raise RuleError("PA03", f"{text} is not allowed")
            return (text,)
        if not self._may_keep or not keepable(self._visit):
            return (f"{headers.REPLAY_CACHE} once more in one request",) if not self._may_keep else ()
        self._may_keep = False
        entry = Entry(
            key=key,
            app=self._asked.app,
            replay=replay,
            target=target,
            origin=hop.machine,
            origin_app=hop.app,
            origin_region=hop.region,
            until=now + ttl,
            allow_bypass=bypass,
        )
        self._cache.put(entry, rules)
        return ()

    def _rules(self, hop: Hop) -> tuple[CacheRule, ...]:
        row = self._view.row(hop.machine)
        service = service_for(row, self._asked.port) if row is not None and hop.app == self._asked.app else None
        if service is None:
            return ()
        port = None if self._asked.port is None else port_of(service, self._asked.port)
        for each in service.ports if port is None else (port,):
            if rules := read_rules(each.extra.get("http_options")):
                return rules
        return ()


_FORCING = (headers.FORCE_INSTANCE, headers.FORCE_REGION)
