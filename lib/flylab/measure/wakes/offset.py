"""How far a server's clock is ahead of ours, as an interval that narrows with each exchange; pure."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from flylab.errors import ParseError


@dataclass(frozen=True, slots=True)
class Ahead:
    """Server time minus ours lies between ``low`` and ``high`` seconds."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2

    @property
    def doubt(self) -> float:
        """Half of its width: the uncertainty of whatever is put on our clock with it."""
        return (self.high - self.low) / 2


NOTHING_KNOWN = Ahead(-math.inf, math.inf)


def bound(sent: float, said: float, received: float, *, step: float) -> Ahead:
    """What one exchange says: between our ``sent`` and ``received`` the server read ``said``, cut to a ``step``."""
    return Ahead(said - received, said + step - sent)


def narrowed(bounds: Iterable[Ahead]) -> Ahead | None:
    """What all of them allow; None when they contradict each other: some clock was set meanwhile, or there are two."""
    low, high = -math.inf, math.inf
    for one in bounds:
        low, high = max(low, one.low), min(high, one.high)
    return Ahead(low, high) if low <= high else None


def best(kinds: Iterable[Iterable[Ahead]]) -> Ahead:
    """The narrowest of what several kinds of exchanges say; raises ParseError when none says anything that holds."""
    found = [ahead for kind in kinds if (ahead := narrowed(kind)) is not None and ahead.doubt < math.inf]
    if not found:
        raise ParseError("clock of the server", "", "no two readings of it agree, or there are none")
    return min(found, key=lambda ahead: ahead.doubt)


def read_date(header: str) -> float | None:
    """Seconds since the epoch in a ``Date`` header (RFC 9110, whole seconds); None for what is none."""
    try:
        moment: datetime = parsedate_to_datetime(header)
        return moment.timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
