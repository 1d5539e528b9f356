"""What an answer that asks for a replay means: the next leg of the request, or the code with which it is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flylab.errors import ParseError, RuleError
from flylab.rules.caching import Caching
from flylab.rules.hops import Cause, Hop
from flylab.rules.legs import Leg, UpgradeAsk, passing_on
from flylab.rules.limits import ExchangeSettings
from flylab.rules.replay_cache import ReplayCache
from flylab.rules.routing import View
from flylab.rules.wishes import Asked, Replayed, denied, replay_wish
from flylab.wire import headers
from flylab.wire.replay import Replay, ReplaySource, format_source, parse_replay
from flylab.wire.replay_json import parse_replay_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A replay as it came: the header's text or the JSON body, the answer around it, and when, by both clocks."""

    words: str | bytes
    status: int
    now: float
    wall: float
    answered: Mapping[bytes, bytes] = field(default_factory=dict)  # its header lines by lower-case name


class Replaying:
    """The replays of one request so far; raises RuleError with the proxy's code for one that it may not follow."""

    def __init__(self, asked: Asked, view: View, settings: ExchangeSettings, cache: ReplayCache) -> None:
        self.count = 0
        self.caching = Caching(asked, view, settings, cache)
        self._asked = asked
        self._view = view
        self._settings = settings
        self._first: ReplaySource | None = None

    def follow(self, said: Said, hop: Hop) -> Leg:
        """The leg that the machine's words lead to."""
        asked, settings = self._asked, self._settings.replay
        if hop.cause is Cause.FALLBACK and not settings.fallback_replays:
            raise RuleError("PA02", f"machine {hop.machine} replayed a request that had fallen back to it")
        if self.count >= self._settings.replays:
            raise RuleError("PA02", f"the request was replayed more than {self._settings.replays} times")
        replay = self._read(said.words)
        if replay.instance == hop.machine and not settings.to_itself:
            raise RuleError("PA02", f"machine {hop.machine} replayed the request to itself")
        target = replay.app or hop.app
        if refusal := denied(self._view, hop.app, target, self._settings):
            raise RuleError(*refusal)
        self.count += 1
        without_effect = self.caching.heard(replay, said.answered, hop, target, said.now)
        wanted, why = replay_wish(replay, target, hop.machine, asked, settings)
        leg = Leg(
            wanted=wanted,
            cause=Cause.REPLAY,
            why=why,
            forced=wanted.instance != replay.instance,
            headers=(
                (headers.REPLAY_SRC, format_source(self._source(replay, hop, said.wall))),
                (headers.REPLAY_CACHE_STATUS, self.caching.status),
            ),
            ignored=replay.unknown + without_effect,
            replayed=Replayed(replay, hop, target, said.now),
            deadline=None if replay.timeout is None else said.now + replay.timeout,
            transform=replay.transform,
            upgrade=UpgradeAsk(hop.region, said.status) if asked.upgrade else None,
        )
        return leg if settings.hide_from_machines and settings.forward_choosing else passing_on(leg, asked, settings)

    def went_on(self, source: ReplaySource) -> None:
        """One was followed that was decided before (``onward``)."""
        self.count += 1
        self._first = source

    def _source(self, replay: Replay, hop: Hop, wall: float) -> ReplaySource:
        source = ReplaySource(instance=hop.machine, region=hop.region, t=int(wall * 1_000_000), state=replay.state)
        self._first = self._first or source
        return self._first if self._settings.replay.source == "first" else source

    def _read(self, words: str | bytes) -> Replay:
        try:
            if isinstance(words, bytes):
                return parse_replay_json(words)
            return parse_replay(words, strict=self._settings.replay.strict_grammar)
        except ParseError as exc:
            raise RuleError("PA03", str(exc)) from exc
