"""What a public port of a service asks of the proxy beside its handlers: ``http_options``, ``tls_options`` and others.

Field names are Fly's (reference/configuration and the Machines API's document, fly.MachinePort). What a port says is
kept in its ``extra`` and written out from there; this is only how the proxy reads it.
"""

import re
from dataclasses import dataclass

from flylab.errors import ParseError
from flylab.wire.fields import Fields, Json

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
# Lines that say where a message ends or concern one connection; an option that wrote them could break the answer.
_FRAMING = frozenset(
    ("connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "proxy-connection")
)
_ALPN = ("h2", "http/1.1")  # what the edges speak; other words are passed over


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """``http_options``: times in seconds, None when unset; ``removed`` names lines of answers that are left out."""

    compress: bool = False
    h2_backend: bool = False
    idle_timeout: int | None = None
    headers_read_timeout: int | None = None
    pristine: bool = False
    added: tuple[tuple[str, str], ...] = ()
    removed: frozenset[str] = frozenset()

    @property
    def shapes(self) -> bool:
        """Whether anything of an answer's head is changed."""
        return bool(self.pristine or self.added or self.removed)


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsOptions:
    """``tls_options``: empty means whatever the proxy offers."""

    alpn: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PortOptions:
    """All of them; ``last`` is the end of a range of public ports, ``proxy_proto`` the version of that protocol."""

    http: HttpOptions = HttpOptions()
    tls: TlsOptions = TlsOptions()
    proxy_proto: str = "v1"
    first: int | None = None
    last: int | None = None


NONE = PortOptions()


def read_port_options(extra: Json, where: str) -> PortOptions:
    """From what a port says beside its number and handlers; raises ParseError for what the proxy cannot read."""
    if not extra:
        return NONE
    f = Fields(extra, where)
    first, last = f.maybe_integer("start_port"), f.maybe_integer("end_port")
    for key, port in (("start_port", first), ("end_port", last)):
        if port is not None and not 0 < port < 65536:
            raise ParseError(f.path(key), port, "a port is between 1 and 65535")
    if first is not None and last is not None and last < first:
        raise ParseError(f.path("end_port"), last, f"a port from start_port {first} on is expected")
    proxy = Fields(f.mapping("proxy_proto_options"), f.path("proxy_proto_options"))
    version = proxy.text("version", "v1") or "v1"
    if version not in ("v1", "v2"):
        raise ParseError(proxy.path("version"), version, "v1 or v2 is expected")
    http, tls = f.maybe("http_options", _http), f.maybe("tls_options", _tls)
    return PortOptions(http=http or HttpOptions(), tls=tls or TlsOptions(), proxy_proto=version, first=first, last=last)


def _http(value: object, where: str) -> HttpOptions:
    f = Fields(value, where)
    response = Fields(f.mapping("response"), f.path("response"))
    added: list[tuple[str, str]] = []
    removed: set[str] = set()
    for name, said in response.mapping("headers").items():
        path = f"{response.path('headers')}.{name}"
        if not _TOKEN.fullmatch(name) or name.lower() in _FRAMING:
            raise ParseError(path, name, "a header that the proxy may write is expected")
        if said is False:
            removed.add(name.lower())
            continue
        for each in said if isinstance(said, (list, tuple)) else (said,):
            if not isinstance(each, str) or not _VALUE.fullmatch(each):
                raise ParseError(path, each, "a text of one line, a list of such, or false is expected")
            added.append((name.lower(), each))
    return HttpOptions(
        compress=f.flag("compress"),
        h2_backend=f.flag("h2_backend"),
        idle_timeout=_seconds(f, "idle_timeout"),
        headers_read_timeout=_seconds(f, "headers_read_timeout"),
        pristine=response.flag("pristine"),
        added=tuple(added),
        removed=frozenset(removed),
    )


def _tls(value: object, where: str) -> TlsOptions:
    f = Fields(value, where)
    alpn = tuple(word for word in f.texts("alpn") if word in _ALPN)
    return TlsOptions(alpn=alpn, versions=f.texts("versions"))


def _seconds(f: Fields, key: str) -> int | None:
    value = f.maybe_integer(key)
    if value is not None and value < 0:
        raise ParseError(f.path(key), value, "a number of seconds is expected")
    return value or None  # 0 is how Go's JSON writes what was never said
