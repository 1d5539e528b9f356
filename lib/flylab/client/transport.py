"""One request to the Machines API and its answer; httpx and its exceptions stay in here, repeating is the caller's."""

import ipaddress
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from flylab.client.errors import AnswerError, TransportError, read_error
from flylab.client.retry import Repeat, RetryPolicy
from flylab.errors import ParseError, UsageError

T = TypeVar("T")

_log = logging.getLogger(__name__)

# fly-go tokens/: macaroons go under Fly's own scheme, everything else is a Bearer token.
_MACAROON = ("fm1r_", "fm1a_", "fm2_")
_HOST = re.compile(r"[\w.:-]+")  # httpx takes more than that and fails only when it connects


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: ``asked`` says in words what for, and opens the text of every error."""

    asked: str
    method: str
    path: str
    query: Mapping[str, str | int | bool] = field(default_factory=dict)
    body: object = field(default=None, repr=False)  # it may hold secrets
    repeat: Repeat = Repeat.SAFE
    headers: Mapping[str, str] = field(default_factory=dict)
    patience: float = 0.0  # seconds that the API may take on purpose, above the usual time for an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A success: the parsed JSON (None for an empty body) and the id of the request."""

    asked: str
    status: int
    value: Any
    request_id: str

    def read(self, from_json: Callable[[Any], T]) -> T:
        """The body as what ``from_json`` makes of it; raises AnswerError when it cannot be read."""
        return self._convert(self.value, from_json)

    def read_each(self, from_json: Callable[[Any], T], *, within: str = "") -> list[T]:
        """The same for every item of the array that the body is, or has as its field ``within``."""
        items = self.object().get(within) or [] if within else self.value
        if not isinstance(items, list):
            raise AnswerError(self.asked, "it is not a JSON array", request_id=self.request_id)
        return [self._convert(item, from_json) for item in items]

    def object(self) -> dict[str, Any]:
        """The body as a JSON object; raises AnswerError when it is something else."""
        if not isinstance(self.value, dict):
            raise AnswerError(self.asked, "it is not a JSON object", request_id=self.request_id)
        return self.value

    def _convert(self, value: Any, from_json: Callable[[Any], T]) -> T:
        try:
            return from_json(value)
        except ParseError as exc:
            raise AnswerError(self.asked, str(exc), request_id=self.request_id) from exc


class Transport:
    """Sends calls to one API with one token; the token is in no text, repr or log."""

    def __init__(
        self, base_url: str, token: str, *, policy: RetryPolicy, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.base_url = _normal(base_url)
        self._token = token.strip()
        # Checked here because the libraries below would quote a malformed header in their errors.
        if not (self._token and self._token.isascii() and self._token.isprintable()):
            raise UsageError("the API token is empty or has characters that cannot be in a header")
        self._policy = policy
        self.near = near = _is_near(httpx.URL(self.base_url).host)
        self._http = httpx.AsyncClient(
            base_url=self.base_url,
            headers={"authorization": _authorization(self._token), "accept": "application/json"},
            timeout=httpx.Timeout(policy.answer_timeout, connect=policy.connect_timeout),
            # Proxy variables and certificates (90 ms to load) are for the real service; a near one needs neither.
            trust_env=not near,
            verify=not near,
            transport=transport,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, call: Call) -> Answer:
        """Send once; raises StatusError for every status from 300 up, TransportError without an answer."""
        timeout = httpx.Timeout(self._policy.answer_timeout + call.patience, connect=self._policy.connect_timeout)
        query = {
            key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in call.query.items()
        }
        try:
            response = await self._http.request(
                call.method,
                call.path,
                params=query or None,
                json=call.body,
                headers=dict(call.headers),
                timeout=timeout,
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as exc:
            raise TransportError(call.asked, f"{self.base_url} cannot be reached", sent=False) from exc
        except httpx.TimeoutException as exc:
            raise TransportError(call.asked, f"none within {timeout.read:g} s", sent=True) from exc
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as exc:
            raise TransportError(call.asked, f"the connection failed ({type(exc).__name__})", sent=True) from exc
        return self._read(call, response)

    async def events(self, call: Call) -> AsyncIterator[object]:
        """The JSON of each server-sent event, one a line, as it comes; raises as ``send`` does."""
        timeout = httpx.Timeout(self._policy.answer_timeout, connect=self._policy.connect_timeout, read=None)
        query = {
            key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in call.query.items()
        }
        try:
            async with self._http.stream(call.method, call.path, params=query or None, timeout=timeout) as response:
                if response.status_code >= 300:
                    await response.aread()
                    self._read(call, response)
                async for line in response.aiter_lines():
                    if line.startswith("data:"):
                        yield json.loads(line[5:])
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as exc:
            raise TransportError(call.asked, f"{self.base_url} cannot be reached", sent=False) from exc
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as exc:
            raise TransportError(call.asked, f"the connection failed ({type(exc).__name__})", sent=True) from exc
        except ValueError as exc:
            raise AnswerError(call.asked, "an event is not JSON") from exc

    def _read(self, call: Call, response: httpx.Response) -> Answer:
        request_id = response.headers.get("fly-request-id", "")
        _log.debug("%s: %d (request %s)", call.asked, response.status_code, request_id)
        if response.status_code >= 300:
            # A careless server may echo the request's headers.
            body = response.content.replace(self._token.encode(), b"[token]")
            retry_after = response.headers.get("retry-after", "")
            raise read_error(
                response.status_code, body, asked=call.asked, request_id=request_id, retry_after=retry_after
            )
        try:
            value = json.loads(response.content) if response.content.strip() else None
        except ValueError as exc:
            raise AnswerError(call.asked, "it is not JSON", request_id=request_id) from exc
        return Answer(asked=call.asked, status=response.status_code, value=value, request_id=request_id)


def _normal(base_url: str) -> str:
    text = base_url.strip()
    if "://" not in text:
        host = text.split("/")[0].rsplit(":", 1)[0].strip("[]")
        text = f"{'http' if _is_near(host) else 'https'}://{text}"
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as exc:
        raise UsageError("the API's address cannot be read, http(s)://host[:port] is expected") from exc
    if url.scheme not in ("http", "https") or not _HOST.fullmatch(url.host) or url.userinfo:
        raise UsageError(f"the API's address must be http(s)://host[:port], not {url.copy_with(userinfo=b'')!s}")
    return text.rstrip("/").removesuffix("/v1") + "/v1"


def _is_near(host: str) -> bool:
    """True for this computer and for Fly's private network, where no proxy and no certificate is in between."""
    if host == "localhost" or host.endswith((".localhost", ".internal")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _authorization(token: str) -> str:
    if token.startswith(("FlyV1 ", "Bearer ")):
        return token
    return f"FlyV1 {token}" if token.startswith(_MACAROON) else f"Bearer {token}"
