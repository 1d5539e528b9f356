"""Wakes by phase: made through the edge, seen by four sources, assembled into one record each (docs/wakes.md)."""

from flylab.measure.wakes.marks import CLOCKS, ORDER, Mark, Seen, Source, marks, settle
from flylab.measure.wakes.report import Cell, Part, bars, cells, pieces, rows
from flylab.measure.wakes.timetable import Burst, timetable
from flylab.measure.wakes.wake import PHASES, VARIANTS, Phase, Wake, assemble, expected, spread

__all__ = [
    "CLOCKS",
    "ORDER",
    "PHASES",
    "VARIANTS",
    "Burst",
    "Cell",
    "Mark",
    "Part",
    "Phase",
    "Seen",
    "Source",
    "Wake",
    "assemble",
    "bars",
    "cells",
    "expected",
    "marks",
    "pieces",
    "rows",
    "settle",
    "spread",
    "timetable",
]
