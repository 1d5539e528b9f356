"""TLS at the edges: which context answers to which host name (SNI), and what is offered by ALPN; it reads no bytes.

ClientHello ──SNI──► context of that name, made on first use ──ALPN──► h2 or http/1.1
"""

import re
import ssl
from collections import OrderedDict
from collections.abc import Callable
from weakref import WeakKeyDictionary

from flylab.local.authority import Authority
from flylab.wire.port_options import TlsOptions

_KNOWN = 512  # our choice: contexts that are kept, about 50 kB each
_DEFAULT = ("localhost", "127.0.0.1", "::1")  # for clients that name no host
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}")
_LONGEST = 253  # characters of a host name (RFC 1035, 2.3.4)

Options = Callable[[str], TlsOptions]


class Contexts:
    """One context for each host name; ``known`` says whether the edges answer to a name at all."""

    def __init__(self, authority: Authority, known: Callable[[str], bool], options: Options) -> None:
        self._authority = authority
        self._known = known
        self._options = options
        self._named: WeakKeyDictionary[ssl.SSLObject | ssl.SSLSocket, str] = WeakKeyDictionary()
        self._made: OrderedDict[tuple[str, TlsOptions, bool], ssl.SSLContext] = OrderedDict()
        self.http = self._first(http=True)
        self.raw = self._first(http=False)  # for the tls handler alone: what is inside is not HTTP

    def _first(self, *, http: bool) -> ssl.SSLContext:
        context = _context(TlsOptions(), http=http)
        self._authority.load(context, _DEFAULT)

        def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> int | None:
            if name is None or (name := name.lower()) in _DEFAULT:
                return None
            if len(name) > _LONGEST or not _NAME.fullmatch(name) or not self._known(name):
                return ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            connection.context = self._of(name, http=http)
            self._named[connection] = name
            return None

        context.sni_callback = choose
        return context

    def _of(self, name: str, *, http: bool) -> ssl.SSLContext:
        options = self._options(name)
        key = (name, options, http)
        if key not in self._made:
            context = _context(options, http=http)
            self._authority.load(context, (name,))
            self._made[key] = context
            if len(self._made) > _KNOWN:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        return self._made[key]

    def allows(self, connection: ssl.SSLObject) -> bool:
        """Whether the app of the name that was asked for takes the version that was agreed.

        OpenSSL agrees on the version before it hears the name, so that it can only be looked at afterwards.
        """
        name = self._named.get(connection)
        versions = self._options(name).versions if name else ()
        return not versions or connection.version() in versions


def _context(options: TlsOptions, *, http: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if http:
        context.set_alpn_protocols(list(options.alpn or ("h2", "http/1.1")))
    elif options.alpn:
        context.set_alpn_protocols(list(options.alpn))
    return context
