"""How long something has taken, on clocks that are wrong in every way that they can be."""

import pytest

from app.elapsed import Elapsed


@pytest.mark.parametrize(
    ("what", "steps", "elapsed"),
    [
        ("both go on", [(5.0, 5.0), (5.0, 5.0)], 10.0),
        ("the wall clock is put back", [(5.0, 5.0), (-3_600.0, 5.0), (5.0, 5.0)], 15.0),
        ("it is put back again and again", [(-1.0, 1.0)] * 20, 20.0),
        ("the machine is suspended: the steady clock stands still", [(5.0, 5.0), (3_600.0, 0.0), (5.0, 5.0)], 3_610.0),
        ("it is suspended, and the wall clock put right only later", [(0.0, 0.0), (0.0, 1.0), (3_600.0, 1.0)], 3_601.0),
        ("the wall clock is put forward", [(5.0, 5.0), (3_600.0, 5.0)], 3_605.0),
        ("it is slowed down to be put right", [(0.5, 1.0)] * 10, 10.0),
        ("a test puts both back", [(5.0, 5.0), (-9.0, -9.0), (5.0, 5.0)], 10.0),
    ],
)
def test_of_every_stretch_the_longer_counts(what: str, steps: list[tuple[float, float]], elapsed: float) -> None:
    wall, steady = 1_790_000_000.0, 77.0
    clock = Elapsed(lambda: wall, lambda: steady)
    began = last = clock()
    assert began == wall
    for by_wall, by_steady in steps:
        wall, steady = wall + by_wall, steady + by_steady
        assert clock() >= last
        last = clock()
    assert last - began == pytest.approx(elapsed), what
