"""Readers of ``regions.csv`` and ``rtt.csv``: where Fly's regions are and how long a round trip between two takes."""

from dataclasses import dataclass, field
from functools import cache
from math import asin, cos, radians, sin, sqrt

from flylab.published.lookup import rows

EARTH_RADIUS_KM = 6371.0  # mean radius
FIBRE_KM_PER_MS = 200.0  # speed of light in fibre
SAME_REGION_MS = 1.0  # published: 0.1 ms inside a zone, 0.6 to 2.4 ms between the zones of a metropolitan area

# rtt = constant + 2 * km / 200 * inflation, least squares over the pairs of rtt.csv, in two classes of distance; the
# 90th percentile of its error is 29 % below and 38 % above 4,000 km. tests/published/test_network.py fits it anew.
NEAR_KM = 4000.0
NEAR = (7.2, 1.600)
FAR = (17.5, 1.575)


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One region as Fly's documentation listed it on ``date``; ``aliases`` and ``geo_region`` are derived by us."""

    code: str
    name: str
    city: str
    country: str
    latitude: float
    longitude: float
    geo_region: str
    gateway_available: bool
    deprecated: bool
    aliases: tuple[str, ...]
    source: str
    date: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPair:
    """A row of rtt.csv: the median of the sources, with their extremes."""

    a: str
    b: str
    rtt_ms: float
    low_ms: float
    high_ms: float
    source: str
    date: str


@dataclass(frozen=True, slots=True)
class Rtt:
    """Round trips between regions in milliseconds: published pairs first, then the fitted formula."""

    pairs: dict[frozenset[str], float]
    places: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __call__(self, a: str, b: str) -> float:
        """Symmetric; raises KeyError when neither a pair nor both places are known."""
        if a == b:
            return SAME_REGION_MS
        measured = self.pairs.get(frozenset((a, b)))
        return measured if measured is not None else estimate_ms(great_circle_km(self.places[a], self.places[b]))

    @property
    def codes(self) -> tuple[str, ...]:
        """Every region that the table can answer for, in alphabetical order."""
        return tuple(sorted(set(self.places).union(*self.pairs)))


def great_circle_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """The haversine distance between two points given as (latitude, longitude) in degrees."""
    lat_a, lon_a, lat_b, lon_b = (radians(degrees) for degrees in (*a, *b))
    chord = sin((lat_b - lat_a) / 2) ** 2 + cos(lat_a) * cos(lat_b) * sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(chord))


def estimate_ms(km: float) -> float:
    """The fitted round trip for a distance; for pairs that nobody published."""
    constant, inflation = NEAR if km < NEAR_KM else FAR
    return constant + 2 * km / FIBRE_KM_PER_MS * inflation


@cache
def regions() -> tuple[Region, ...]:
    """All regions, deprecated ones included, by code."""
    return tuple(
        Region(
            code=row["code"],
            name=row["name"],
            city=row["city"],
            country=row["country"],
            latitude=float(row["latitude"]),
            longitude=float(row["longitude"]),
            geo_region=row["geo_region"],
            gateway_available=row["gateway_available"] == "true",
            deprecated=row["deprecated"] == "true",
            aliases=tuple(row["aliases"].split()),
            source=row["source"],
            date=row["date"],
            note=row["note"],
        )
        for row in rows("regions.csv")
    )


@cache
def published_pairs() -> tuple[PublishedPair, ...]:
    """Every row of rtt.csv, each unordered pair once."""
    return tuple(
        PublishedPair(
            a=row["a"],
            b=row["b"],
            rtt_ms=float(row["rtt_ms"]),
            low_ms=float(row["low_ms"]),
            high_ms=float(row["high_ms"]),
            source=row["source"],
            date=row["date"],
        )
        for row in rows("rtt.csv")
    )


@cache
def rtt() -> Rtt:
    """The table over all published regions and pairs.

    The rows combine three public tables, named in their ``source`` column: the WonderNetwork ping data set of
    July 2020 (public Internet), Microsoft's Azure inter-region medians copied in March 2026 and IBM Cloud's VPC means
    of July and August 2026 (both provider backbones).
    """
    return Rtt(
        pairs={frozenset((pair.a, pair.b)): pair.rtt_ms for pair in published_pairs()},
        places={region.code: (region.latitude, region.longitude) for region in regions()},
    )
