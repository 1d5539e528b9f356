"""Where machines would be placed."""

from typing import Any

import pytest

from flylab.errors import FlylabError
from flylab.rules.admission import Catalogue
from flylab.rules.placements import PlacementSettings, place
from flylab.wire.fields import Fields

CATALOGUE = Catalogue(
    regions=("ams", "iad", "lhr"), published=frozenset({"ams", "iad", "lhr", "nrt"}), deprecated=frozenset(), images={}
)


def placed(**body: Any) -> list[tuple[str, int]]:
    found = place(Fields(body, ""), CATALOGUE, PlacementSettings(per_region=10))
    return [(placement.region, placement.count) for placement in found]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({}, [("ams", 10), ("iad", 10), ("lhr", 10)]),
        ({"region": "iad"}, [("iad", 10)]),
        ({"region": "lhr,eu"}, [("lhr", 10), ("ams", 10)]),
        ({"region": "nrt"}, []),
        ({"count": 3}, [("ams", 3)]),
        ({"count": 12}, [("ams", 10), ("iad", 2)]),
        ({"count": 99}, [("ams", 10), ("iad", 10), ("lhr", 10)]),
        ({"count": 3, "region": "nrt"}, []),
        ({"count": 4, "weights": {"region": 0, "spread": 1}}, [("ams", 2), ("iad", 1), ("lhr", 1)]),
        ({"count": 2, "weights": {"spread": 1000}}, [("ams", 1), ("iad", 1)]),
        ({"count": 2, "compute": {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256}}, [("ams", 2)]),
    ],
)
def test_where(body: dict[str, Any], wanted: list[tuple[str, int]]) -> None:
    assert placed(**body) == wanted


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"region": "xyz"}, "region 'xyz' is unknown"),
        ({"count": -1}, "count -1 is not between"),
        ({"count": 2**63}, "count"),
        ({"count": "3"}, "a whole number is expected"),
        ({"volume_size_bytes": -1}, "volume_size_bytes"),
        ({"weights": {"spread": "much"}}, "weights.spread"),
        ({"weights": []}, "an object is expected"),
        ({"compute": {"cpus": 3}}, "config.guest.cpus 3"),
    ],
)
def test_what_cannot_be_placed(body: dict[str, Any], says: str) -> None:
    with pytest.raises(FlylabError, match=says):
        placed(**body)


def test_both_spellings() -> None:
    (one,) = place(Fields({"region": "ams", "count": 1}, ""), CATALOGUE, PlacementSettings())
    assert one.to_json(capitals=True) == {"Region": "ams", "Count": 1, "Concurrency": 1}
    assert one.to_json(capitals=False) == {"region": "ams", "count": 1, "concurrency": 1}
