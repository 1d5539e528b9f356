"""What the proxy's request headers say about a request: where it entered and how it was passed on."""

from typing import Protocol

from app.placement import Arrival
from app.protocol import Path
from flylab.errors import ParseError
from flylab.wire import headers as names
from flylab.wire.replay import ReplayFailure, ReplaySource, parse_failure, parse_source


class Headers(Protocol):
    """Request headers, whatever the case of their names."""

    def get(self, key: str, default: str, /) -> str:
        """The value of a header."""


def read_arrival(headers: Headers) -> Arrival:
    """What placement needs to know; a source that cannot be read counts as none."""
    return Arrival(
        source=_source(headers),
        unavailable=headers.get(names.PREFERRED_UNAVAILABLE, "").strip(),
        failed=_failure(headers),
    )


def read_path(headers: Headers) -> Path:
    """What a member is shown about the way of its connection."""
    source = _source(headers)
    return Path(
        edge=headers.get(names.REGION, ""),
        replayed_from=source.instance if source else "",
        replayed_region=source.region if source else "",
        request=headers.get(names.REQUEST_ID, ""),
    )


def same_origin(headers: Headers, *, allowed: tuple[str, ...]) -> bool:
    """Whether a page of ours (or a program, which sends no Origin) asks; else another site uses its visitor's browser.

    Compared with Host as the proxy passes it on. ``allowed`` are further origins, such as ``https://example.org``.
    """
    origin = headers.get("Origin", "")
    if not origin or origin in allowed:
        return True
    return origin.partition("://")[2].lower() == headers.get("Host", "").lower()


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
