"""Which requests and answers need nothing special, so that one machine's answer is simply passed on.

Nearly all are like that. What is decided for them is what ``Exchange`` decides, with nothing remembered of it; as soon
as anything else happens ``Exchange.took`` gives the exchange that there would have been.
"""

from collections.abc import Mapping

from flylab.rules.hops import Cause, Hop, Outcome
from flylab.rules.limits import ExchangeSettings
from flylab.rules.routing import Choice
from flylab.wire import headers

_FORCE = headers.FORCE_INSTANCE.encode()
_REPLAY = headers.REPLAY.encode()
_JSON = headers.REPLAY_JSON.encode()
_CACHE = headers.REPLAY_CACHE.encode()
_SPECIAL = frozenset(name.encode() for name in (*headers.CHOOSING, "upgrade", "expect"))


def allows(settings: ExchangeSettings) -> bool:
    """Whether what the proxy alone says and hears stays with it, as on Fly; else lines come and go on the way."""
    replay = settings.replay
    return replay.hide_from_machines and replay.forward_choosing and replay.hide_from_clients


def asks_nothing(values: Mapping[bytes, bytes]) -> bool:
    """Whether a request's lines ask nothing of the proxy; a trace changes nothing of its way."""
    return _SPECIAL.isdisjoint(values) and _FORCE not in values.get(b"cookie", b"")


def says_nothing(status: int, values: Mapping[bytes, bytes]) -> bool:
    """Whether an answer is for the client and is the last one."""
    if status < 200 or _REPLAY in values:
        return False
    return _is_other(values.get(b"content-type"))


def _is_other(kind: bytes | None) -> bool:
    """Whether a content type is not that of a replay."""
    return kind is None or kind.partition(b";")[0].strip().lower() != _JSON


def words_of(status: int, values: Mapping[bytes, bytes]) -> str | None:
    """The replay that an answer asks for in a header, when that is all that is about it."""
    said = values.get(_REPLAY)
    if status < 200 or said is None or _CACHE in values or not _is_other(values.get(b"content-type")):
        return None
    return said.decode("latin-1")


def visited(choice: Choice, began: float, ended: float, status: int) -> Hop:
    """The only hop of such a request."""
    row = choice.row
    return Hop(
        machine=row.id,
        app=row.app,
        region=row.region,
        cause=Cause.ROUTE,
        wanted="",
        started=began,
        ended=ended,
        tries=1,
        outcome=Outcome.RESPONSE,
        status=status,
    )
