"""What the proxy's headers say about a request: where it entered, how it was passed on, what may be believed."""

import re
from dataclasses import dataclass
from typing import Protocol

from app.protocol import Path
from app.signing import MOST_REPLAYS, Keys, Reading, Signer, State
from flylab.errors import ParseError
from flylab.wire import headers as names
from flylab.wire.replay import ReplayFailure, ReplaySource, parse_failure, parse_source

# The query parameter that counts how often we sent a visitor to the same address again.
AGAIN = "again"

_AGAIN = re.compile(rf"(?:^|&){AGAIN}=(\d{{1,2}})(?=&|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What a request brings with it. ``state`` is there only when it may be believed.

    ``hops`` counts the replays behind it, ``unavailable`` is the machine that the last one preferred and could not
    reach, ``failed`` tells of a replay of ours that reached nobody. ``method`` is empty for an upgrade; ``again``
    counts how often the visitor was sent to ``target`` again.
    """

    edge: str = ""
    source: ReplaySource | None = None
    state: State | None = None
    hops: int = 0
    unavailable: str = ""
    failed: ReplayFailure | None = None
    method: str = ""
    target: str = ""
    again: int = 0

    @property
    def tried(self) -> tuple[str, ...]:
        """Machines that could not take the room."""
        return self.state.tried if self.state is not None else ()


class Headers(Protocol):
    """Request headers, whatever the case of their names."""

    def get(self, key: str, default: str, /) -> str:
        """The value of a header."""


async def receive(headers: Headers, keys: Keys, *, room: str = "", method: str = "", target: str = "") -> Arrival:
    """`read_arrival` with the signer fetched, if there is a state for it to read."""
    signer = await keys.signer() if headers.get(names.REPLAY_SRC, "") else None
    return read_arrival(headers, room=room, signer=signer, method=method, target=target)


def read_arrival(
    headers: Headers, *, room: str = "", signer: Signer | None = None, method: str = "", target: str = ""
) -> Arrival:
    """What placement needs to know of a request for ``room`` (empty: whichever a state names).

    ``method`` is empty for an upgrade; ``target`` is the path with the query. A source that cannot be read counts as
    none. Without a ``signer`` no state is believed and none of ours may be replayed on.
    """
    source = _source(headers)
    if source is None:
        reading = Reading(None, 0)
    else:
        reading = Reading(None, MOST_REPLAYS) if signer is None else signer.read(source.state, room=room)
    return Arrival(
        edge=headers.get(names.REGION, ""),
        source=source,
        state=reading.state,
        hops=reading.hops,
        unavailable=headers.get(names.PREFERRED_UNAVAILABLE, "").strip(),
        failed=_failure(headers),
        method=method,
        target=target,
        again=times_again(target),
    )


def times_again(target: str) -> int:
    """How often the visitor was already sent to this address again."""
    found = _AGAIN.search(target.partition("?")[2]) if AGAIN in target else None
    return int(found[1]) if found else 0


def again_at(target: str, times: int) -> str:
    """The same path and query with the count; always an address on this host, whatever the path looked like."""
    path, _, query = target.partition("?")
    kept = [part for part in query.split("&") if part and not part.startswith(f"{AGAIN}=")]
    return "/" + path.lstrip("/\\") + "?" + "&".join([*kept, f"{AGAIN}={times}"])


def read_path(headers: Headers) -> Path:
    """What a member is shown about the way of its connection."""
    source = _source(headers)
    return Path(
        edge=headers.get(names.REGION, ""),
        replayed_from=source.instance if source else "",
        replayed_region=source.region if source else "",
        request=headers.get(names.REQUEST_ID, ""),
    )


def _source(headers: Headers) -> ReplaySource | None:
    text = headers.get(names.REPLAY_SRC, "")
    try:
        return parse_source(text) if text else None
    except ParseError:
        return None


def _failure(headers: Headers) -> ReplayFailure | None:
    text = headers.get(names.REPLAY_FAILED, "")
    try:
        return parse_failure(text) if text else None
    except ParseError:
        return None
