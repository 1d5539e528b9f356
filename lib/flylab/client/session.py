"""Sending calls until they succeed or must be given up: the one place where the retry policy is put into effect."""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from flylab.client.errors import AlreadyExists
from flylab.client.retry import Attempts, RetryPolicy
from flylab.client.transport import Answer, Call, Transport
from flylab.clock import Clock
from flylab.errors import ClientError

T = TypeVar("T")


class Session:
    """A transport with patience; ``rng`` spreads the pauses and makes the ids that find a lost create again."""

    def __init__(self, transport: Transport, *, policy: RetryPolicy, clock: Clock, rng: random.Random) -> None:
        self.transport = transport
        self.policy = policy
        self.clock = clock
        self.rng = rng

    async def send(self, call: Call) -> Answer:
        """Send, and again while the policy allows it for ``call.repeat``; raises the last error."""
        attempts = Attempts(self.policy, call.repeat, self.rng)
        while True:
            try:
                return await self.transport.send(call)
            except ClientError as error:
                pause = attempts.pause_after(error)
                if pause is None:
                    raise
            await self.clock.sleep(pause)

    async def send_once(
        self,
        call: Call,
        read: Callable[[Answer], T],
        look: Callable[[ClientError], Awaitable[T | None]],
    ) -> T:
        """Send something that must happen exactly once.

        After a failure that may have been a success (408, 5xx, a lost answer) ``look`` says what is there; only when
        it finds nothing is the call sent again. It is asked even when all attempts are used up.
        """
        attempts = Attempts(self.policy, call.repeat, self.rng)
        doubtful = False
        while True:
            try:
                return read(await self.transport.send(call))
            except ClientError as error:
                doubtful = doubtful or self.policy.is_ambiguous(error)
                pause = attempts.pause_after(error)
                may_be_there = doubtful or isinstance(error, AlreadyExists)
                if pause is None and not may_be_there:
                    raise
                if pause is not None or doubtful:  # what was just made may take a moment to be seen (flyctl: 500 ms)
                    await self.clock.sleep(self.policy.first_pause if pause is None else pause)
                if may_be_there and (found := await self._look(look, error)) is not None:
                    return found
                if pause is None:
                    raise

    async def _look(self, look: Callable[[ClientError], Awaitable[T | None]], error: ClientError) -> T | None:
        try:
            return await look(error)
        except ClientError as blind:  # the first failure says more than that it could not be looked into
            raise error from blind

    def fresh_id(self) -> str:
        """32 hex digits that nobody else has."""
        return f"{self.rng.getrandbits(128):032x}"
