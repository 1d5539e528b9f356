"""Waiting for a state of a machine for as long as it takes, in windows that the API accepts."""

import math
from collections.abc import Sequence

from flylab.client import calls
from flylab.client.errors import AmbiguousTimeout, BadRequest, NotFound, WaitTimeout
from flylab.client.retry import Attempts, Repeat
from flylab.client.session import Session
from flylab.errors import ClientError
from flylab.wire.machine import Machine, MachineState


async def wait_for(
    session: Session,
    app: str,
    machine_id: str,
    wanted: Sequence[str],
    *,
    version: str | None,
    timeout: float,  # noqa: ASYNC109 - on the session's clock, in windows of the API
) -> str | None:
    """The state that was reached, if the API tells it; raises WaitTimeout after ``timeout`` seconds.

    408 ends a window and not the wait. ``destroyed`` and 404 mean the same; any other 404 is believed (NotFound) only
    after some tries, because a machine that was just created may not be found for a moment.
    """
    policy, clock = session.policy, session.clock
    words = " or ".join(wanted)
    deadline = clock.now() + timeout
    attempts = Attempts(policy, Repeat.SAFE, session.rng)
    missing = 0
    last, request_id = "", ""
    while (left := deadline - clock.now()) > 0 or not last:
        window = math.ceil(min(max(left, 1.0), policy.window))  # whole seconds, at least one
        call = calls.wait(app, machine_id, wanted, version=version, window=window)
        asked_at = clock.now()
        try:
            state = (await session.transport.send(call)).object().get("state")
            return state if isinstance(state, str) else None  # the older shape is {"ok": true} alone
        except BadRequest as error:
            # Some are told that a wait for `stopped` needs a version, and most are not (Kilo-Org/cloud pull request
            # 297): then it is the one that the machine has now.
            if version or "version" not in error.text:
                raise
            version = (await session.send(calls.get_machine(app, machine_id))).read(Machine.from_json).version
            continue
        except AmbiguousTimeout as error:
            attempts = Attempts(policy, Repeat.SAFE, session.rng)  # the API is well: earlier failures are forgiven
            last, request_id = error.text or "no more was said", error.request_id
            # A window that ends far too early is not ours to hurry through again and again.
            pause = policy.first_pause if clock.now() - asked_at < window / 2 else 0.0
        except NotFound as error:
            if MachineState.DESTROYED in wanted:
                return MachineState.DESTROYED
            missing += 1
            if missing >= policy.appearing_attempts:
                raise
            last, request_id = error.text or "not found", error.request_id
            pause = policy.appearing_pause
        except ClientError as error:
            after = attempts.pause_after(error)
            if after is None or clock.now() + after >= deadline:
                raise
            pause = after
        if pause:
            await clock.sleep(min(pause, max(deadline - clock.now(), 0.0)))
    raise WaitTimeout(
        f"wait for {calls.words_for(app, machine_id)}", wanted=words, seconds=timeout, last=last, request_id=request_id
    )
