"""Writes docs/replay-coverage.md: each rule of replays with its mark, its setting and the tests that hold it.

    python -m tests.replay_coverage

The rows are in tests/data/replay-rows.txt: mark | rule | setting | tests, a test by the letter of its file below.
"""

import dataclasses

from flylab.local.replay_options import exchange_settings
from flylab.rules.limits import ExchangeSettings
from tests.facts import ROOT
from tests.row_pages import RowPage

PAGE = ROOT / "docs" / "replay-coverage.md"
ROWS = ROOT / "tests" / "data" / "replay-rows.txt"
FILES = {
    "a": "wire/test_regions.py",
    "c": "rules/test_replay_cache.py",
    "d": "wire/test_duration.py",
    "e": "local/test_edge.py",
    "f": "local/test_transforming.py",
    "g": "rules/test_upgrades.py",
    "j": "wire/test_replay.py",
    "k": "wire/test_replay_cache.py",
    "l": "local/test_latency.py",
    "o": "rules/test_routing.py",
    "q": "wire/test_codes.py",
    "r": "rules/test_replaying.py",
    "s": "rules/test_services.py",
    "t": "wire/test_transform.py",
    "u": "local/test_up_replay.py",
    "w": "local/test_walk.py",
    "x": "rules/test_exchange.py",
}
# Each table of the settings file that a row may name.
TABLES = {"replay": "replay", "replay_cache": "cache", "statuses": "statuses", "upgrades": "upgrades", "exchange": ""}
_HEAD = """# What holds of replays

Every rule of `fly-replay` that is documented, that clients rely on, that somebody reported, or that is assumed here,
with the setting that changes it (`flylab up --settings FILE`) and the tests that hold it.
[replay.md](replay.md) is the page for users. `python -m tests.replay_coverage` writes this one.

"""


REPLAYS = RowPage(PAGE, ROWS, _HEAD, FILES)


def is_setting(text: str) -> bool:
    """Whether ``[table] field`` can stand in a settings file."""
    table, _, field = text.removeprefix("[").partition("] ")
    settings: object = exchange_settings({})
    if name := TABLES[table]:
        settings = getattr(settings, name)
    assert dataclasses.is_dataclass(settings)
    assert isinstance(settings, ExchangeSettings) or table != "exchange"
    return field in {each.name for each in dataclasses.fields(settings)}


if __name__ == "__main__":
    REPLAYS.write()
