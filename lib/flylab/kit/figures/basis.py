"""What a figure rests on: the kinds of number in it, how many, in which unit, from where and when."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from flylab.kit.figures.palette import INK, Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What every figure says below itself. ``n`` None: the figure counts what it is given."""

    kinds: tuple[Provenance, ...]
    n: int | None
    unit: str
    target: str = "local"
    date: str = ""
    note: str = ""

    def caption(self, mark: str = "area") -> str:
        """The footer; ``mark`` is what the figure is made of (area, dot, line, cell): kinds look different in each."""
        return " · ".join([*(INK[kind].says(mark) for kind in self.kinds), self.footer()])

    def footer(self) -> str:
        """What the caption says besides the kinds: count, unit, place and date."""
        place = "Fly" if self.target == "fly" else "the local platform"
        ran = Provenance.MEASURED in self.kinds
        parts = [f"n = {self.n or 0:,}", f"unit: {self.unit}"]
        parts += [f"{place}, {self.date}" if ran else self.date]
        return " · ".join(parts) + (f". {self.note}" if self.note else "")

    def of(self, *, n: int, kinds: tuple[Provenance, ...] = (), note: str = "") -> "Basis":
        """The same for what a figure found in its data: its count unless one is given, its kinds, one more remark."""
        notes = " ".join(part for part in (self.note, note) if part)
        return replace(self, n=n if self.n is None else self.n, kinds=kinds or self.kinds, note=notes)


def basis(
    *kinds: str, unit: str, n: int | None = None, target: str = "local", date: str | None = None, note: str = ""
) -> Basis:
    """Say what a figure rests on: ``basis("measured", n=20, unit="ms")``; dated today (UTC) unless told otherwise."""
    if not kinds or (n is not None and n < 1) or not unit:
        raise ValueError("a figure states its kinds, a positive n and a unit")
    today = datetime.now(UTC).date().isoformat()
    return Basis(kinds=tuple(map(Provenance, kinds)), n=n, unit=unit, target=target, date=date or today, note=note)
