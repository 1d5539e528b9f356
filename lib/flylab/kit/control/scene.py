"""The world as the control room draws it: land as one path, regions as points, all in one flat plane; pure.

Patterson's cylindrical projection (T. Patterson, B. Šavrič, B. Jenny, 2014): a map that wraps round at its sides, so
that the way from Tokyo to Los Angeles leaves at the right and comes back at the left.
"""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise
from math import pi, radians
from typing import Any

from flylab.kit.geo import decode
from flylab.published.network import regions

WIDTH = 2000  # units of the plane; twice as many as pixels of the widest map, so that whole numbers are enough
WEST, NORTH, SOUTH = -170.0, 76.0, -56.0  # the sides: the Bering Strait, north of all regions, without Antarctica
ROUGH = 1.6  # units that a line may be off, less than a pixel of the widest map; our choice
SPECK = 40.0  # square units of the smallest island, six pixels across on the widest map; our choice

Point = tuple[float, float]


def project(longitude: float, latitude: float) -> Point:
    """A place in the plane; x runs to the right from the Bering Strait, y down."""
    x = ((longitude - WEST) % 360) / 360 * WIDTH
    return x, (_north(NORTH) - _north(latitude)) * WIDTH / (2 * pi)


def _north(latitude: float) -> float:
    p = radians(latitude)
    return float(1.0148 * p + 0.23185 * p**5 - 0.14499 * p**7 + 0.02406 * p**9)


HEIGHT = round(project(0, SOUTH)[1])


def scene(codes: Sequence[str] = ()) -> dict[str, Any]:
    """The size of the plane, its land, and the places of some regions by their codes; of all unless some are named."""
    wanted = set(codes)
    places = {}
    for region in regions():
        if not wanted or region.code in wanted:
            x, y = project(region.longitude, region.latitude)
            places[region.code] = {"city": region.city, "x": round(x), "y": round(y)}
    return {"width": WIDTH, "height": HEIGHT, "land": land(), "places": places}


@cache
def land() -> str:
    """All land as one SVG path of whole, relative steps."""
    text = files("flylab.kit").joinpath("data/land-110m.json").read_text(encoding="utf-8")
    return "".join(_path(ring) for ring in _rings(decode(json.loads(text), "land")))


def _rings(rings: Iterable[Sequence[Point]]) -> Iterable[list[Point]]:
    for ring in rings:
        if max(latitude for _, latitude in ring) < SOUTH:
            continue
        flat = [((lon - WEST) / 360 * WIDTH, project(lon, lat)[1]) for lon, lat in _unwrapped(ring)]
        # The first and the last point are the same one, and between one point and itself everything is one line.
        middle = len(flat) // 2
        smooth = _smooth(flat[: middle + 1])[:-1] + _smooth(flat[middle:])
        if abs(_area(smooth)) >= SPECK:
            yield smooth


def _unwrapped(ring: Sequence[Point]) -> list[Point]:
    """The same without the jump of 360 degrees of a ring that crosses the 180th meridian, as Siberia's does."""
    longitudes = [ring[0][0]]
    for longitude, _ in ring[1:]:
        longitudes.append(longitude + 360 * round((longitudes[-1] - longitude) / 360))
    middle = (min(longitudes) + max(longitudes)) / 2
    shift = 360 * round((WEST + 180 - middle) / 360)
    return [(longitude + shift, latitude) for longitude, (_, latitude) in zip(longitudes, ring, strict=True)]


def _path(points: Sequence[Point]) -> str:
    x, y = round(points[0][0]), round(points[0][1])
    steps = []
    told = f"M{x} {y}"
    for px, py in points[1:-1]:
        dx, dy = round(px) - x, round(py) - y
        if dx or dy:
            steps.append(f"{dx}{'' if dy < 0 else ' '}{dy}")
        x, y = x + dx, y + dy
    return f"{told}l{' '.join(steps).replace(' -', '-')}z" if steps else ""


def _smooth(points: Sequence[Point]) -> list[Point]:
    """Fewer points, none of the left out ones farther off than ``ROUGH`` (Ramer, Douglas and Peucker)."""
    kept = {0, len(points) - 1}
    spans = [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        off, at = max(
            ((_off(points[n], points[first], points[last]), n) for n in range(first + 1, last)), default=(0, 0)
        )
        if off > ROUGH:
            kept.add(at)
            spans += [(first, at), (at, last)]
    return [points[n] for n in sorted(kept)]


def _off(point: Point, one: Point, other: Point) -> float:
    (x, y), (ax, ay), (bx, by) = point, one, other
    length = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5
    if length == 0:
        return float(((x - ax) ** 2 + (y - ay) ** 2) ** 0.5)
    return float(abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length)


def _area(points: Sequence[Point]) -> float:
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairwise(points)) / 2
