"""How one request comes to a machine: it is chosen, its place taken, and when that fails it is tried again or given up.

    choose ─┬─► Wake, Forward       a place in ``Loads`` is taken in this step
            ├─► Queue               all that would do are at their hard limit
            ├─► Pause               one may be there soon, or the same one may listen soon
            └─► the way back of a replay, or Refuse

``exchange`` tells it what has happened.
"""

from dataclasses import replace
from random import Random
from typing import NamedTuple

from flylab.errors import RuleError
from flylab.rules.effects import Effect, Forward, Pause, Queue, Refuse, Wake
from flylab.rules.hops import Hop, Outcome, Wakening
from flylab.rules.legs import Leg, fallback_leg, first_leg, refused_upgrade
from flylab.rules.limits import ExchangeSettings
from flylab.rules.phases import EXPECTED, Phase
from flylab.rules.proximity import RoundTrip
from flylab.rules.replay_cache import ReplayCache
from flylab.rules.replaying import Replaying
from flylab.rules.routing import Choice, Loads, NoCandidate, View, Wanted, choose
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


class Attempts:
    """What is remembered of a request until a machine has answered it, and the choices that follow from it."""

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

    def is_up(self) -> bool:
        """Whether the machine that holds the place is started, as far as this edge knows."""
        row = self._view.row(self.hops[-1].machine)
        return row is not None and row.state is MachineState.STARTED

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

    def _gone(self, now: float) -> Effect:
        """It is no longer up. If somebody stopped it, and it did not end by itself, once it is down it may be woken."""
        hop = self.hops[-1]
        row = self._view.row(hop.machine)
        stopped = row is not None and (row.asked or row.state in (MachineState.STOPPING, MachineState.SUSPENDING))
        again = hop.woke is None or (stopped and self._may_wake_again())
        return self._give_up("PM08", self._ended_text(stopped=hop.woke is None or stopped), now, again=again)

    def _may_wake_again(self) -> bool:
        """Whether this request has woken its last machine less often than it may."""
        machine = self.hops[-1].machine
        return sum(each.machine == machine and each.woke is not None for each in self.hops) < self._settings.wakes

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

    def _ended_text(self, *, stopped: bool) -> str:
        hop = self.hops[-1]
        if stopped:
            return f"machine {hop.machine} was stopped, or ended, while a request was on its way to it"
        return f"machine {hop.machine} ended before it listened on port {self._port()}"

    def _port(self) -> int:
        return self._choice.service.internal_port if self._choice else 0

    def _wanted_without(self, machine: str) -> Wanted:
        return replace(self._wanted, without=self._wanted.without | {machine})
