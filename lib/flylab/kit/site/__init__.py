"""``flylab site``: executed notebooks become a static write-up that asks nobody on the network for anything.

    executed copies ──► collect ──► pages ──► make ──► sources ──► Sphinx ──► build/site
    run records     ──► downloads ───────────────────────────────────────────────┘

``collect`` reads what was run, ``make`` writes it; the other modules here write one page, or one part of one, each.
"""

from flylab.kit.site.collecting import collect
from flylab.kit.site.command import main
from flylab.kit.site.making import make

__all__ = ["collect", "main", "make"]
