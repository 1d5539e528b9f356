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

from flylab.errors import ParseError, RuleError
from flylab.rules.attempts import STALE, Attempts, Body
from flylab.rules.effects import Collect, Effect, Pause, Refuse, Relay, Splice
from flylab.rules.hops import Hop, Outcome
from flylab.rules.legs import first_leg
from flylab.rules.onward import Onward
from flylab.rules.phases import Phase
from flylab.rules.replaying import Said
from flylab.rules.routing import PASSING, Choice, Loads, NoCandidate


class Exchange(Attempts):
    """The decisions for one request at one edge; every method is an event, takes ``now`` and returns what to do."""

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

    def took_on(
        self, then: Onward, choice: Choice, status: int, now: float, wall: float, state: str | None = None
    ) -> None:
        """As after ``responded`` with a replay and ``connected``, where ``choice`` was made and has its place.

        The machine before it has given its own back. ``state`` is what was split off its words (``onward.split``).
        """
        self._expect("responded")
        hop = self.hops[-1]
        hop.status, hop.ended, hop.outcome = status, now, Outcome.REPLAY
        leg, source = then.leg_at(hop, now, wall, state)
        self._replays().went_on(source)
        self._enter(leg, now)
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
        # Somebody stopped it meanwhile: as when it had been running, the only machine is woken anew.
        return self._give_up(code, text, now, again=code == "PM10" and self._may_wake_again())

    def paused(self, now: float) -> Effect:
        """The pause is over, or a place may have become free."""
        self._expect("paused")
        if self._held is None:
            return self._choose(now)
        return self._forward() if self.is_up() else self._gone(now)

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
        if not self.is_up():
            return self._gone(now)
        if code == "PU01":
            # Trying again would not teach it: the port is open, but what listens there does not speak h2c.
            self._end_hop(now, Outcome.ERROR, code=code)
            return self._refuse(code, f"machine {hop.machine} does not speak HTTP/2 on port {self._port()}")
        if hop.tries >= self._settings.connect_tries:
            text = f"machine {hop.machine} did not listen on port {self._port()} within {hop.tries} tries"
            if hop.woke is None:
                return self._give_up(code, text, now)
            return self._give_up("PM05", text, now, again=self._may_wake_again())
        if hop.tries == self._settings.switch_after and hop.woke is None:
            other = self._look(self._wanted_without(hop.machine))
            if isinstance(other, Choice) and not other.wake:
                self._end_hop(now, Outcome.ERROR, code="PC07")
                self._wanted = self._wanted_without(hop.machine)
                return self._take(other, now)
        self.phase = Phase.PAUSED
        return Pause(self._settings.pause(hop.tries), self._deadline)

    def lost(self, now: float, *, reused: bool, body: Body, reset: bool = False, why: str = "") -> Effect:
        """The connection ended before the head of an answer was complete, or what came is none, which is ``why``.

        ``reset`` says that nothing was heard and that what was sent was not all read, as when nobody accepts any more.
        """
        self._expect("lost")
        hop = self.hops[-1]
        if reused and body.kept and not self._resent:
            # A kept connection may be closed by the machine while the request is under way: once, send it again.
            self._resent = True
            return self._forward(fresh=True) if self.is_up() else self._gone(now)
        if reset and body.kept and not self.is_up():
            return self._gone(now)
        self._end_hop(now, Outcome.ERROR, code="PU02")
        if why:
            return self._refuse("PU02", f"machine {hop.machine} gave no answer that can be passed on: {why}")
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

    def piped(self) -> tuple[tuple[Hop, ...], Loads]:
        """Let go of all but the trail and the place: these are what a ``Piped`` is made of, which ends them."""
        self._expect("piped")
        self._held, self.phase = None, Phase.DONE
        return tuple(self.hops), self._loads

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
