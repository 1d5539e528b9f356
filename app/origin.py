"""Whether a page of ours asks, or another site uses its visitor's browser: the check of ``Origin`` (RFC 6454); pure."""

import re
from typing import TYPE_CHECKING

from flylab.errors import ParseError

if TYPE_CHECKING:  # a wrong setting shall be told before so much is imported (app/__main__.py)
    from app.arrival import Headers

# The origin of pages that have none of their own: a file, a sandboxed frame, the answer to a redirect between sites.
NOBODY = "null"

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def parse_origin(text: str) -> str:
    """An origin as browsers write it: ``https://Example.org:443`` is ``https://example.org``; ``null`` is itself.

    Raises `ParseError` for anything else, also for an address with a path.
    """
    if text == NOBODY:
        return NOBODY
    found = _ORIGIN.fullmatch(text.lower())
    if found is None:
        raise ParseError("origin", text, "use scheme://host or scheme://host:port, or null")
    scheme, host, port = found.groups()
    given = str(int(port)) if port else ""
    return f"{scheme}://{host}" if given in ("", _DEFAULT_PORTS.get(scheme)) else f"{scheme}://{host}:{given}"


def own_origin(headers: "Headers") -> str:
    """The origin of our pages as whoever sent this request sees it; empty when the request does not say.

    The proxy ends TLS and says in ``X-Forwarded-Proto`` what the visitor spoke; without it the request came as it is.
    """
    scheme = headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower() or "http"
    host = headers.get("Host", "").strip()
    try:
        return parse_origin(f"{scheme}://{host}")
    except ParseError:
        return ""


def same_origin(headers: "Headers", *, allowed: tuple[str, ...]) -> bool:
    """Whether a page of ours asks, one of ``allowed`` (as `parse_origin` writes them), or a program: no Origin."""
    text = headers.get("Origin", "")
    if not text:
        return True
    try:
        origin = parse_origin(text.strip())
    except ParseError:
        return False
    return origin in allowed or (origin != NOBODY and origin == own_origin(headers))
