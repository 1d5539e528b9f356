"""A way is called slower only where the interval says so."""

from dataclasses import replace

import pytest

from flylab.kit import ways
from flylab.measure.wakes import Wake, assemble
from tests.measure.wakes.cases import RUNNING, STOP, at


def waits(variant: str, *ms: float) -> list[Wake]:
    seen = STOP if variant == "stop" else RUNNING
    return [
        assemble(
            replace(seen, client={**seen.client, "answered": at(each - 10), "welcomed": at(each)}), variant=variant
        )
        for each in ms
    ]


LONG, SHORT = (400, 410, 405, 420, 395, 415), (300, 290, 310, 305, 295, 301)


def test_a_way_whose_interval_lies_above_is_longer():
    effects = ways.apart([*waits("stop", *LONG), *waits("always-on", *SHORT)], "stop")
    assert list(effects) == ["always-on"]
    assert effects["always-on"].difference == pytest.approx(0.105, abs=0.01)
    assert ways.longer(effects) is True


def test_the_other_way_round_it_is_not():
    assert ways.longer(ways.apart([*waits("stop", *SHORT), *waits("always-on", *LONG)], "stop")) is False


def test_what_overlaps_cannot_be_told():
    assert ways.longer(ways.apart([*waits("stop", 300, 420), *waits("always-on", 310, 400)], "stop")) is None
    assert ways.longer({}) is None


def test_failures_and_warm_ups_are_not_compared():
    made = [*waits("stop", *LONG), *waits("always-on", *SHORT)]
    spoilt = [replace(waits("stop", 9000)[0], outcome="503"), replace(waits("stop", 9000)[0], warm_up=True)]
    assert ways.apart([*made, *spoilt], "stop")["always-on"].n_b == len(LONG)
