"""How a start for a request can fail, in Fly's codes (monitoring/error-codes); the start itself is elsewhere."""

from flylab.errors import RuleError
from flylab.rules.life import Life
from flylab.rules.rates import Rates
from flylab.wire.machine import MachineState as S

COMING = frozenset({S.STARTING, S.RESTARTING, S.REPLACING})  # somebody else has started it: to wait is enough
STARTS = "Machines_start"  # what a wake counts as; the proxy uses the Machines API


def check_startable(life: Life) -> None:
    """Raise ``PM08`` when the machine's state allows no start."""
    if life.state not in (S.STOPPED, S.SUSPENDED):
        raise RuleError("PM08", f"machine {life.id} cannot be started, it is {life.state}")


def check_rate(rates: Rates, machine_id: str, now: float) -> None:
    """Raise ``PM01`` when the machine was started too often (reported: the proxy's own starts count)."""
    try:
        rates.take(STARTS, machine_id, now)
    except RuleError as exc:
        raise RuleError("PM01", f"machine {machine_id} was not woken: {exc.text}") from exc


def why_not_started(life: Life, state: str) -> RuleError:
    """What a start came to that ended in ``state``: PM10 when somebody stopped or destroyed it meanwhile, else PM07."""
    if asked_to_stop(life):
        return RuleError("PM10", f"the start of machine {life.id} was cancelled, it is {state}")
    return RuleError("PM07", f"machine {life.id} did not start, it is {state}")


def asked_to_stop(life: Life) -> bool:
    """Whether the last that happened to it is that somebody stopped or destroyed it."""
    last = life.log[-1][0] if life.log else None
    if last is None:
        return False
    exit_event = last.request.get("exit_event")
    return last.type in ("stop", "destroy") or (isinstance(exit_event, dict) and bool(exit_event.get("requested_stop")))
