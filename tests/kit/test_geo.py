"""The land outline decodes to sane rings, from package data alone."""

from flylab.kit import geo

# Two triangles that share an edge, in TopoJSON's own words: arc 1 is used backwards by the second one.
TOPOLOGY = {
    "transform": {"scale": [1, 1], "translate": [10, 20]},
    "arcs": [[[0, 0], [4, 0], [0, 4]], [[4, 4], [-4, -4]], [[4, 4], [-4, 0], [0, -4]]],
    "objects": {
        "land": {
            "geometries": [
                {"type": "Polygon", "arcs": [[0, 1], [2]]},
                {"type": "MultiPolygon", "arcs": [[[2, -2]]]},
            ]
        }
    },
}


def test_arcs_are_steps_and_are_joined_once() -> None:
    first, _ = geo.decode(TOPOLOGY, "land")
    assert first == [(10, 20), (14, 20), (14, 24), (10, 20)]


def test_a_negative_arc_runs_backwards() -> None:
    _, second = geo.decode(TOPOLOGY, "land")
    assert second == [(14, 24), (10, 24), (10, 20), (14, 24)]


def test_inner_rings_are_left_out() -> None:
    assert len(geo.decode(TOPOLOGY, "land")) == 2


def test_the_shipped_outline_covers_the_earth_and_no_more() -> None:
    longitudes, latitudes = geo.outline()
    xs, ys = [x for x in longitudes if x is not None], [y for y in latitudes if y is not None]
    assert longitudes.count(None) == latitudes.count(None) > 100
    assert min(xs) >= -180
    assert max(xs) <= 180
    assert min(ys) >= -90
    assert max(ys) < 84
    assert len(xs) > 4000
