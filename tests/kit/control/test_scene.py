"""The plane that the world is drawn on."""

import re
from math import isclose

from flylab.kit.control import scene
from flylab.published.network import regions


def test_every_region_lies_on_the_plane_and_the_right_way_round() -> None:
    made = scene.scene()
    places = made["places"]
    assert set(places) == {region.code for region in regions()}
    assert all(0 <= place["x"] <= made["width"] and 0 <= place["y"] <= made["height"] for place in places.values())
    assert places["sjc"]["x"] < places["iad"]["x"] < places["lhr"]["x"] < places["sin"]["x"] < places["nrt"]["x"]
    assert places["arn"]["y"] < places["fra"]["y"] < places["sin"]["y"] < places["syd"]["y"]


def test_the_sides_meet() -> None:
    assert isclose(scene.project(-169.0, 10.0)[0], scene.project(191.0, 10.0)[0])
    assert scene.project(0, scene.NORTH)[1] == 0


def test_only_named_regions_are_shown() -> None:
    assert list(scene.scene(["nrt", "ams"])["places"]) == ["ams", "nrt"]


def test_the_land_is_small_and_crosses_no_side() -> None:
    path = scene.land()
    assert 5_000 < len(path) < 12_000
    for ring in path.split("z")[:-1]:
        first, _, steps = ring.partition("l")
        x = int(re.findall(r"-?\d+", first)[0])
        xs = [x]
        for dx in re.findall(r"-?\d+", steps)[::2]:
            assert abs(int(dx)) < scene.WIDTH / 4  # a line across the whole map would be a ring that was cut
            xs.append(xs[-1] + int(dx))
        assert min(xs) > -0.02 * scene.WIDTH
        assert max(xs) < 1.03 * scene.WIDTH
