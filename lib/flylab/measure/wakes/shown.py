"""Wakes as text: one table of phases, and what has to be said below it; pure."""

from collections.abc import Sequence

from flylab.measure.stats import least_n
from flylab.measure.wakes.report import TAIL, Cell, cells, place
from flylab.measure.wakes.wake import Wake, spread


def table(wakes: Sequence[Wake]) -> list[tuple[str, ...]]:
    """Rows of text, heads first: p50 in ms of each phase (p95 where n allows it), a column for each variant."""
    found = cells(wakes)
    tails = any(cell.whole.n >= least_n(TAIL) for cell in found)
    names = sorted({part.phase for cell in found for part in cell.parts}, key=place)
    lines: list[tuple[str, ...]] = [
        ("p50 (p95), ms" if tails else "p50, ms", *(f"{cell.variant} ×{cell.at_once}" for cell in found), "seen by", "")
    ]
    for name in names:
        parts = [next((part for part in cell.parts if part.phase == name), None) for cell in found]
        known = [part for part in parts if part is not None]
        texts = ["–" if part is None else _shown(part.p50.value, part.p95, part.n, cell.n)
                 for part, cell in zip(parts, found, strict=True)]  # fmt: skip
        kinds = dict.fromkeys(part.provenance for part in known if part.inputs)
        inputs = dict.fromkeys(each for part in known for each in part.inputs)
        note = f"{' or '.join(kinds)}: {', '.join(inputs)}" if inputs else ""
        sources = " or ".join(dict.fromkeys(source for part in known for source in part.source.split(" or ")))
        lines.append((name, *texts, sources, note))
    wholes = [_shown(cell.whole.value, cell.whole_p95, cell.whole.n, cell.whole.n) for cell in found]
    lines.append(("whole", *wholes, "client", ""))
    lines.append(("n", *(str(cell.n) for cell in found), "", ""))
    lines.append(("failed", *(_failed(cell) for cell in found), "", ""))
    lines.append(("do not add up", *(str(cell.marked) for cell in found), "", ""))
    lines.append(("to warm up", *(str(cell.warm_up) for cell in found), "", "not counted above"))
    return lines


def _shown(p50: float | None, p95: float | None, n: int, of: int) -> str:
    if p50 is None or p95 is None:
        return "–"
    text = f"{1000 * p50:.1f}" + (f" ({1000 * p95:.1f})" if n >= least_n(TAIL) else "")
    return f"{text} n {n}" if n < of else text


def _failed(cell: Cell) -> str:
    others = [f"{count} {outcome}" for outcome, count in cell.outcomes.items() if outcome != "ok"]
    return ", ".join(others) or "0"


def notes(wakes: Sequence[Wake]) -> list[str]:
    """What has to be said below the table."""
    apart = {name: 1000 * value for name, value in spread(wakes).items()}
    least = min((cell.n - cell.failed for cell in cells(wakes)), default=0)
    lines = []
    if least < least_n(TAIL):
        lines.append(
            f"A p95 is given from {least_n(TAIL)} wakes on; of fewer it is one of the slowest, no estimate of a tail."
        )
    clocks = (
        f"Clocks: moments of different sources had to be moved by {apart['order']:.2f} ms at most to be in order; the "
        f"client's wall and monotonic clock parted by {apart['client']:.3f} ms at most."
    )
    if apart["offset"]:
        clocks += f" The server's clock is known to {apart['offset']:.1f} ms either way."
    lines.append(clocks)
    if armed := sorted({name for wake in wakes for name in wake.armed}):
        lines.append(f"Faults were armed, so that nothing here is only measured: {', '.join(armed)}.")
    reasons = [why for wake in wakes for why in wake.marked]
    lines += [f"Does not add up: {why}" for why in reasons[:3]]
    if len(reasons) > 3:
        lines.append(f"… and {len(reasons) - 3} more")
    return lines
