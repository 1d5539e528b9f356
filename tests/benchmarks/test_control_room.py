"""What the benchmark of the control room says is what a platform says."""

import random

import control_room

from flylab.kit.control.picture import Picture


def test_its_exchanges_can_be_folded_and_are_of_every_kind() -> None:
    rng, picture = random.Random(1), Picture()
    machine = {"id": "m1", "region": "ams"}
    for number in range(200):
        picture.exchange(control_room.record(number, machine, rng))
    assert picture.totals["requests"] == 200
    assert min(picture.totals[kind] for kind in ("replay", "wake", "refuse")) > 0
