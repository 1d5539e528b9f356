"""Folds over wakes: quantiles of each phase, rows for figures, one text table; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flylab.measure.stats import Estimate, estimate, least_n, stack
from flylab.measure.summary import quantile
from flylab.measure.wakes.wake import PHASES, RESUMED, VARIANTS, Phase, Wake, spread

Json = dict[str, object]
TAIL = 0.95
_COLUMNS = ("phase", "begin_ms", "end_ms", "ms", "configured_ms", "provenance", "source", "clock")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One phase over the wakes of a cell that have it; seconds. ``configured`` is the median of what was typed in."""

    phase: str
    n: int
    p50: Estimate
    p95: float
    configured: float
    source: str
    clock: str
    provenance: str
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """All counted wakes of one variant at one number at once."""

    variant: str
    at_once: int
    n: int
    outcomes: Mapping[str, int]
    marked: int
    warm_up: int
    whole: Estimate
    whole_p95: float | None
    parts: tuple[Part, ...]

    @property
    def failed(self) -> int:
        return self.n - self.outcomes.get("ok", 0)


def cells(wakes: Sequence[Wake]) -> list[Cell]:
    """One for each variant and number at once. Failures have no phases; those whose parts do not add up neither."""
    keys = sorted({(wake.at_once, VARIANTS.index(wake.variant)) for wake in wakes})
    return [_cell([wake for wake in wakes if (wake.at_once, VARIANTS.index(wake.variant)) == key]) for key in keys]


def _cell(all_of_it: Sequence[Wake]) -> Cell:
    counted = [wake for wake in all_of_it if not wake.warm_up]
    outcomes: dict[str, int] = {}
    for wake in counted:
        outcomes[wake.outcome] = outcomes.get(wake.outcome, 0) + 1
    wholes = sorted(wake.whole for wake in counted if wake.ok and wake.whole is not None)
    return Cell(
        variant=all_of_it[0].variant,
        at_once=all_of_it[0].at_once,
        n=len(counted),
        outcomes=outcomes,
        marked=sum(bool(wake.marked) for wake in counted if wake.ok),
        warm_up=len(all_of_it) - len(counted),
        whole=estimate(wholes, 0.5),
        whole_p95=quantile(wholes, TAIL) if wholes else None,
        parts=tuple(_parts(sound(counted))),
    )


def sound(wakes: Iterable[Wake]) -> list[Wake]:
    """Those that succeeded, count, and add up."""
    return [wake for wake in wakes if wake.ok and not wake.warm_up and not wake.marked]


def _parts(wakes: Sequence[Wake]) -> Iterable[Part]:
    by_name: dict[str, list[Phase]] = {}
    for wake in wakes:
        for phase in wake.phases:
            by_name.setdefault(phase.name, []).append(phase)
    for name in sorted(by_name, key=place):
        phases = by_name[name]
        took = sorted(phase.took for phase in phases)
        kinds = {phase.provenance for phase in phases}
        yield Part(
            phase=name,
            n=len(phases),
            p50=estimate(took, 0.5),
            p95=quantile(took, TAIL),
            configured=quantile(sorted(phase.configured for phase in phases), 0.5),
            source=" or ".join(dict.fromkeys(str(phase.source) for phase in phases)),
            clock="; or ".join(dict.fromkeys(phase.clock for phase in phases)),
            provenance=kinds.pop() if len(kinds) == 1 else "partly configured",
            inputs=tuple(dict.fromkeys(each for phase in phases for each in phase.inputs)),
        )


def place(name: str) -> tuple[int, int]:
    """By the last of the phases that it is joined of; a joined one before the one alone."""
    names, phases = [*PHASES.values()], name.partition(": ")[0].split(" + ")
    return names.index("process spawned" if phases[-1] == RESUMED else phases[-1]), -len(phases)


def pieces(wakes: Sequence[Wake]) -> list[Json]:
    """One row for each piece of each wake that counts, for stacked bars: what was configured is a piece of its own.

    ``wake`` says which belong together; ``provenance`` is ``measured`` or ``configured``, and the same for one phase.
    """
    return [
        {"variant": bar_name(wake), "wake": number, "phase": name, "ms": 1000 * took, "provenance": provenance}
        for number, wake in enumerate(sound(wakes))
        for name, provenance, took in _pieces(wake)
    ]


# What is too short to be seen in a bar is drawn with what it belongs to; a figure has colours for six phases.
FOLDED = {
    "connection": "until the start",
    "request at the edge": "until the start",
    "start accepted": "until the start",
    "process spawned": "process spawned or resumed",
    RESUMED: "process spawned or resumed",
}


def folded(found: Sequence[Json], names: Mapping[str, str] = FOLDED) -> list[Json]:
    """The rows of ``pieces`` with short phases put together, all in the order in which they happen."""
    sums: dict[tuple[str, ...], Json] = {}
    for piece in found:
        name = str(piece["phase"])
        key = (str(piece["wake"]), names.get(name, name))
        if key in sums:
            sums[key]["ms"] = float(str(sums[key]["ms"])) + float(str(piece["ms"]))
        else:
            sums[key] = piece | {"phase": key[1], "order": place(name.partition(":")[0])}
    ordered = sorted(sums.values(), key=lambda row: (row["order"], row["provenance"] == "measured"))
    return [{name: value for name, value in row.items() if name != "order"} for row in ordered]


def waits(wakes: Sequence[Wake]) -> list[Json]:
    """One row for each wake that counts, with the whole of it: for a curve of all of them."""
    return [
        {"variant": bar_name(wake), "ms": None if wake.whole is None else 1000 * wake.whole, "outcome": wake.outcome}
        for wake in wakes
        if not wake.warm_up
    ]


def bars(wakes: Sequence[Wake], q: float = 0.5) -> list[tuple[str, list[tuple[str, float, str]]]]:
    """Of each variant the pieces, in ms, of the wakes around the quantile of the whole: they add up."""
    found = []
    cut = [(wake, _pieces(wake)) for wake in sound(wakes)]
    for name in dict.fromkeys(bar_name(wake) for wake, _ in cut):
        mine = [{piece: took for piece, _, took in parts} for wake, parts in cut if bar_name(wake) == name]
        kinds = {piece: (place(piece), kind) for _, parts in cut for piece, kind, _ in parts}
        stacked = stack([sum(each.values()) for each in mine], mine, q).phases
        order = sorted((piece for piece in stacked if piece in kinds), key=lambda piece: kinds[piece])
        found.append((name, [(piece, 1000 * stacked[piece], kinds[piece][1]) for piece in order if stacked[piece] > 0]))
    return found


def bar_name(wake: Wake) -> str:
    return wake.variant if wake.at_once == 1 else f"{wake.variant}, {wake.at_once} at once"


def _pieces(wake: Wake) -> list[tuple[str, str, float]]:
    found = []
    for phase in wake.phases:
        typed_in = min(phase.configured, phase.took)
        for name, provenance, took in (
            (f"{phase.name}: {', '.join(phase.inputs)}", "configured", typed_in),
            (phase.name, "measured", phase.took - typed_in),
        ):
            if took > 0:
                found.append((name, provenance, took))
    return found


def rows(wakes: Sequence[Wake]) -> list[Json]:
    """One row for each phase of each wake, of failures one without a phase: for a table or a figure of one's own."""
    table: list[Json] = []
    for number, wake in enumerate(wakes):
        about: Json = {
            "wake": number,
            "variant": wake.variant,
            "at_once": wake.at_once,
            "burst": wake.burst,
            "machine": wake.machine,
            "region": wake.region,
            "warm_up": wake.warm_up,
            "outcome": wake.outcome,
            "marked": "; ".join(wake.marked),
            "whole_ms": None if wake.whole is None else 1000 * wake.whole,
        }
        table += [about | _row(phase) for phase in wake.phases] or [about | dict.fromkeys(_COLUMNS)]
    return table


def _row(phase: Phase) -> Json:
    times = [1000 * each for each in (phase.begin, phase.end, phase.took, phase.configured)]
    values = (phase.name, *times, phase.provenance, str(phase.source), phase.clock)
    return dict(zip(_COLUMNS, values, strict=True))


def to_json(wakes: Sequence[Wake]) -> Json:
    """What `flylab wakes --json` prints of the wakes; milliseconds."""
    return {
        "cells": [
            {
                "variant": cell.variant,
                "at_once": cell.at_once,
                "n": cell.n,
                "failed": cell.failed,
                "outcomes": dict(cell.outcomes),
                "marked": cell.marked,
                "warm_up": cell.warm_up,
                "whole": _quantiles(cell.whole, cell.whole_p95),
                "phases": [
                    {
                        "phase": part.phase,
                        "n": part.n,
                        **_quantiles(part.p50, part.p95),
                        "configured_p50_ms": 1000 * part.configured,
                        "provenance": part.provenance,
                        "inputs": list(part.inputs),
                        "source": part.source,
                        "clock": part.clock,
                    }
                    for part in cell.parts
                ],
            }
            for cell in cells(wakes)
        ],
        "clocks_disagree_ms": {name: 1000 * value for name, value in spread(wakes).items()},
        "faults_armed": sorted({name for wake in wakes for name in wake.armed}),
        "marked": [why for wake in wakes for why in wake.marked],
    }


def _quantiles(p50: Estimate, p95: float | None) -> Json:
    between = None if p50.interval is None else [1000 * p50.interval.low, 1000 * p50.interval.high]
    return {
        "p50_ms": None if p50.value is None else 1000 * p50.value,
        "p50_interval_ms": between,
        "p95_ms": None if p95 is None else 1000 * p95,
        "p95_is_an_estimate": p50.n >= least_n(TAIL),
    }
