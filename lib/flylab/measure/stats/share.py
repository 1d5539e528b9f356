"""How often something happens, from how often it was seen: with none seen, it may still happen."""

from flylab.errors import UsageError
from flylab.measure.summary import CONFIDENCE


def at_most(seen: int, n: int, *, confidence: float = CONFIDENCE) -> float:
    """The highest share that is compatible with ``seen`` of ``n``: the exact upper bound (Clopper and Pearson, 1934).

    One-sided. For none of n it is 1 - 0.05 ** (1 / n), about three in n.
    """
    if not 0 <= seen <= n or n == 0:
        raise UsageError(f"{seen} of {n} is no share")
    low, high = seen / n, 1.0
    if seen == n:
        return 1.0
    for _ in range(60):  # halves until the doubles between them are used up
        middle = (low + high) / 2
        low, high = (low, middle) if _up_to(seen, n, middle) < 1 - confidence else (middle, high)
    return high


def _up_to(seen: int, n: int, share: float) -> float:
    """P(binomial(n, share) <= seen)."""
    term = whole = (1 - share) ** n
    for k in range(seen):
        term *= (n - k) / (k + 1) * share / (1 - share)
        whole += term
    return whole
