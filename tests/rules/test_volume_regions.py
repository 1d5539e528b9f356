"""Of the regions that a request allows, a machine with a mount gets that of its volume."""

import pytest

from flylab.rules.admission import Catalogue, choose_region
from flylab.rules.volume_orders import DestroyVolume
from flylab.rules.volume_regions import beside_volume
from flylab.wire.machine import Mount
from tests.rules.test_mounts import config, machine
from tests.rules.test_volumes import fleet_with, volume

CATALOGUE = Catalogue(
    regions=("ams", "iad", "lhr"), published=frozenset({"ams", "iad", "lhr"}), deprecated=frozenset(), images={}
)
BY_NAME = Mount(path="/data", name="data")
BY_ID = Mount(path="/data", volume="far")


@pytest.mark.parametrize(
    ("mount", "text", "region"),
    [
        (None, "", "ams"),
        (Mount(path="/data", name="unknown"), "", "ams"),
        (BY_ID, "", "iad"),
        (BY_ID, "any", "iad"),
        (BY_ID, "ams,iad", "iad"),
        (BY_ID, "eu,us", "iad"),
        (BY_ID, "ams", "ams"),  # where it is refused by name
        (BY_NAME, "", "iad"),  # the one in lhr is taken, and in ams there is none
        (BY_NAME, "lhr,iad", "iad"),
        (BY_NAME, "lhr", "lhr"),  # where it is refused because it is taken
        (Mount(path="/data", name="going"), "", "ams"),
    ],
)
def test_the_region_of_the_volume_is_preferred(mount: Mount | None, text: str, region: str) -> None:
    fleet = fleet_with(
        volume("near", region="lhr", name="data"), volume("far", region="iad", name="data"),
        volume("going", region="lhr", name="going"), DestroyVolume(app="a", id="going"),
        machine("m", Mount(path="/data", volume="near"), region="lhr"),
    )  # fmt: skip
    wanted = config(*([mount] if mount else []))
    assert choose_region(text, beside_volume(text, CATALOGUE, fleet.volumes, "a", wanted)) == region
    assert beside_volume(text, CATALOGUE, fleet.volumes, "b", wanted) is CATALOGUE
