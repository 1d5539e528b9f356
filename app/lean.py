"""Keeps modules out of a process that serves: what Quart imports at its top and this server never calls.

Importing Quart loads hypercorn, which it needs for ``app.run()`` and for type annotations. We serve with uvicorn, so
70 modules (h2, wsproto, hpack, priority …) would be loaded for nothing; leaving them out saves about 60 of the 160 ms
that ``import quart`` takes. The same for Quart's command line and test client was measured at under 10 ms and is not
worth the surprise.
"""

import sys
from types import ModuleType

# Every hypercorn module that quart 0.22 imports; `tests/app/test_lean.py` fails when another one appears.
UNUSED = ("hypercorn", "hypercorn.asyncio", "hypercorn.config", "hypercorn.typing")


class Unused(ModuleType):
    """Stands in for a module whose names are only mentioned in annotations or in calls that are never made."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"__init__": _refuse, "__doc__": f"Left out of this process, see {__name__}."})


def leave_out_unused() -> None:
    """Put stand-ins where hypercorn would be; does nothing in a process that has hypercorn already."""
    if "hypercorn" in sys.modules or "quart" in sys.modules:
        return
    for name in UNUSED:
        sys.modules[name] = Unused(name)


def _refuse(self: object, *args: object, **kwargs: object) -> None:
    raise RuntimeError("hypercorn is left out of this process (app/lean.py): serve with `python -m app`")
