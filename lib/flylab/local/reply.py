"""The answer to one request on its way to the client, whether a machine gave it or the proxy itself."""

from typing import Protocol

from flylab.local.body import chunk, last_chunk
from flylab.local.heads import HeadWriter
from flylab.local.http1 import RequestHead, ResponseHead
from flylab.local.shaping import Encoder, coded, shaped
from flylab.rules.effects import Refuse
from flylab.wire.port_options import HttpOptions


class Listener(Protocol):
    """What a reply needs of the connection to the client."""

    def write(self, data: bytes) -> None: ...

    def request_complete(self) -> bool:
        """Whether the request's body has been read to its end."""


class Reply:
    """Writes one answer in the framing that the client understands; ``status`` is None until it has begun."""

    __slots__ = (
        "_chunked",
        "_client",
        "_encoder",
        "_heads",
        "_request",
        "_request_id",
        "_unsent",
        "close",
        "options",
        "status",
    )

    def __init__(self, client: Listener, heads: HeadWriter, request: RequestHead, request_id: bytes) -> None:
        self.status: int | None = None
        self.close = False  # the connection cannot carry another request
        self._client = client
        self._heads = heads
        self._request = request
        self._request_id = request_id
        self._chunked = False
        self.options: HttpOptions | None = None  # what is changed of a machine's answer
        self._encoder: Encoder | None = None
        self._unsent: list[bytes] = []  # until all that came at once has been read

    def hint(self, head: ResponseHead) -> None:
        """Pass an answer before the answer, such as 103, to clients that know of them."""
        if self._request.minor == 1:
            self._client.write(b"HTTP/1.1 %d %b\r\n%b\r\n" % (head.status, head.reason, head.travelling))

    def begin(self, head: ResponseHead, added: bytes) -> None:
        """Start a machine's answer."""
        self.status = head.status
        options = self.options
        if options is not None and options.compress:
            head, self._encoder = coded(head, self._request)
        has_body = head.has_body(self._request.method)
        self._chunked = has_body and head.fields.length is None and self._request.minor == 1
        self.close = head.status != 101 and not self._keeps_alive()
        data = self._heads.response(
            head, request_id=self._request_id, added=added, chunked=self._chunked, close=self.close
        )
        self._unsent.append(data if options is None or not options.shapes else shaped(data, head, options))

    def body(self, payload: bytes) -> None:
        if self._encoder is not None and not (payload := self._encoder.feed(payload)):
            return
        self._unsent.append(chunk(payload) if self._chunked else payload)

    def end(self, trailers: bytes) -> None:
        """The answer is complete; its trailers are lost on clients that do not get chunks."""
        encoder, self._encoder = self._encoder, None
        if encoder is not None and (rest := encoder.finish()):
            self.body(rest)
        if self._chunked:
            self._unsent.append(last_chunk(trailers))
        self.flush()

    def flush(self) -> None:
        """Send what has been gathered; head and body that came together leave in one packet and one system call."""
        if self._encoder is not None and (made := self._encoder.flush()):
            self._unsent.append(chunk(made) if self._chunked else made)
        if self._unsent:
            self._client.write(self._unsent[0] if len(self._unsent) == 1 else b"".join(self._unsent))
            self._unsent.clear()

    def refuse(self, effect: Refuse, added: bytes) -> None:
        """Answer in the proxy's own name."""
        self.status, self.close = effect.status, not self._keeps_alive()
        self._client.write(
            self._heads.refusal(
                effect.status,
                f"{effect.code}: {effect.text}",
                added=b"fly-request-id: %b\r\n%b" % (self._request_id, added),
                close=self.close,
                head_only=self._request.method == b"HEAD",
            )
        )

    def _keeps_alive(self) -> bool:
        return self._request.keep_alive and self._client.request_complete()
