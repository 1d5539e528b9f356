"""Points in time as the Machines API writes them: RFC 3339 in UTC, to and from seconds since the epoch."""

from datetime import UTC, datetime

from flylab.errors import ParseError


def format_moment(seconds: float) -> str:
    """``2026-10-05T07:00:00.123Z``."""
    return datetime.fromtimestamp(round(seconds, 3), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_moment(value: object, what: str = "time") -> float:
    """Seconds since the epoch; a time without a zone is refused."""
    if not isinstance(value, str):
        raise ParseError(what, value, "a time such as 2026-10-05T07:00:00Z is expected")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as exc:
        raise ParseError(what, value, "a time such as 2026-10-05T07:00:00Z is expected") from exc
    if moment.tzinfo is None:
        raise ParseError(what, value, "the time zone is missing")
    return moment.timestamp()
