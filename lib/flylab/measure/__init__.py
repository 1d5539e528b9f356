"""Observations, how they are taken and what is said about them: ``from flylab import measure`` has what one needs.

``plan`` and ``read_plan`` read what load to offer, ``offer`` offers it, ``take_turns`` two of them in turn, ``seek``
looks for the knee; ``wakes`` has where the time of a wake goes; ``runs`` stores and reads runs of ``Sample``; ``stats``
says what may be said of samples.
"""

from flylab.measure import omission, runs, stats, wakes
from flylab.measure.offer import Offered, Progress, offer
from flylab.measure.plan import Deed, Plan, Rooms
from flylab.measure.reading import from_json as plan
from flylab.measure.reading import read as read_plan
from flylab.measure.runs import Run
from flylab.measure.sample import Sample
from flylab.measure.seek import Sought, seek
from flylab.measure.summary import Interval, Summary, summarise
from flylab.measure.turns import report, take_turns, variants

__all__ = [
    "Deed",
    "Interval",
    "Offered",
    "Plan",
    "Progress",
    "Rooms",
    "Run",
    "Sample",
    "Sought",
    "Summary",
    "offer",
    "omission",
    "plan",
    "read_plan",
    "report",
    "runs",
    "seek",
    "stats",
    "summarise",
    "take_turns",
    "variants",
    "wakes",
]
