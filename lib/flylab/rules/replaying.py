"""What an answer that asks for a replay means: the next leg of the request, or the code with which it is refused."""

from dataclasses import dataclass

from flylab.errors import ParseError, RuleError
from flylab.rules.hops import Cause, Hop
from flylab.rules.legs import Leg
from flylab.rules.limits import ExchangeSettings
from flylab.rules.routing import View
from flylab.rules.wishes import Asked, Replayed, denied, replay_wish
from flylab.wire import headers
from flylab.wire.replay import Replay, ReplaySource, format_source, parse_replay
from flylab.wire.replay_json import parse_replay_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A replay as it came: the header's text or the JSON body, and when, by both clocks."""

    words: str | bytes
    now: float
    wall: float
    ignored: tuple[str, ...] = ()


class Replaying:
    """The replays of one request so far; raises RuleError with the proxy's code for one that it may not follow."""

    def __init__(self, asked: Asked, view: View, settings: ExchangeSettings) -> None:
        self.count = 0
        self._asked = asked
        self._view = view
        self._settings = settings

    def follow(self, said: Said, hop: Hop) -> Leg:
        """The leg that machine's words lead to."""
        if hop.cause is Cause.FALLBACK:
            raise RuleError("PA02", f"machine {hop.machine} replayed a request that had fallen back to it")
        if self.count >= self._settings.replays:
            raise RuleError("PA02", f"the request was replayed more than {self._settings.replays} times")
        replay = self._read(said.words)
        target = replay.app or hop.app
        if refusal := denied(self._view, hop.app, target, self._settings):
            raise RuleError(*refusal)
        self.count += 1
        wanted, why = replay_wish(replay, target, hop.machine, self._asked)
        micros = int(said.wall * 1_000_000)
        source = ReplaySource(instance=hop.machine, region=hop.region, t=micros, state=replay.state)
        return Leg(
            wanted=wanted,
            cause=Cause.REPLAY,
            why=why,
            headers=((headers.REPLAY_SRC, format_source(source)),),
            ignored=replay.unknown + said.ignored,
            replayed=Replayed(replay, hop, target, said.now),
            deadline=None if replay.timeout is None else said.now + replay.timeout,
        )

    def _read(self, words: str | bytes) -> Replay:
        try:
            return parse_replay(words) if isinstance(words, str) else parse_replay_json(words)
        except ParseError as exc:
            raise RuleError("PA03", str(exc)) from exc
