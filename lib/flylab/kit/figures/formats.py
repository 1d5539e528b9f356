"""Numbers as a reader wants them: three digits, with a unit that suits their size."""

import math
from collections.abc import Sequence

_SECONDS = {"µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
# From which number of seconds on a time is given in which unit; our choice.
_STEPS = ((7200.0, 3600.0, "h"), (120.0, 60.0, "min"), (1.0, 1.0, "s"), (1e-3, 1e-3, "ms"), (0.0, 1e-6, "µs"))


def quantity(value: float, unit: str = "") -> str:
    """``1234, "ms"`` → ``1.23 s``; ``0.05, "USD"`` → ``0.05 USD``; ``0.5, "share"`` → ``50 %``."""
    if unit == "share":
        return f"{100 * value:.0f} %" if abs(value) >= 0.095 else f"{number(100 * value)} %"
    if unit == "USD":
        return f"{value:,.2f} USD" if 0.01 <= abs(value) < 1000 else f"{number(value)} USD"
    if unit in _SECONDS and value:
        seconds = value * _SECONDS[unit]
        # What would be rounded up to the next unit is given in that one: 1 s, and not 1,000 ms.
        size = abs(seconds) * 1.0005
        _, scale, unit = next(step for step in _STEPS if size >= step[0])
        return f"{number(seconds / scale)} {unit}"
    return f"{number(value)} {unit}".rstrip()


def number(value: float) -> str:
    """Three significant digits without an exponent as long as that can be read: ``1,230``, ``0.00120`` → ``0.0012``."""
    size = abs(value)
    if value == 0:
        return "0"
    if size >= 1e15 or size < 1e-6:
        return f"{value:.2e}"
    if size >= 1e6:
        exponent, letter = next((e, c) for e, c in ((12, "T"), (9, "G"), (6, "M")) if size >= 10**e)
        return f"{number(value / 10**exponent)}{letter}"
    if size >= 99.95:
        return f"{round(value, 2 - math.floor(math.log10(size))):,.0f}"
    digits = 2 - math.floor(math.log10(size))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def cell(value: object) -> str:
    """A value of a table."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.5g}"
    return "" if value is None else str(value)


def decades(low: float, high: float, unit: str) -> tuple[list[float], list[str]]:
    """Where a logarithmic axis has its marks, and what stands there: ``1 ms``, ``10 ms``, ``0.1 s``."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    if high / low < 300:  # two decades have room for marks between them
        steps = [m * 10.0**exponent for exponent in range(first, last + 1) for m in (1, 2, 5)]
        # One mark beyond the values at either end, so that there are two of them even of a single value.
        below, above = [each for each in steps if each <= low], [each for each in steps if each >= high]
        fine = [
            *below[-1:],
            *(each for each in steps if low < each < high),
            *above[: 2 if below[-1:] == above[:1] else 1],
        ]
        fine = list(dict.fromkeys(fine))
        return fine, [quantity(each, unit) for each in fine]
    step = max(1, math.ceil((last - first) / 8))
    values = [10.0**exponent for exponent in range(first, last + 1, step)]
    return values, [quantity(value, unit) for value in values]


def span(values: Sequence[float]) -> tuple[float, float]:
    """Least and greatest, or 0 and 1 of nothing."""
    return (min(values), max(values)) if values else (0.0, 1.0)
