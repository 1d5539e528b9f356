"""Where two price tables of one provider speak of the same thing: which rows, what each says, and which one wins.

``price_pairs.csv`` names for a row of the older table what it is in the newer one: a row, or a sum of rows
(``4*p001+3*p003`` is four shared vCPUs and three GB above what they include). The newer one wins, always.
"""

from dataclasses import dataclass
from datetime import date as Day
from functools import cache

from flylab.published.lookup import rows
from flylab.published.prices import Price, asked, price

# What one of the unit is in the same thing for 30 days, which is what Fly calls a month.
_MONTHLY = {
    "USD/second": 30 * 86_400.0,
    "USD/hour": 30 * 24.0,
    "USD/30 days": 1.0,
    "USD/month": 1.0,
    "USD/GB/30 days": 1.0,
    "USD/GB-month": 1.0,
    "USD/GB": 1.0,
    "percent": 1.0,
    "factor": 1.0,
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A row of the older table and the same thing in the newer one, as terms that are added up."""

    older: Price
    terms: tuple[tuple[float, tuple[Price, ...]], ...]

    @property
    def newer(self) -> tuple[Price, ...]:
        """The rows of the newer table that it is made of."""
        return tuple(row for _, product in self.terms for row in product)

    def asked(self, on: Day) -> float:
        """What the newer table says for a day, in the older row's unit; UsageError for a day before it."""
        total = 0.0
        for many, product in self.terms:
            term = many
            for row in product:
                then = asked(row.provider, row.service, row.item, on, scope=row.scope)
                term *= then.price * _MONTHLY[then.unit]
            total += term
        return total / _MONTHLY[self.older.unit]

    def differs(self, on: Day) -> bool:
        """Whether they disagree by more than the older table's own rounding."""
        return abs(self.asked(on) - self.older.price) > self._rounding

    @property
    def _rounding(self) -> float:
        digits = len(f"{self.older.price:.10f}".rstrip("0").partition(".")[2])
        return 0.5 * 10.0**-digits * 1.0000001  # exactly half is rounded either way

    def text(self, on: Day) -> str:
        """Both values with their dates, and which holds."""
        ids = ", ".join(row.id for row in self.newer)
        dated = max(row.date for row in self.newer)
        verdict = "the newer wins" if self.differs(on) else "both agree"
        return (
            f"{self.older.item} ({self.older.scope}): {self.older.text} in {self.older.id} of {self.older.date}, "
            f"{self.asked(on):.3g} {self.older.unit} in {ids} of {dated}: {verdict}"
        )


@cache
def pairs() -> tuple[Pair, ...]:
    """Every row of the older table that the newer one has an answer to."""
    return tuple(Pair(price(row["older"]), _terms(row["newer"])) for row in rows("price_pairs.csv"))


def conflicts(on: Day) -> tuple[Pair, ...]:
    """The pairs that disagree about a day."""
    return tuple(pair for pair in pairs() if pair.differs(on))


def _terms(formula: str) -> tuple[tuple[float, tuple[Price, ...]], ...]:
    found = []
    for term in formula.split("+"):
        factors = term.split("*")
        numbers = [float(each) for each in factors if not each.startswith("p")]
        found.append((numbers[0] if numbers else 1.0, tuple(price(each) for each in factors if each.startswith("p"))))
    return tuple(found)
