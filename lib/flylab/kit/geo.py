"""Decodes the land outline that is shipped with the package, so that a map needs no request to anywhere."""

import json
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import Any

Ring = list[tuple[float, float]]


def decode(topology: dict[str, Any], name: str) -> list[Ring]:
    """The outer rings, as (longitude, latitude), of every polygon of one TopoJSON object.

    Inner rings (the Caspian) are left out and the order of the points is kept: a ring drawn on its own or the
    other way round fills the whole globe.
    """
    scale, shift = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = [_positions(arc, scale, shift) for arc in topology["arcs"]]
    polygons = [
        polygon
        for geometry in topology["objects"][name]["geometries"]
        for polygon in (geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]])
    ]
    return [_ring(polygon[0], arcs) for polygon in polygons]


def _positions(arc: list[list[int]], scale: list[float], shift: list[float]) -> Ring:
    # An arc is a list of steps in whole numbers, each relative to the one before (TopoJSON specification 2.1.2).
    columns = (accumulate(step[axis] for step in arc) for axis in (0, 1))
    xs, ys = ([value * scale[axis] + shift[axis] for value in column] for axis, column in enumerate(columns))
    return list(zip(xs, ys, strict=True))


def _ring(indexes: list[int], arcs: list[Ring]) -> Ring:
    # A negative number means the arc with the one's complement of it, backwards; neighbours share their end point.
    ring: Ring = []
    for index in indexes:
        points = arcs[index] if index >= 0 else arcs[~index][::-1]
        ring += points[1:] if ring else points
    return ring


@cache
def outline() -> tuple[list[float | None], list[float | None]]:
    """Longitudes and latitudes of all land as one line, polygons parted by None; a tenth of a degree is a pixel."""
    text = files("flylab.kit").joinpath("data/land-110m.json").read_text(encoding="utf-8")
    longitudes: list[float | None] = []
    latitudes: list[float | None] = []
    for ring in decode(json.loads(text), "land"):
        longitudes += [round(longitude, 1) for longitude, _ in ring] + [None]
        latitudes += [round(latitude, 1) for _, latitude in ring] + [None]
    return longitudes, latitudes
