"""Where the time until the port is open goes, by what the process noted of its own start; pure."""

from collections.abc import Sequence

from flylab.measure.wakes.marks import number
from flylab.measure.wakes.report import FOLDED, Json, folded, pieces, sound
from flylab.measure.wakes.wake import PHASES, WAY, Wake

OPEN = PHASES["listening"]
INTERPRETER, IMPORTS, SET_UP = (f"{OPEN}: {step}" for step in ("interpreter", "imports", "server set-up"))

# With a start in three steps there are colours for three more.
FEW = dict.fromkeys(FOLDED, "until the process is there") | {
    f"{name}{way}": f"first byte and welcome{way}"
    for name in (PHASES["answered"], PHASES["welcomed"])
    for way in ("", f": {WAY}")
}


def opened(wakes: Sequence[Wake]) -> list[Json]:
    """The rows of ``report.pieces`` with ``port open`` in the three steps of a Python server, where it noted them.

    Imports and set-up are differences of its own clock. The interpreter is what is left of the phase, so that the steps
    add up to it. A wake whose process noted less, or more than there is room for, keeps the phase as it is.
    """
    found: list[Json] = []
    mine = sound(wakes)
    for row in pieces(wakes):
        steps = _steps(mine[int(str(row["wake"]))]) if row["phase"] == OPEN else None
        took = float(str(row["ms"]))
        if steps is None or sum(steps.values()) > took:
            found.append(row)
            continue
        found += [
            row | {"phase": name, "ms": ms} for name, ms in ({INTERPRETER: took - sum(steps.values())} | steps).items()
        ]
    return found


def by_region(wakes: Sequence[Wake]) -> list[Json]:
    """The rows of ``opened``, what is too short to be seen put together, with a bar for each region."""
    found: list[Json] = []
    for region in dict.fromkeys(wake.region for wake in wakes):
        rows = folded(opened([wake for wake in wakes if wake.region == region]), FEW)
        found += [row | {"variant": region, "wake": f"{region} {row['wake']}"} for row in rows]
    return found


def imports(wakes: Sequence[Wake]) -> list[float]:
    """The milliseconds that each of them spent in importing modules, as far as its process noted that."""
    return [float(str(row["ms"])) for row in opened(wakes) if row["phase"] == IMPORTS]


def longest(wakes: Sequence[Wake]) -> list[str]:
    """The measured steps, from the one that took most time in all of them together."""
    sums: dict[str, float] = {}
    for row in opened(wakes):
        if row["provenance"] == "measured":
            sums[str(row["phase"])] = sums.get(str(row["phase"]), 0.0) + float(str(row["ms"]))
    return sorted(sums, key=lambda name: -sums[name])


def _steps(wake: Wake) -> dict[str, float] | None:
    """Milliseconds of the steps that the process noted."""
    ran, imported, listening = (number(wake.seen.app.get(name)) for name in ("python", "imported", "listening"))
    if ran is None or imported is None or listening is None or not ran <= imported <= listening:
        return None
    return {IMPORTS: 1000 * (imported - ran), SET_UP: 1000 * (listening - imported)}
