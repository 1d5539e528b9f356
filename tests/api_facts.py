"""Writes docs/api-facts.md: each fact about the Machines API and machines with its mark, its setting and its tests.

    python -m tests.api_facts

The rows are in tests/data/api-rows.txt; row_pages.py says how they are written.
"""

import dataclasses

from flylab.local.settings import PlatformSettings
from flylab.rules.fault_names import API_FAULTS, EDGE_FAULTS
from tests.facts import ROOT
from tests.row_pages import RowPage

_HEAD = """# What holds of the Machines API

Every rule of the Machines API and of what a machine finds around it that is documented, that clients rely on, that
somebody reported, or that is assumed here, with the setting that changes it and the tests that hold it. Settings are
fields of `flylab up --settings FILE`, options of `flylab up`, or [faults](faults.md). "No switch" says that it cannot
be changed, "not here" that one computer cannot show it. `python -m tests.api_facts` writes this page;
[api-coverage.md](api-coverage.md) has the operations and [replay-coverage.md](replay-coverage.md) the same for replays.

"""
API = RowPage(ROOT / "docs" / "api-facts.md", ROOT / "tests" / "data" / "api-rows.txt", _HEAD)
_OPTIONS = ("--rate-limits", "--dns-answers")


def is_setting(text: str) -> bool:
    """Whether it is a field of a table of the settings file, an option, or a fault that can be armed."""
    if text.startswith("fault "):
        return any(known.armable for known in (*API_FAULTS, *EDGE_FAULTS) if known.name == text.removeprefix("fault "))
    table, _, field = text.removeprefix("[").partition("] ")
    return text in _OPTIONS or field in _fields().get(table, ())


def _fields() -> dict[str, set[str]]:
    """The fields of each table with settings of the platform: records in records, each named like its table."""
    found, waiting = {}, {"platform": PlatformSettings()}
    while waiting:
        name, settings = waiting.popitem()
        values = {each.name: getattr(settings, each.name) for each in dataclasses.fields(settings)}
        below = {key: value for key, value in values.items() if dataclasses.is_dataclass(value)}
        waiting |= below
        found[name] = values.keys() - below.keys()
    return found


if __name__ == "__main__":
    API.write()
