"""The heads that an edge writes: requests to machines, answers to clients, and its own short refusals."""

from http import HTTPStatus

from flylab import __version__
from flylab.local.http1 import RequestHead, ResponseHead

_FORWARDED_FOR = b"x-forwarded-for"
# The last entry is an address of the app (networking/request-headers): here that which all apps share, as on Fly for
# an app that is found by its name; rules/addresses.py hands it out.
_APP = b"203.0.113.1"
_FORWARDED_PORT = b"x-forwarded-port"
_ADDRESSES = 16  # clients for whom the lines of one block are kept; our choice


class HeadWriter:
    """Adds what Fly's proxy adds (networking/request-headers); most of it is the same for all requests of an edge."""

    def __init__(self, region: str, *, public_port: int, secure: bool = False, version: bytes = b"1.1") -> None:
        self._port = b"%d" % public_port
        proto, over_tls = (b"https", b"on") if secure else (b"http", b"off")
        self._request_lines = (
            b"fly-forwarded-port: %d\r\nfly-region: %b\r\nx-forwarded-proto: %b\r\nx-forwarded-ssl: %b\r\n"
            b"via: %b fly.io\r\n" % (public_port, region.encode(), proto, over_tls, version)
        )
        self._response_lines = b"server: Fly/flylab-%b\r\nvia: %b fly.io\r\n" % (__version__.encode(), version)
        self.ending = self._response_lines + b"fly-request-id: "  # of every answer, and wants its value

    def request(
        self,
        head: RequestHead,
        *,
        address: bytes,
        request_id: bytes,
        added: tuple[tuple[str, str], ...],
        expects: bool = False,
    ) -> bytes:
        """The client's head for a machine; ``added`` are the lines of this hop alone."""
        more = b"expect: 100-continue\r\n" if expects else b""
        for name, value in added:
            more += f"{name}: {value}\r\n".encode("latin-1")
        return b"%b%b\r\n%b\r\n" % (self.begun(head, address), request_id, more)

    def begun(self, head: RequestHead, address: bytes) -> bytes:
        """The client's head for a machine up to the request's id, with which the last line of all requests ends."""
        written = head.fields.written
        key = (self, address, head.minor)
        lines = written.get(key)
        if lines is None:
            if len(written) >= _ADDRESSES:
                written.clear()
            lines = written[key] = self._request_lines_of(head, address)
        return b"%b %b HTTP/1.1\r\n%b" % (head.method, head.target, lines)

    def _request_lines_of(self, head: RequestHead, address: bytes) -> bytes:
        """All lines that do not depend on the request but on its head and who sent it; the last wants its value."""
        fields = head.fields
        seen = fields.values.get(_FORWARDED_FOR)
        upgrade = head.upgrade
        words = [word.strip(b" \t").lower() for word in fields.values.get(b"te", b"").split(b",")]
        return b"".join(
            (
                fields.kept,
                b"transfer-encoding: chunked\r\n" if fields.chunked else b"",
                b"connection: upgrade\r\nupgrade: %b\r\n" % upgrade if upgrade else b"",
                # Trailers are passed on, so what the client says of them holds for us as well.
                b"te: trailers\r\nconnection: te\r\n" if b"trailers" in words and not upgrade else b"",
                self.tail(address, seen, fields.values.get(_FORWARDED_PORT)),
            )
        )

    def tail(self, address: bytes, seen: bytes | None = None, port: bytes | None = None) -> bytes:
        """The lines behind those of the client; the last wants its value.

        The client may have said whom it forwards for, and from which port.
        """
        return b"".join(
            (
                b"fly-client-ip: %b\r\n" % address,
                b"x-forwarded-for: %b\r\n" % b", ".join((seen, address, _APP) if seen else (address, _APP)),
                b"x-forwarded-port: %b\r\n" % (self._port if port is None else port),
                self._request_lines,
                b"fly-request-id: ",
            )
        )

    def response(self, head: ResponseHead, *, request_id: bytes, added: bytes, chunked: bool, close: bool) -> bytes:
        """A machine's head for the client."""
        lines = self.answered(head, chunked=chunked)
        return b"%b%b\r\n%b%b" % (lines, request_id, added, b"connection: close\r\n\r\n" if close else b"\r\n")

    def answered(self, head: ResponseHead, *, chunked: bool = False) -> bytes:
        """A machine's head for the client up to the request's id, with which the last line of all answers ends."""
        written = head.fields.written
        key = (self, head.status, head.reason, chunked)
        lines = written.get(key)
        if lines is None:
            if len(written) >= _ADDRESSES:
                written.clear()
            lines = written[key] = self._response_lines_of(head, chunked=chunked)
        return lines

    def _response_lines_of(self, head: ResponseHead, *, chunked: bool) -> bytes:
        upgrade = b""
        if head.status == 101:
            upgrade = b"connection: upgrade\r\nupgrade: %b\r\n" % head.fields.values.get(b"upgrade", b"")
        return b"".join(
            (
                b"HTTP/1.1 %d %b\r\n%b" % (head.status, head.reason, head.travelling),
                upgrade,
                b"transfer-encoding: chunked\r\n" if chunked else b"",
                self.ending,
            )
        )

    def refusal(self, status: int, text: str, *, added: bytes = b"", close: bool, head_only: bool = False) -> bytes:
        """An answer of the proxy's own, complete: one sentence as plain text."""
        body = f"{text}\n".encode()
        return b"".join(
            (
                f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode(),
                b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n" % len(body),
                self._response_lines,
                added,
                b"connection: close\r\n\r\n" if close else b"\r\n",
                b"" if head_only else body,
            )
        )
