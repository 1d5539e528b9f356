"""Keeps modules out of a process that serves: what Quart and uvicorn import at their tops and this server never calls.

Importing Quart loads hypercorn, which it needs for ``app.run()`` and for type annotations. We serve with uvicorn, so
70 modules (h2, wsproto, hpack, priority …) would be loaded for nothing; leaving them out saves about 60 of the 160 ms
that ``import quart`` takes. The same for Quart's command line and test client was measured at under 10 ms and is not
worth the surprise.

Importing anything of uvicorn loads its command line with click, and the supervisors of several workers with
multiprocessing. That is a tenth of the processor time in which our start imports, and all of it comes before the port
is open. Quart loads click all the same, later.
"""

import sys
from types import ModuleType

# Every hypercorn module that quart 0.22 imports; `tests/app/test_lean.py` fails when another one appears.
UNUSED = ("hypercorn", "hypercorn.asyncio", "hypercorn.config", "hypercorn.typing")
COMMAND = "uvicorn.main"  # of which uvicorn 0.54 names `run` and `main` at its top; our own server is in app/server.py


class Unused(ModuleType):
    """Stands in for a module whose names are only mentioned in annotations or in calls that are never made."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"__init__": _refuse, "__doc__": f"Left out of this process, see {__name__}."})


def leave_out_unused() -> None:
    """Put stand-ins where hypercorn and uvicorn's command line would be; what a process has already it keeps."""
    if "hypercorn" not in sys.modules and "quart" not in sys.modules:
        for name in UNUSED:
            sys.modules[name] = Unused(name)
    if "uvicorn" not in sys.modules:
        sys.modules[COMMAND] = Unused(COMMAND)


def _refuse(self: object, *args: object, **kwargs: object) -> None:
    raise RuntimeError("this is left out of a process that serves (app/lean.py): serve with `python -m app`")
