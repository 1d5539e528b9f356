"""Which replays of an upgrade request are followed, for each pair of regions.

Most reports say that any status works, older ones that only 101 does, and one product met 502 between regions
(superset-sh/superset pull request 5542, 2026-07). An app that works under all four modes is safe.
"""

from dataclasses import dataclass
from enum import StrEnum

from flylab.errors import ParseError
from flylab.wire.regions import is_region_code

ACROSS, WITHIN = "across", "within"  # all pairs of two regions, and of one with itself


class Mode(StrEnum):
    """What the origin's answer to an upgrade must be for its ``fly-replay`` to count."""

    ANY = "any"  # whatever its status; a 101 is discarded
    ONLY_101 = "only_101"
    ONLY_PLAIN = "only_plain"
    REFUSE = "refuse"

    def allows(self, status: int | None) -> bool:
        """``status`` is None for a replay from the cache, which no origin answered."""
        if self is Mode.REFUSE:
            return False
        return self is Mode.ANY or status is None or (status == 101) is (self is Mode.ONLY_101)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeSettings:
    """``pairs`` are words such as ``ams-nrt=refuse``, ``across=refuse`` or ``within=only_101``; the order of a pair
    does not count."""

    mode: str = "any"
    pairs: tuple[str, ...] = ()

    def between(self, origin: str, target: str) -> Mode:
        """The mode for a replay from a machine in one region to one in another."""
        rules = dict(_rule(word) for word in self.pairs)
        for key in (frozenset({origin, target}), WITHIN if origin == target else ACROSS):
            if key in rules:
                return rules[key]
        return Mode(self.mode)


def parse_upgrades(words: tuple[str, ...], settings: UpgradeSettings) -> UpgradeSettings:
    """The settings with ``refuse`` for all, or ``ams-nrt=refuse`` for a pair; raises ParseError."""
    mode, pairs = settings.mode, settings.pairs
    for word in words:
        if "=" in word:
            pairs = (*pairs, word)
        else:
            mode = word
    _mode(mode)
    for pair in pairs:
        _rule(pair)
    return UpgradeSettings(mode=mode, pairs=pairs)


def _rule(word: str) -> tuple[frozenset[str] | str, Mode]:
    pair, found, mode = word.partition("=")
    if not found:
        raise ParseError("ws_replay", word, "a pair of regions is expected, as in ams-nrt=refuse")
    if pair in (ACROSS, WITHIN):
        return pair, _mode(mode)
    a, _, b = pair.partition("-")
    if not (is_region_code(a) and is_region_code(b)):
        raise ParseError("ws_replay", word, "two regions, 'across' or 'within' are expected, as in ams-nrt=refuse")
    return frozenset({a, b}), _mode(mode)


def _mode(word: str) -> Mode:
    try:
        return Mode(word)
    except ValueError as exc:
        raise ParseError("ws_replay", word, f"the modes are {', '.join(Mode)}") from exc
