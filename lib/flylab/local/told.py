"""The records of requests that went straight, made when somebody asks for them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from flylab.local.targets import Second, Target
from flylab.local.trace import Record
from flylab.rules.hops import Hop, Outcome
from flylab.rules.onward import trail

if TYPE_CHECKING:
    from flylab.local.edge import Edge

Json = dict[str, object]
Hops = Callable[[float, float, int], list[Hop]]  # when it began and ended, and with which status


def told(
    edge: "Edge",
    asked: tuple[str, bytes, bytes],
    hops: Hops,
    request_id: bytes,
    status: int,
    started_at: float,
    began: float,
    ended: float,
) -> Json:
    """What is remembered of one that is over, as JSON; of its head app, method and target are."""
    app, method, target = asked
    return Record(
        request_id.decode(),
        edge.region,
        app,
        method,
        target,
        status,
        started_at,
        began,
        ended,
        hops(began, ended, status),
        edge.latency,
        None,
        {},  # with faults armed nothing goes straight
    )()


def told_on(
    origin: Target, said: int, went_on: float, second: Second, target: Target, began: float, ended: float, status: int
) -> list[Hop]:
    """The hops of one that was replayed."""
    assert second.onward is not None
    hops = trail(origin.choice, said, began, went_on, second.onward, target.choice)
    hops[-1].ended, hops[-1].outcome, hops[-1].status = ended, Outcome.RESPONSE, status
    return hops
