"""Pages of a list that goes on changing: a cursor names a place in the order, not an item that may be gone.

A cursor lasts for 30 minutes from its first page (official document); in it are that moment and the last item's place.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from flylab.errors import RuleError

T = TypeVar("T")
Place = tuple[float, str]
LASTS = 1800.0  # seconds


def after(
    items: Sequence[T], place: Callable[[T], Place], *, limit: int, cursor: str, now: float
) -> tuple[list[T], str]:
    """The next ``limit`` items in the order of their places, and the cursor that goes on, empty at the end."""
    first, last = (now, None) if not cursor else _read(cursor, now)
    ordered = sorted(items, key=place)
    rest = [item for item in ordered if last is None or place(item) > last]
    part = rest[:limit]
    return part, _write(first, place(part[-1])) if len(rest) > limit else ""


def _write(first: float, last: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps([first, *last]).encode()).decode().rstrip("=")


def _read(cursor: str, now: float) -> tuple[float, Place]:
    try:
        text = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        first, at, name = json.loads(text)
        found = float(first), (float(at), str(name))
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error) as exc:
        raise RuleError("invalid_argument", f"cursor '{cursor[:80]}' is unknown") from exc
    if not 0 <= now - found[0] <= LASTS:
        raise RuleError("invalid_argument", f"cursor '{cursor[:80]}' is too old, it lasts for {LASTS / 60:g} minutes")
    return found
