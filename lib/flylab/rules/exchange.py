"""One request from its head to its last byte: what to do next after each event; sockets and timers are elsewhere.

    begin ─► choose ─┬─► Wake ──── woke ──┐
               ▲     ├─► Queue, Pause ────┼─► choose again, until the limits below
               │     └────────────────────┴─► Forward ─┬─ refused ──► Pause, then the same machine, then another one
               │                                       └─ responded ─┬─ fly-replay ─► (Collect) ─┐
               │                                                     ├─ 101 ─► Splice ─┐         │
               │                                                     └─ else ─► Relay ─┴ finished│
               └─────────────────────────────────────────────────────────────────────────────────┘

A place in ``Loads`` is taken in the step that chooses a machine and given back exactly once, whatever happens then.
"""

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import NamedTuple

from flylab.errors import ParseError, RuleError
from flylab.rules.effects import Collect, Effect, Forward, Pause, Queue, Refuse, Relay, Splice, Wake
from flylab.rules.hops import Hop, Outcome, Wakening
from flylab.rules.legs import Leg, fallback_leg, first_leg, refused_upgrade
from flylab.rules.limits import ExchangeSettings
from flylab.rules.phases import EXPECTED, Phase
from flylab.rules.proximity import RoundTrip
from flylab.rules.replay_cache import ReplayCache
from flylab.rules.replaying import Replaying, Said
from flylab.rules.routing import PASSING, Choice, Loads, NoCandidate, View, Wanted, choose
from flylab.rules.seeking import started_for
from flylab.rules.shortlist import Shortlist
from flylab.rules.statuses import UPGRADE_REFUSED
from flylab.rules.wishes import Asked
from flylab.wire import headers
from flylab.wire.machine import MachineState
from flylab.wire.replay import FailureReason


class Body(NamedTuple):
    """How much of the request's body has come; ``kept`` means that all of it could be sent again."""

    size: int = 0
    complete: bool = True
    kept: bool = True


# Refusals by a machine's host that show how old this edge's view was (monitoring/error-codes).
STALE = {"PM11": "was stopped a moment ago", "PR02": "is not known where it was"}


class Exchange:
    """The decisions for one request at one edge; every method is an event, takes ``now`` and returns what to do."""

    def __init__(
        self,
        asked: Asked,
        *,
        view: View,
        loads: Loads,
        settings: ExchangeSettings,
        edge_region: str,
        rtt: RoundTrip,
        rng: Random,
        cache: ReplayCache | None = None,
        shortlist: Shortlist | None = None,
    ) -> None:
        self.phase = Phase.NEW
        self.hops: list[Hop] = []
        self._asked = asked
        self._view = view
        self._loads = loads
        self._settings = settings
        self._cache = cache
        self._edge_region = edge_region
        self._rtt = rtt
        self._rng = rng
        self._shortlist = shortlist
        self._leg: Leg
        self._wanted: Wanted  # as the leg has it, without those that were given up
        self._deadline: float | None = None  # of the leg, until a machine has taken it
        self._replaying: Replaying | None = None
        self._choice: Choice | None = None
        self._held: str | None = None
        self._sought = 0.0
        self._attempts = 0
        self._trouble = ""
        self._queue_deadline: float | None = None
        self._unavailable: tuple[tuple[str, str], ...] = ()
        self._resent = False

    @property
    def wanted(self) -> Wanted:
        """What the request asks of its machine now; two that want the same get or miss the same places."""
        return self._wanted

    # ── events ──────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self, now: float) -> Effect:
        """The head has been read."""
        self._expect("begin")
        try:
            leg = first_leg(self._asked, self._settings.replay)
        except ParseError as exc:
            self.phase = Phase.DONE
            return Refuse(400, "bad_request", str(exc))
        if self._cache:  # empty for all who do not use it
            leg = self._replays().caching.first(leg, now)
        self._enter(leg, now)
        return self._choose(now)

    def took(self, choice: Choice, now: float) -> None:
        """As after ``begin`` and ``connected``, where ``choice`` was made and its place taken for it (``straight``)."""
        self._expect("begin")
        self._enter(first_leg(self._asked, self._settings.replay), now)
        self._attempts = 1
        self._visit(choice)
        self._forward()
        self.connected(now)

    def woke(self, now: float) -> Effect:
        """The machine has started; whether it listens is still to be seen."""
        self._expect("woke")
        woke = self.hops[-1].woke
        assert woke is not None  # only a wake leads here
        woke.started = now
        return self._forward()

    def wake_failed(self, code: str, text: str, now: float) -> Effect:
        """The platform refused to start the machine."""
        self._expect("wake_failed")
        row = self._view.row(self.hops[-1].machine)
        if row is not None and row.state in PASSING:
            # It was on its way down: once it has come to rest it may be started again.
            self._end_hop(now, Outcome.ERROR, code=code)
            return self._again(NoCandidate("PR03", f"{text} ({code})", soon=True), now)
        return self._give_up(code, text, now)

    def paused(self, now: float) -> Effect:
        """The pause is over, or a place may have become free."""
        self._expect("paused")
        if self._held is None:
            return self._choose(now)
        return self._forward() if self._is_up() else self._give_up("PM08", self._ended_text(), now)

    def expired(self, now: float) -> Effect:
        """The deadline of the last effect has passed."""
        self._expect("expired")
        if self._is_late(now):
            return self._too_late(now)
        if self.phase is Phase.WAKING:
            return self._give_up("PM03", f"machine {self.hops[-1].machine} did not start in time", now)
        if self.phase is Phase.QUEUED:
            return self._choose(now)  # the last look decides
        raise RuleError("illegal_event", f"an exchange that is {self.phase} has no deadline at {now}")

    def connected(self, now: float) -> None:
        """The machine took the connection: the replay, if it was one, has succeeded."""
        self._expect("connected")
        hop = self.hops[-1]
        if hop.woke is not None and hop.woke.reachable is None:
            hop.woke.reachable = now
        self._deadline = None

    def refused(self, code: str, now: float) -> Effect:
        """The machine's port did not take the connection."""
        self._expect("refused")
        hop = self.hops[-1]
        if self._is_late(now):
            return self._too_late(now)
        if code in STALE:
            return self._was_stale(code, now)
        if not self._is_up():
            return self._give_up("PM08", self._ended_text(), now)
        if code == "PU01":
            # Trying again would not teach it: the port is open, but what listens there does not speak h2c.
            self._end_hop(now, Outcome.ERROR, code=code)
            return self._refuse(code, f"machine {hop.machine} does not speak HTTP/2 on port {self._port()}")
        if hop.tries >= self._settings.connect_tries:
            text = f"machine {hop.machine} did not listen on port {self._port()} within {hop.tries} tries"
            if hop.woke is None:
                return self._give_up(code, text, now)
            tried = sum(1 for each in self.hops if each.machine == hop.machine and each.woke is not None)
            return self._give_up("PM05", text, now, again=tried < self._settings.wakes)
        if hop.tries == self._settings.switch_after and hop.woke is None:
            other = self._look(self._wanted_without(hop.machine))
            if isinstance(other, Choice) and not other.wake:
                self._end_hop(now, Outcome.ERROR, code="PC07")
                self._wanted = self._wanted_without(hop.machine)
                return self._take(other, now)
        self.phase = Phase.PAUSED
        return Pause(self._settings.pause(hop.tries), self._deadline)

    def lost(self, now: float, *, reused: bool, body: Body) -> Effect:
        """The connection ended before the head of an answer was complete, or brought nothing readable."""
        self._expect("lost")
        hop = self.hops[-1]
        if reused and body.kept and not self._resent:
            # A kept connection may be closed by the machine while the request is under way: once, send it again.
            self._resent = True
            return self._forward(fresh=True)
        self._end_hop(now, Outcome.ERROR, code="PU02")
        return self._refuse("PU02", f"machine {hop.machine} closed the connection without an answer")

    def responded(
        self,
        status: int,
        said: str | bytes | None,
        body: Body,
        now: float,
        *,
        wall: float,
        answered: Mapping[bytes, bytes] | None = None,
    ) -> Effect:
        """The head of an answer is there; ``said`` is its ``fly-replay``, as header text or as a JSON body.

        ``answered`` are its header lines by lower-case name.
        """
        self._expect("responded")
        hop = self.hops[-1]
        hop.status = status
        if said is None:
            if status == 101:
                self.phase, hop.outcome = Phase.PIPED, Outcome.UPGRADE
                return Splice()
            self.phase, hop.outcome = Phase.ANSWERING, Outcome.RESPONSE
            return Relay()
        self._end_hop(now, Outcome.REPLAY)
        told = Said(words=said, status=status, now=now, wall=wall, answered=answered or {})
        try:
            leg = self._replays().follow(told, hop)
        except RuleError as exc:
            return self._blame(hop, exc.code, exc.text)
        self._enter(leg, now)
        if not body.complete and self._asked.length is None and body.kept:
            self.phase = Phase.COLLECTING
            return Collect()
        return self._go_on(body, now)

    def collected(self, body: Body, now: float) -> Effect:
        """The body is complete, or has outgrown the replay limit."""
        self._expect("collected")
        return self._go_on(body, now)

    def joined(self, now: float) -> None:
        """A connection that is no request is a pipe from now on."""
        self._expect("joined")
        self.phase, self.hops[-1].outcome = Phase.PIPED, Outcome.UPGRADE

    def finished(self, now: float, *, complete: bool = True) -> None:
        """The last byte has gone to the client, or both pipes are closed; ``complete`` unless the machine broke off."""
        self._expect("finished")
        outcome = Outcome.UPGRADE if self.phase is Phase.PIPED else Outcome.RESPONSE
        self._end_hop(now, outcome if complete else Outcome.ERROR, code=None if complete else "PU02")
        self.phase = Phase.DONE

    def abandoned(self, now: float) -> None:
        """The client has left."""
        self._expect("abandoned")
        if self._held is not None:
            self._end_hop(now, Outcome.GONE)
        self.phase = Phase.DONE

    # ── decisions ───────────────────────────────────────────────────────────────────────────────────────────────

    def _enter(self, leg: Leg, now: float) -> None:
        self._leg, self._wanted, self._deadline = leg, leg.wanted, leg.deadline
        self._sought, self._attempts, self._resent, self._trouble = now, 0, False, ""
        self._queue_deadline = None

    def _choose(self, now: float) -> Effect:
        self._attempts += 1
        found = self._look(self._wanted)
        return self._take(found, now) if isinstance(found, Choice) else self._again(found, now)

    def _look(self, wanted: Wanted) -> Choice | NoCandidate:
        found = self._pick(wanted)
        if not isinstance(found, Choice) or not found.wake:
            return found
        replay = self._settings.replay
        return started_for(self._leg, found, wanted, view=self._view, settings=replay, look=self._pick)

    def _pick(self, wanted: Wanted) -> Choice | NoCandidate:
        if self._shortlist is not None and (found := self._shortlist.pick(self._view, wanted, self._loads, self._rng)):
            return found
        return choose(
            self._view,
            self._loads,
            wanted,
            edge_region=self._edge_region,
            rtt=self._rtt,
            rng=self._rng,
            start_abroad=self._settings.start_abroad,
        )

    def _replays(self) -> Replaying:
        if self._replaying is None:
            cache = ReplayCache() if self._cache is None else self._cache
            self._replaying = Replaying(self._asked, self._view, self._settings, cache)
        return self._replaying

    def _take(self, choice: Choice, now: float) -> Effect:
        row = choice.row
        if text := refused_upgrade(self._leg, row.region, self._settings.upgrades):
            return self._refuse(UPGRADE_REFUSED, text)
        self._loads.reserve(row.id)
        hop = self._visit(choice)
        if not choice.wake:
            return self._forward()
        hop.woke = Wakening(requested=now)
        self.phase = Phase.WAKING
        deadline = now + self._settings.wake_timeout
        return Wake(row.id, deadline if self._deadline is None else min(deadline, self._deadline))

    def _visit(self, choice: Choice) -> Hop:
        row = choice.row
        self._held, self._choice = row.id, choice
        self._queue_deadline = None
        self._unavailable = ((headers.PREFERRED_UNAVAILABLE, choice.unavailable),) if choice.unavailable else ()
        hop = Hop(
            machine=row.id,
            app=row.app,
            region=row.region,
            cause=self._leg.cause,
            wanted=self._leg.why,
            started=self._sought,
            ignored=self._leg.ignored,
        )
        self.hops.append(hop)
        return hop

    def _forward(self, *, fresh: bool = False) -> Effect:
        choice = self._choice
        assert choice is not None  # a place is held, so a choice was made
        self.phase = Phase.FORWARDED
        self.hops[-1].tries += 1
        leg = self._leg
        deadline = self._deadline if self._settings.replay.timeout_cancels else None
        return Forward(choice.row, choice.service, leg.headers + self._unavailable, fresh, deadline, leg.transform)

    def _again(self, found: NoCandidate, now: float) -> Effect:
        if found.busy:
            if self._queue_deadline is None:
                self._queue_deadline = now + self._settings.queue_timeout
            if now < self._queue_deadline:
                self.phase = Phase.QUEUED
                return Queue(min(self._queue_deadline, self._deadline or self._queue_deadline))
        elif (
            (found.soon or now < self._sought + self._view.settled)
            and self._attempts < self._settings.attempts
            and self._leg.entry is None
        ):
            self.phase = Phase.PAUSED
            return Pause(self._settings.pause(self._attempts), self._deadline)
        reason = FailureReason.RETRIES_EXHAUSTED if found.soon or self._trouble else FailureReason.NO_CANDIDATE
        return self._fail(found.code, self._trouble or found.text, reason, now)

    def _give_up(self, code: str, text: str, now: float, *, again: bool = False) -> Effect:
        """End with this machine and take another one; if there is none, the same one when it may be tried ``again``."""
        hop = self.hops[-1]
        self._end_hop(now, Outcome.ERROR, code=code)
        self._trouble = f"{text} ({code})"
        self._sought = now
        wanted, self._wanted = self._wanted, self._wanted_without(hop.machine)
        found = self._look(self._wanted)
        if again and not isinstance(found, Choice):
            found, self._wanted = self._look(wanted), wanted
        if isinstance(found, Choice):
            return self._take(replace(found, wake=True) if again and found.row.id == hop.machine else found, now)
        reason = FailureReason.RETRIES_EXHAUSTED
        if found.busy or found.soon or code in STALE:
            return self._again(found, now)
        return self._fail("PR03", self._trouble, reason, now)

    def _was_stale(self, code: str, now: float) -> Effect:
        """The machine is not what this edge held it for: another one, or if that is the only one the same, woken.

        monitoring/error-codes, PM11 and PR02.
        """
        machine = self.hops[-1].machine
        return self._give_up(code, f"machine {machine} {STALE[code]}", now, again=code == "PM11")

    def _go_on(self, body: Body, now: float) -> Effect:
        limit = self._settings.replay_limit
        if (self._asked.length or 0) > limit or body.size > limit or not body.kept:
            return self._blame(self.hops[-1], "PA01", f"a request with a body over {limit} bytes cannot be replayed")
        self._sought = now
        return self._choose(now)

    def _fail(self, code: str, text: str, reason: FailureReason, now: float) -> Effect:
        back = None if code == "PA03" and self._leg.entry is None else self._way_out(reason, now)
        if back is not None:
            self._enter(back, now)
            return self._choose(now)
        statuses = self._settings.statuses
        if reason is FailureReason.TIMEOUT:
            return self._refuse(code, text, statuses.timed_out)
        if self._leg.forced and code[:2] in ("PA", "PR"):
            return self._refuse("PR02" if code == "PA03" else code, text, statuses.forced_instance)
        return self._refuse(code, text, statuses.wake_timed_out if text.endswith("(PM03)") else None)

    def _way_out(self, reason: FailureReason, now: float) -> Leg | None:
        entry = self._leg.entry
        if entry is not None and self._settings.cache.drop_unreachable:
            self._replays().caching.missed(entry)
            return first_leg(self._asked, self._settings.replay)
        return fallback_leg(self._leg, reason, self._asked, now)

    def _is_late(self, now: float) -> bool:
        return self._deadline is not None and now >= self._deadline

    def _too_late(self, now: float) -> Effect:
        self._end_hop(now, Outcome.ERROR, code="timeout")
        return self._fail("PR04", "the replay reached nobody in time", FailureReason.TIMEOUT, now)

    def _refuse(self, code: str, text: str, status: int | None = None) -> Refuse:
        self.phase = Phase.DONE
        return Refuse(self._settings.statuses.of(code) if status is None else status, code, text)

    def _blame(self, hop: Hop, code: str, text: str) -> Refuse:
        hop.code = code
        return self._refuse(code, text)

    # ── bookkeeping ─────────────────────────────────────────────────────────────────────────────────────────────

    def _expect(self, event: str) -> None:
        if self.phase not in EXPECTED[event]:
            raise RuleError("illegal_event", f"an exchange that is {self.phase} does not expect {event!r}")

    def _end_hop(self, now: float, outcome: Outcome, code: str | None = None) -> None:
        hop = self.hops[-1]
        if self._held is not None:
            machine, self._held = self._held, None
            hop.ended, hop.outcome, hop.code = now, outcome, code
            self._loads.release(machine)

    def _is_up(self) -> bool:
        row = self._view.row(self.hops[-1].machine)
        return row is not None and row.state is MachineState.STARTED

    def _ended_text(self) -> str:
        return f"machine {self.hops[-1].machine} ended before it listened on port {self._port()}"

    def _port(self) -> int:
        return self._choice.service.internal_port if self._choice else 0

    def _wanted_without(self, machine: str) -> Wanted:
        return replace(self._wanted, without=self._wanted.without | {machine})
