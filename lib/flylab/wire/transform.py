"""How a replay changes the request for its target: another path, headers taken away, headers set (JSON form only).

    {"instance": "…", "transform": {"path": "/rooms/blue?x=1", "delete_headers": ["fly-force-instance-id"],
                                    "set_headers": [{"name": "x-room", "value": "blue"}]}}

What frames a message, and what the proxy alone may say, is out of reach: with it an app could make two programs read
one connection differently, or speak in the proxy's name. Fields after networking/dynamic-request-routing, the bounds
are our choice.
"""

import re
from dataclasses import dataclass, field

from flylab.errors import ParseError
from flylab.wire import headers
from flylab.wire.fields import Fields

_PATH = re.compile(r"/[\x21\x22\x24-\x7e]*", re.ASCII)  # visible ASCII without '#', which no request line carries
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_HOST = re.compile(r"[A-Za-z0-9.\-_]+(?::[0-9]*)?|\[[0-9A-Fa-f:.]+\](?::[0-9]*)?", re.ASCII)
_LONGEST_PATH = 8192
_MOST_HEADERS = 100

# Lines that say where a message ends or what becomes of its connection (RFC 9110, section 7.6.1).
FRAMING = frozenset(
    ("connection", "content-length", "expect", "http2-settings", "keep-alive", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade")
)  # fmt: skip
OUT_OF_REACH = FRAMING | headers.PROXY_WRITES


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """Names in lower case; ``set_headers`` has each name once; ``unknown`` are fields that have no effect."""

    path: str | None = None
    delete_headers: tuple[str, ...] = ()
    set_headers: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = field(default=(), compare=False)


def parse_transform(value: object, where: str = "transform") -> Transform:
    """Read the object; raises ParseError for whatever a request could not carry."""
    f = Fields(value, where)
    path = f.maybe_text("path")
    if path is not None and not (_PATH.fullmatch(path) and len(path) <= _LONGEST_PATH):
        why = f"a path begins with '/', is of visible ASCII without '#' and has {_LONGEST_PATH} characters at most"
        raise ParseError(f.path("path"), path, why)
    deleted = f.items("delete_headers", _name)
    if "host" in deleted:
        raise ParseError(f.path("delete_headers"), "host", "no request is without it")
    # A later one replaces an earlier one of the same name, as each replaces what the client sent.
    given = dict(f.items("set_headers", _header))
    for names, key in ((deleted, "delete_headers"), (given, "set_headers")):
        if len(names) > _MOST_HEADERS:
            raise ParseError(f.path(key), len(names), f"{_MOST_HEADERS} headers are the most")
    unknown = tuple(f"{where}.{key}" for key in f.rest())
    return Transform(path=path, delete_headers=deleted, set_headers=tuple(given.items()), unknown=unknown)


def _name(value: object, where: str) -> str:
    if not (isinstance(value, str) and _NAME.fullmatch(value)):
        raise ParseError(where, value, "the name of a header is expected")
    name = value.lower()
    if name in OUT_OF_REACH or name.replace("_", "-") in headers.PROXY_WRITES:  # for CGI the two are one
        raise ParseError(where, value, "that header is the proxy's own")
    return name


def _header(value: object, where: str) -> tuple[str, str]:
    f = Fields(value, where)
    name = _name(f.take("name"), f.path("name"))
    # Header text is bytes read as latin-1 throughout; other characters travel as their UTF-8 bytes.
    text = f.text("value").encode("utf-8", "replace").decode("latin-1").strip(" \t")
    if not _VALUE.fullmatch(text):
        raise ParseError(f.path("value"), text, "a header cannot carry these characters")
    if name == "host" and not _HOST.fullmatch(text):
        raise ParseError(f.path("value"), text, "it names no host")
    return name, text
