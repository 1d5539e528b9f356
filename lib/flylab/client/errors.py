"""What can go wrong with a call to the Machines API, as exceptions; the reading of answers, but no decision to repeat.

ClientError                                   (flylab.errors)
├─ TransportError(sent)                       no answer came back; ``sent`` says whether the request may have arrived
├─ AnswerError                                a success whose body cannot be read
├─ WaitTimeout(wanted, seconds)               a machine did not reach a state in time
└─ StatusError(status, code, text, request_id)
   ├─ BadRequest            400
   ├─ Unauthorized          401
   ├─ Forbidden             403
   ├─ NotFound              404
   ├─ AmbiguousTimeout      408   a write may or may not have happened
   ├─ Conflict              409
   │  └─ AlreadyExists            a live machine has that name; ``machine_id`` is its id if it was told
   ├─ PreconditionFailed    412
   ├─ Unprocessable         422
   │  └─ NameTaken                the app name is somebody's
   ├─ RateLimited           429   ``retry_after`` in seconds if it was told
   ├─ NotOffered            501   the local platform knows the call by name and does not do it
   └─ ServerError           any other 5xx
"""

import json
import re

from flylab.errors import ClientError
from flylab.wire.codes import Capacity, classify

# fly-go's tests: the id follows these words in the 409 of a taken machine name.
_TAKEN_BY = re.compile(r"machine ID ([0-9a-f]{14,15})")
# An API behind a broken proxy may answer with a page; one line of it is enough for a sentence.
_LONGEST_TEXT = 300


class TransportError(ClientError):
    """No answer came back; when ``sent`` is false the request certainly did not arrive."""

    def __init__(self, asked: str, why: str, *, sent: bool) -> None:
        self.asked = asked
        self.why = why
        self.sent = sent
        super().__init__(f"{asked}: no answer, {why}" + (" (it may have been carried out)" if sent else ""))


class AnswerError(ClientError):
    """The API reported success with a body that cannot be read."""

    def __init__(self, asked: str, why: str, *, request_id: str = "") -> None:
        self.asked = asked
        self.request_id = request_id
        super().__init__(f"{asked}: the answer makes no sense, {why}{_tail(request_id)}")


class WaitTimeout(ClientError):
    """A machine did not reach the wanted state in ``seconds``; ``last`` is what the API said at the end."""

    def __init__(self, asked: str, *, wanted: str, seconds: float, last: str = "", request_id: str = "") -> None:
        self.asked = asked
        self.wanted = wanted
        self.seconds = seconds
        self.request_id = request_id
        super().__init__(
            f"{asked}: not {wanted} after {seconds:g} s" + (f", {last}" if last else "") + _tail(request_id)
        )


class StatusError(ClientError):
    """The API answered with an error status; ``code`` is the name of the refusal in ``wire/codes.py``."""

    def __init__(self, status: int, code: str, text: str, request_id: str, *, asked: str = "") -> None:
        self.status = status
        self.code = code
        self.text = text
        self.request_id = request_id
        self.asked = asked
        said = f"answered {status}" + (f", {text}" if text else " without a text")
        super().__init__(f"{asked}: {said}{_tail(request_id)}" if asked else f"{said}{_tail(request_id)}")

    @property
    def capacity(self) -> Capacity | None:
        """What is full, if that is the reason: each needs another cure and none is cured by repeating.

        Use another region, fork the volume, or create the machine anew instead of updating it.
        """
        # A volume create where the whole region is full: a 409 whose text ends in these words (fly-go).
        if self.status == 409 and self.text.endswith("no capacity"):
            return Capacity.REGION
        return _FULL.get(self.code)


class BadRequest(StatusError):
    """400: the request cannot be read; repeating it cannot help."""


class Unauthorized(StatusError):
    """401: no token, or one that this API does not know."""


class Forbidden(StatusError):
    """403: the app is in an organisation that the token cannot see, or a quota is used up (see ``capacity``)."""


class NotFound(StatusError):
    """404: the app or machine never existed, or it is gone."""


class AmbiguousTimeout(StatusError):
    """408: the API gave up waiting; a write may or may not have happened."""


class Conflict(StatusError):
    """409: the machine's version, lease or host does not allow it now."""


class AlreadyExists(Conflict):
    """409 ``already_exists``: a live machine of the app has that name."""

    @property
    def machine_id(self) -> str | None:
        """The id of the machine that has the name, where the text tells it."""
        found = _TAKEN_BY.search(self.text)
        return found[1] if found else None


class PreconditionFailed(StatusError):
    """412: the machine is not in a state that allows it; some of these pass by themselves."""


class Unprocessable(StatusError):
    """422: well-formed, and still not possible; the text names the field or the limit."""


class NameTaken(Unprocessable):
    """422 ``name_taken``: app names are global and this one is in use."""


class RateLimited(StatusError):
    """429: nothing was done; it can be asked again after a pause."""

    def __init__(
        self,
        status: int,
        code: str,
        text: str,
        request_id: str,
        *,
        asked: str = "",
        retry_after: float | None = None,
    ) -> None:
        self.retry_after = retry_after
        super().__init__(status, code, text, request_id, asked=asked)


class NotOffered(StatusError):
    """501: a call of Fly's that the local platform does not offer; the text names it."""


class ServerError(StatusError):
    """5xx: the API, or something in front of it, failed; a write may have happened."""


BY_STATUS: dict[int, type[StatusError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    408: AmbiguousTimeout,
    409: Conflict,
    412: PreconditionFailed,
    422: Unprocessable,
    429: RateLimited,
    501: NotOffered,
}

# Where one status means several things, the code decides.
BY_CODE: dict[str, type[StatusError]] = {"already_exists": AlreadyExists, "name_taken": NameTaken}

_FULL = {
    "region_capacity": Capacity.REGION,
    "volume_capacity": Capacity.VOLUME,
    "host_capacity": Capacity.HOST,
    # The organisation's quota in one region: a 403 that is not about permission (Kilo-Org/cloud pull request 516).
    "over_quota": Capacity.REGION,
}


def read_error(
    status: int, body: bytes, *, asked: str = "", request_id: str = "", retry_after: str = ""
) -> StatusError:
    """The exception for an error answer, from whichever of the three shapes its body has.

    ``{"error": "<text>", "status": "<code>"}`` is the usual one, leases answer
    ``{"status": "error", "message": "<text>", "code": "<word>"}``, and plain text or nothing is possible on any status
    (fly-go reads all three).
    """
    text, body_status = _read_body(body)
    code = classify(status, text, body_status)
    if status == 429:
        return RateLimited(status, code, text, request_id, asked=asked, retry_after=_seconds(retry_after))
    kind = BY_CODE.get(code) or BY_STATUS.get(status) or (ServerError if status >= 500 else StatusError)
    return kind(status, code, text, request_id, asked=asked)


def _read_body(body: bytes) -> tuple[str, str]:
    text = body.decode("utf-8", "replace")
    body_status = ""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, dict):
        text = next((value[key] for key in ("message", "error") if isinstance(value.get(key), str) and value[key]), "")
        body_status = value["status"] if isinstance(value.get("status"), str) else ""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…", body_status


def _seconds(retry_after: str) -> float | None:
    # Retry-After is not documented for this API; whole seconds are read, a date is not worth the trouble.
    return float(retry_after) if retry_after.isdecimal() else None


def _tail(request_id: str) -> str:
    return f" (request {request_id})" if request_id else ""
