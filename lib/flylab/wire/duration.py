"""Durations in Go's notation, as the Machines API and fly.toml write them, to and from seconds."""

import re
from fractions import Fraction

from flylab.errors import ParseError

_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,  # the Greek letter; Go reads both
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_TERM = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([a-zµμ]+)", re.ASCII | re.IGNORECASE)
_LONGEST = 100  # characters; our choice, Python refuses to read a number of some thousand digits
_MOST = 2**63 - 1  # Go counts nanoseconds in 64 bits, some 292 years


def parse_duration(value: object, what: str = "duration") -> float:
    """Seconds from ``"1m30s"`` or from an integer, which counts nanoseconds (pkg.go.dev/time#ParseDuration)."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ParseError(what, value, "not a duration such as '10s' or a number of nanoseconds")
    total = Fraction(value) if isinstance(value, int) else _nanoseconds(value, what)
    if abs(total) > _MOST:
        raise ParseError(what, value, "longer than 292 years")
    return int(total) / 10**9


def parse_wait(value: object, what: str = "duration") -> float:
    """The same for how long somebody waits, which is never below zero."""
    if (seconds := parse_duration(value, what)) < 0:
        raise ParseError(what, value, "it is below zero")
    return seconds


def _nanoseconds(text: str, what: str) -> Fraction:
    sign = -1 if text[:1] == "-" else 1
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return Fraction(0)
    if len(text) > _LONGEST:
        raise ParseError(what, text[:_LONGEST], f"longer than {_LONGEST} characters")
    total, position = Fraction(0), 0
    while found := _TERM.match(rest, position):
        number, unit = found.groups()
        if unit not in _NANOSECONDS:
            raise ParseError(what, text, f"unknown unit {unit!r}")
        total += Fraction(number.rstrip(".")) * _NANOSECONDS[unit]
        position = found.end()
    if not rest or position != len(rest):
        raise ParseError(what, text, "a number and a unit are expected, as in '10s' or '1m30s'")
    return sign * total


def format_duration(seconds: float) -> str:
    """Go's text for that many seconds, rounded to nanoseconds: ``90`` is ``1m30s``, ``0.8`` is ``800ms``."""
    total = round(seconds * 10**9)
    sign, total = ("-", -total) if total < 0 else ("", total)
    if total < 10**9:
        unit = "ms" if total >= 10**6 else "µs" if total >= 10**3 else "ns"
        return "0s" if total == 0 else f"{sign}{_decimal(total, _NANOSECONDS[unit])}{unit}"
    hours, rest = divmod(total, _NANOSECONDS["h"])
    minutes, rest = divmod(rest, _NANOSECONDS["m"])
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{sign}{head}{_decimal(rest, 10**9)}s"


def _decimal(value: int, unit: int) -> str:
    whole, part = divmod(value, unit)
    return f"{whole}.{part:0{len(str(unit)) - 1}d}".rstrip("0").rstrip(".") if part else str(whole)
