"""Writes the computed tables of docs/published.md: where price tables disagree, how far estimates are off.

python -m tests.published_page
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from flylab.costs import TODAY
from flylab.published import estimates as estimates_module
from flylab.published.conflicts import Pair, pairs
from flylab.published.estimates import Errors, left_out
from flylab.published.network import FAR, NEAR, NEAR_KM

PAGE = Path(__file__).resolve().parents[1] / "docs" / "published.md"
SUMMER = date(2026, 8, 7)  # the newest day of the older table


def conflicts() -> list[str]:
    """A row for each pair that disagrees, and which ones agree."""
    lines = [
        "| what | older table | read | newer table, for that summer | newer table, today | read |",
        "|---|---:|---|---:|---:|---|",
    ]
    lines += [_conflict(pair) for pair in pairs() if pair.differs(TODAY)]
    same = [pair.older.id for pair in pairs() if not pair.differs(TODAY)]
    return [*lines, "", f"The other {len(same)} pairs agree: {', '.join(same)}."]


def _conflict(pair: Pair) -> str:
    older, ids = pair.older, ", ".join(row.id for row in pair.newer)
    summer = f"{pair.asked(SUMMER):.3g}" + (" (differs)" if pair.differs(SUMMER) else "")
    read = max(row.date for row in pair.newer)
    return (
        f"| {older.item}, {older.scope} | {older.text} ({older.id}) | {older.date} | {summer} |"
        f" **{pair.asked(TODAY):.3g}** ({ids}) | {read} |"
    )


def checked() -> list[str]:
    """How far the table is off where Fly's own network was measured."""
    off = estimates_module.checked()
    away = next(code for code in off.worst if code != estimates_module.HUB)
    return [
        "Where Fly's own network was measured, by reads of one round trip to a database in Ireland (claims on",
        f"`fly-rtt-check`; from {off.n} regions, less what they take from London), the table is off by"
        f" {off.mean_ms:.1f} ms",
        f"on average, by {off.median_share:.0%} at the median and by {off.worst_ms:+.0f} ms at worst, from {away}.",
    ]


def estimates() -> list[str]:
    """A row for each class of distance."""
    near, far = left_out()
    return [
        "| distance | constant, ms | inflation | n | median error | nine of ten within | mean error, ms | worst |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
        _class(f"under {NEAR_KM:,.0f} km", NEAR, near),
        _class(f"from {NEAR_KM:,.0f} km", FAR, far),
    ]


def _class(name: str, line: tuple[float, float], off: Errors) -> str:
    return (
        f"| {name} | {line[0]:g} | {line[1]:g} | {off.n} | {off.median_share:.0%} | {off.p90_share:.0%} |"
        f" {off.mean_ms:.1f} | {off.worst[0]} and {off.worst[1]}, {off.worst_ms:+.0f} ms |"
    )


PARTS: dict[str, Callable[[], list[str]]] = {"conflicts": conflicts, "checked": checked, "estimates": estimates}


def renewed(page: str) -> str:
    """The page with its computed tables written anew."""
    for name, lines in PARTS.items():
        begin, end = f"<!-- {name}: python -m tests.published_page -->\n", f"<!-- end of {name} -->"
        before, _, rest = page.partition(begin)
        _, found, after = rest.partition(end)
        assert found, f"docs/published.md has no section for {name}"
        page = before + begin + "\n".join(lines()) + "\n" + end + after
    return page


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text()))
