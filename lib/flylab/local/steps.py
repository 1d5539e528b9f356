"""What an exchange waits for, of a request and of a raw connection alike: a start, a pause, a place, a connection.

Each step has a number. What comes for an earlier one comes too late and is dropped.
"""

import asyncio
from typing import TYPE_CHECKING, assert_never

from flylab.errors import RuleError
from flylab.local.upstream import Upstream
from flylab.rules.effects import Collect, Effect, Forward, Pause, Queue, Refuse, Relay, Splice, Wake
from flylab.rules.exchange import Exchange
from flylab.rules.phases import Phase

if TYPE_CHECKING:
    from flylab.local.edge import Edge


class Steps:
    """Performs an exchange's effects; whoever it is for says how one is forwarded, answered and refused."""

    __slots__ = ("_edge", "_exchange", "_over", "_step", "_timer")

    # Set by those who extend it, all in one call: this is made for every request that does not go straight.
    _edge: "Edge"
    _exchange: Exchange | None
    _timer: asyncio.TimerHandle | None
    _step: int
    _over: bool

    def _perform(self, effect: Effect) -> None:
        self._step += 1
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        match effect:
            case Forward():
                self._forward(effect)
            case Relay():
                self._relay()
            case Splice():
                self._splice()
            case Refuse():
                self._refuse(effect)
            case Wake(machine, deadline):
                self._expire_at(deadline)
                self._edge.spawn(self._wake(machine, self._step))
            case Pause(seconds, deadline):
                now = self._edge.clock.now()
                if deadline is not None and deadline < now + seconds:
                    self._expire_at(deadline)
                else:
                    self._timer = self._edge.loop.call_later(seconds, self._paused)
            case Queue(deadline):
                self._expire_at(deadline)
                assert self._exchange is not None
                self._edge.line.join(self, self._exchange.wanted)
            case Collect():
                self._collect()
            case _:
                assert_never(effect)

    # ── what differs ────────────────────────────────────────────────────────────────────────────────────────────

    def _forward(self, effect: Forward) -> None:
        raise NotImplementedError

    def _reached(self, upstream: Upstream, effect: Forward) -> None:
        """There is a new connection to the machine."""
        raise NotImplementedError

    def _refuse(self, effect: Refuse) -> None:
        raise NotImplementedError

    def _relay(self) -> None:
        raise RuleError("illegal_event", "a connection is not answered")

    def _splice(self) -> None:
        raise RuleError("illegal_event", "a connection is joined and not spliced")

    def _collect(self) -> None:
        raise RuleError("illegal_event", "a connection has no body")

    # ── waiting ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _connect(self, effect: Forward, address: tuple[str, int], key: object, step: int, *, h2: bool) -> None:
        began = self._edge.clock.now()
        upstream, code = await self._edge.connect(address, key, effect.row.region, h2=h2)
        if upstream is not None:
            self._edge.tallies.connected(effect.row.id, self._edge.clock.now() - began)
        if step != self._step or self._over:
            if upstream is not None:
                upstream.close()
        elif upstream is None:
            # Not from within the step that asked: the rules may refuse, and the client may send its next request.
            self._refused(code)
        elif self._exchange is not None and not self._exchange.is_up():
            upstream.close()  # it is being stopped since: what has not been sent goes elsewhere
            self._refused("PC01")
        else:
            self._reached(upstream, effect)

    async def _wake(self, machine: str, step: int) -> None:
        exchange, clock = self._exchange, self._edge.clock
        assert exchange is not None
        refusal: RuleError | None = None
        try:
            await self._edge.platform.wake(machine)
        except RuleError as exc:
            refusal = exc
        self._edge.hearing.learn(machine)
        if step != self._step or self._over:
            return
        if refusal is None:
            self._perform(exchange.woke(clock.now()))
        else:
            self._perform(exchange.wake_failed(refusal.code, refusal.text, clock.now()))

    def _expire_at(self, deadline: float) -> None:
        pause = max(deadline - self._edge.clock.now(), 0)
        self._timer = self._edge.loop.call_later(pause, self._expired, deadline)

    def _expired(self, deadline: float) -> None:
        self._edge.line.leave(self)
        assert self._exchange is not None
        # A timer of uvloop has whole milliseconds: it may ring a little before the moment it was set for.
        self._perform(self._exchange.expired(max(self._edge.clock.now(), deadline)))

    def _paused(self) -> None:
        assert self._exchange is not None
        self._perform(self._exchange.paused(self._edge.clock.now()))

    def offer(self) -> bool:
        """A place may be free (waiting_line.Waiter)."""
        if not self._over and self._exchange is not None and self._exchange.phase is Phase.QUEUED:
            self._paused()
        return self._over or self._exchange is None or self._exchange.phase is not Phase.QUEUED

    def _refused(self, code: str) -> None:
        assert self._exchange is not None
        self._perform(self._exchange.refused(code, self._edge.clock.now()))
