"""Which replays of upgrades are followed."""

import pytest

from flylab.errors import ParseError
from flylab.rules.upgrades import Mode, UpgradeSettings, parse_upgrades


@pytest.mark.parametrize(
    ("mode", "plain", "switching", "cached"),
    [
        ("any", True, True, True),
        ("only_101", False, True, True),
        ("only_plain", True, False, True),
        ("refuse", False, False, False),
    ],
)
def test_modes(mode, plain, switching, cached):
    """REPORTED several, see docs/replay.md: each mode is what somebody saw."""
    assert [Mode(mode).allows(status) for status in (307, 101, None)] == [plain, switching, cached]


def test_the_nearest_rule_counts():
    settings = parse_upgrades(("only_101", "across=refuse", "nrt-ams=any", "ams-ams=only_plain"), UpgradeSettings())
    pairs = [("ams", "nrt"), ("nrt", "ams"), ("ams", "iad"), ("ams", "ams"), ("iad", "iad")]
    assert [settings.between(*pair) for pair in pairs] == ["any", "any", "refuse", "only_plain", "only_101"]
    assert UpgradeSettings(pairs=("within=refuse",)).between("ams", "ams") is Mode.REFUSE


@pytest.mark.parametrize("word", ["never", "ams=refuse", "ams-nrt", "ams-nrt=never", "a-b-c=any", "=any", ""])
def test_what_is_no_rule_is_refused(word):
    with pytest.raises(ParseError):
        parse_upgrades((word,), UpgradeSettings())
    with pytest.raises(ParseError):
        parse_upgrades((), UpgradeSettings(pairs=("ams-nrt",)))
