"""Reader of ``prices.csv``: what providers ask for what, one dated price per row, with the address it was read at.

Prices change, and two tables of one provider may disagree: a row is good from ``effective_from`` until
``effective_to``, and of several that are good on a day the newest wins. Older rows stay, and say what they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date as Day  # rows have a field `date`, which would hide it
from functools import cache

from flylab.errors import UsageError
from flylab.published.lookup import rows, unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """One list price without tax; ``scope`` says where it holds, ``included`` what is free.

    ``confidence`` is high where the vendor's own page or a dated copy of it was read, medium where several public
    copies agree, low otherwise.
    """

    id: str
    provider: str
    service: str
    item: str
    price: float
    unit: str
    scope: str
    included: str
    effective_from: Day | None
    effective_to: Day | None
    source: str
    date: str
    confidence: str
    note: str

    @property
    def verified(self) -> bool:
        """False for what was written from memory or could not be read anywhere; shown wherever the price is."""
        return self.confidence != "low" and "unverified" not in self.note

    @property
    def mark(self) -> str:
        """What is said of the price wherever it is shown; its note says which part nobody could check."""
        if self.verified:
            return ""
        return "unverified" if self.confidence == "low" else "partly unverified"

    @property
    def text(self) -> str:
        """As it is printed, with its mark: ``0.15 USD/GB-month``, ``6 USD/month (unverified)``."""
        return f"{self.price:g} {self.unit}" + (f" ({self.mark})" if self.mark else "")

    def holds(self, on: Day) -> bool:
        """Whether it was asked on that day; a row without dates holds always."""
        return (self.effective_from is None or self.effective_from <= on) and (
            self.effective_to is None or on <= self.effective_to
        )


@cache
def prices() -> dict[str, Price]:
    """All prices by id, in the order of the file."""
    return {row["id"]: _price(row) for row in rows("prices.csv")}


def price(price_id: str) -> Price:
    """One row, for example ``price("p001")``; raises UsageError for an id that is not in the file."""
    if price_id not in prices():
        raise unknown("price", price_id, prices())
    return prices()[price_id]


def asked(provider: str, service: str, item: str, on: Day, *, scope: str | None = None) -> Price:
    """What an item cost on a day: the newest of the rows that hold then; raises UsageError when there is none."""
    found = [
        row
        for row in prices().values()
        if (row.provider, row.service, row.item) == (provider, service, item)
        and (scope is None or row.scope == scope)
        and row.holds(on)
    ]
    if not found:
        where = "" if scope is None else f" in {scope}"
        raise UsageError(f"no price of {provider} {service}, {item!r}{where}, is published for {on}")
    return max(found, key=lambda row: (row.effective_from or Day.min, row.id))


def multiplier(region: str, on: Day) -> Price:
    """By what Fly multiplies vCPU and memory in a region; raises UsageError for a region that has no price then."""
    return asked("Fly.io", "Regions", "multiplier of vCPU and RAM", on, scope=region)


def superseded(on: Day) -> Iterator[tuple[Price, Price]]:
    """Rows that no longer hold on a day, each with the one that replaced it."""
    for old in prices().values():
        if old.effective_to is not None and old.effective_to < on:
            for new in prices().values():
                same = (old.provider, old.service, old.item, old.scope) == (
                    new.provider,
                    new.service,
                    new.item,
                    new.scope,
                )
                if same and new.holds(on):
                    yield old, new


def _price(row: dict[str, str]) -> Price:
    special = ("price", "effective_from", "effective_to")
    return Price(
        price=float(row["price"]),
        effective_from=_day(row["effective_from"]),
        effective_to=_day(row["effective_to"]),
        **{key: text for key, text in row.items() if key not in special},
    )


def _day(text: str) -> Day | None:
    return Day.fromisoformat(text) if text else None
