"""What may be said about samples: quantiles and effects with their intervals, distributions, the knee, phases.

Everything is a function of values; chance comes in as a seeded ``random.Random`` and nothing here reads or writes.
"""

from flylab.measure.stats.bootstrap import bootstrap, median_interval
from flylab.measure.stats.climb import next_rate
from flylab.measure.stats.compare import (
    Effect,
    Floor,
    Verdict,
    compare,
    differs,
    interleaved,
    noise_floor,
    order,
    paired,
)
from flylab.measure.stats.ecdf import Ecdf, ecdf
from flylab.measure.stats.histogram import Histogram, merged
from flylab.measure.stats.knee import Knee, Step, held, knee
from flylab.measure.stats.phases import Stack, stack
from flylab.measure.stats.quantiles import Estimate, estimate, least_n
from flylab.measure.stats.share import at_most

__all__ = [
    "Ecdf",
    "Effect",
    "Estimate",
    "Floor",
    "Histogram",
    "Knee",
    "Stack",
    "Step",
    "Verdict",
    "at_most",
    "bootstrap",
    "compare",
    "differs",
    "ecdf",
    "estimate",
    "held",
    "interleaved",
    "knee",
    "least_n",
    "median_interval",
    "merged",
    "next_rate",
    "noise_floor",
    "order",
    "paired",
    "stack",
]
