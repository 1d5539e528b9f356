"""One table of everything that the API and the proxy refuse with: name, HTTP status and the words of the error.

The server reads it one way (``refuse``), the client the other (``classify``). Where a row names no source, its status
is Fly's documentation of that endpoint (machines/api/working-with-machines-api, openapi).
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Code:
    """One way of being refused.

    ``word`` opens the error text, as in ``not_found: machine not found``; ``body_status`` is the body's own ``status``
    field; ``fragment`` is the part of the text that clients look for.
    """

    name: str
    http: int
    word: str = ""
    body_status: str = ""
    fragment: str = ""


class Capacity(StrEnum):
    """Where there was no room, and so what helps: another region, another volume, another machine."""

    REGION = "insufficient_capacity"
    VOLUME = "volume_placement_capacity"
    HOST = "host"


# The first row that fits an answer wins, so rows with a fragment stand before the general row of their status.
API = (
    # A mount of a volume that is gone, or of another region (public clients, 2023 and 2026-05).
    Code("volume_gone", 400, "invalid_argument", fragment="volume not found"),
    Code("wrong_region", 400, "invalid_argument", fragment="wrong region"),
    Code("invalid_argument", 400, "invalid_argument"),
    Code("malformed", 400),
    Code("unauthenticated", 401, fragment="Authenticate:"),
    Code("over_quota", 403, fragment="over the allowed quota"),
    Code("forbidden", 403),
    Code("machine_not_found", 404, "not_found", fragment="machine not found"),
    Code("volume_not_found", 404, "not_found", fragment="volume not found"),
    # flyctl takes these words at a release for a lease that has ended by itself.
    Code("lease_not_found", 404, "not_found", fragment="lease not found"),
    Code("not_found", 404, "not_found"),
    Code("no_such_path", 404),
    Code("method_not_allowed", 405),
    Code("deadline_exceeded", 408, "deadline_exceeded"),
    Code("ambiguous_timeout", 408),
    Code("already_exists", 409, "already_exists"),
    # fly-go flaps/flaps_error.go: no room on the machine's own host is a 409 without a ``status``.
    Code("host_capacity", 409, "aborted", fragment="available to fulfill request"),
    Code("lease_held", 409, "aborted", fragment="lease currently held by"),
    Code("concurrent_update", 409, "aborted", fragment="concurrent update"),
    Code("already_starting", 409, "aborted", fragment="still attempting to start"),
    Code("version_mismatch", 409, "aborted", fragment="current_version"),
    # fly-go looks at the end of the text, so nothing may follow these words.
    Code("volume_region_full", 409, "aborted", fragment="no capacity"),
    Code("conflict", 409),
    Code("volume_capacity", 412, "", Capacity.VOLUME, "insufficient resources"),
    Code("being_replaced", 412, "failed_precondition", fragment="getting replaced"),
    Code("still_active", 412, "failed_precondition", fragment="still active"),
    Code("not_stopped", 412, "failed_precondition", fragment="not currently stopped"),
    Code("not_running", 412, "failed_precondition", fragment="not running"),
    Code("wrong_state", 412, "failed_precondition", fragment="current state"),
    Code("volume_bound", 412, "failed_precondition", fragment="currently bound to machine"),
    Code("snapshot_scheduled", 412, "failed_precondition", fragment="already scheduled"),
    Code("failed_precondition", 412, "failed_precondition"),
    Code("body_too_large", 413),
    Code("region_capacity", 422, "", Capacity.REGION, "candidate host"),
    Code("name_taken", 422, "", "name_taken", "already been taken"),
    Code("unprocessable", 422),
    Code("rate_limited", 429, fragment="rate limit exceeded"),
    Code("internal", 500),
    Code("not_implemented", 501),
    Code("unavailable", 503),
)

# monitoring/error-codes names the codes. Statuses: 503 for "no machine can serve", 502 for a broken answer
# (getting-started/troubleshooting); 502 for PA01 to PA05 and 503 for the PM group are our choice, none is published.
PROXY = (
    *(Code(f"PA{n:02d}", 502) for n in range(1, 6)),
    *(Code(f"PC{n:02d}", 502) for n in range(1, 9)),
    *(Code(f"PE{n:02d}", 502) for n in range(1, 3)),
    *(Code(f"PL{n:02d}", 503) for n in range(1, 3)),
    *(Code(f"PM{n:02d}", 503) for n in range(1, 12)),
    Code("PP01", 502),
    Code("PR01", 503),
    Code("PR02", 502),
    Code("PR03", 503),
    Code("PR04", 503),
    Code("PR05", 502),
    *(Code(f"PT{n:02d}", 502) for n in range(1, 10)),
    *(Code(f"PU{n:02d}", 502) for n in range(1, 5)),
)

CODES = {code.name: code for code in (*API, *PROXY)}
UNKNOWN = "unknown"  # what ``classify`` says of an answer that no row fits


def http_status(name: str) -> int:
    """The status that goes with a code; 500 for one that is not in the table."""
    return CODES[name].http if name in CODES else 500


def refuse(name: str, text: str) -> tuple[int, dict[str, str]]:
    """Status and JSON body with which the API answers, the fragment that clients look for included.

    >>> refuse("machine_not_found", "machine not found")
    (404, {'error': 'not_found: machine not found'})
    """
    code = CODES.get(name, CODES["internal"])
    if code.fragment and code.fragment not in text:
        text = f"{text} ({code.fragment})" if text else code.fragment
    body = {"error": f"{code.word}: {text}" if code.word else text}
    return code.http, body | ({"status": code.body_status} if code.body_status else {})


def classify(http: int, text: str, body_status: str = "") -> str:
    """The name of the refusal in an answer, or ``unknown``; the body's own status is believed first (fly-go)."""
    rows = [code for code in API if code.http == http]
    if body_status and body_status != UNKNOWN:
        # Capacity also came as 503 from an older path, so the status of the body decides alone.
        for code in API:
            if code.body_status == body_status:
                return code.name
    for code in rows:
        if code.fragment and code.fragment in text:
            return code.name
    for code in rows:
        if not code.fragment and code.word and text.startswith(f"{code.word}:"):
            return code.name
    # Free text: the row that asks for the least stands for its status.
    least = sorted(rows, key=lambda code: (bool(code.fragment), bool(code.word)))
    return least[0].name if least else UNKNOWN
