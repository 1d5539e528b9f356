"""Settings of replays from a file and from the command line."""

from pathlib import Path

import pytest

from flylab.errors import FlylabError
from flylab.local.replay_options import exchange_settings
from flylab.local.settings import read_tables


def test_every_table_is_read(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(
        "[exchange]\nreplays = 3\n[replay]\nto_itself = false\n[replay_cache]\nentries = 5\n"
        "[statuses]\ntimed_out = 503\n[upgrades]\nmode = 'only_101'\npairs = ['ams-nrt=refuse']\n"
    )
    tables = read_tables(path)
    found = exchange_settings(tables, ("any", "across=only_plain"))
    assert tables == {}
    assert (found.replays, found.replay.to_itself, found.cache.entries, found.statuses.timed_out) == (3, False, 5, 503)
    assert (found.upgrades.mode, found.upgrades.between("nrt", "ams"), found.upgrades.between("ams", "iad")) == (
        "any",
        "refuse",
        "only_plain",
    )


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("[upgrades]\npairs = ['ams']", "a pair of regions is expected"),
        ("[statuses]\ntimed_out = 200", "no status of an error"),
        ("[statuses]\ntimed_out = 599", "no status of an error"),
        ("[replay]\nprecedence = ['fly-prefer-region']", "is not an order of"),
        ("[replay]\nsource = 'middle'", "'first' or 'last' is expected"),
        ("[replay]\norganizations = ['ours']", "a text like 'ours>theirs'"),
        ("[replay_cache]\nentries = 0", "must be above 0"),
    ],
)
def test_settings_that_cannot_be_meant(table: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(table)
    with pytest.raises(FlylabError, match=says):
        exchange_settings(read_tables(path))
