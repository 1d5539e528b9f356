"""What round trips alone say about the openstatus table of 2024: whole requests from six sites to an app in one region.

A new connection costs whole round trips, and the protocols say how many: one for TCP (RFC 9293, the handshake up to
the acknowledgement that may carry data), one for TLS 1.3 (RFC 8446, a full handshake), one for the request and the
first byte of its answer. All three go to the app's region when nobody stands between; where a proxy beside the site
ends TCP and TLS, one does. Nothing is fitted, and DNS, the app and everything that waits are left out.
"""

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from flylab.errors import UsageError
from flylab.published.distributions import Curve, distribution
from flylab.published.lookup import rows, unknown
from flylab.published.network import published_pairs

GROUP = "openstatus-2024"
ONE_REGION = ("Koyeb", "Railway", "Render")  # the rows whose app was in one region, and which the page names
DIRECT, AT_AN_EDGE = 3, 1  # round trips to the app's region: TCP, TLS and request; the request alone
STATISTICS = ("mean", "75", "90", "95", "99")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One line of the page's tables of phases: means over two weeks, in ms, from one site to one provider."""

    curve: str
    app_region: str  # empty where it is not one region
    site: str
    dns_ms: float
    connect_ms: float
    tls_ms: float
    first_byte_ms: float
    source: str
    address: str
    date: str
    kind: str
    status: str
    note: str

    @property
    def total_ms(self) -> float:
        return self.dns_ms + self.connect_ms + self.tls_ms + self.first_byte_ms


@dataclass(frozen=True, slots=True)
class Trip:
    """A round trip, with the least and the most that any source has."""

    ms: float
    low_ms: float
    high_ms: float


@cache
def sites(curve: str) -> tuple[Site, ...]:
    """The six sites of one provider; UsageError for a provider without such a table."""
    found = tuple(_site(row) for row in rows("openstatus_sites.csv") if row["curve"] == curve)
    if not found:
        raise unknown("table of phases of", curve, dict.fromkeys(row["curve"] for row in rows("openstatus_sites.csv")))
    return found


@cache
def _trips() -> Mapping[frozenset[str], Trip]:
    found = {frozenset((pair.a, pair.b)): Trip(pair.rtt_ms, pair.low_ms, pair.high_ms) for pair in published_pairs()}
    # Hong Kong is no region of Fly any more, and Portland, where Railway's app was, never was one.
    for row in rows("openstatus_rtt.csv"):
        trip = Trip(float(row["rtt_ms"]), float(row["low_ms"]), float(row["high_ms"]))
        found[frozenset((row["a"], row["b"]))] = trip
    return found


def trip(site: str, app_region: str) -> Trip:
    """The published round trip between a site and an app's region; UsageError where nobody published it."""
    pair = frozenset((site, app_region))
    if pair not in _trips():
        raise UsageError(f"nobody published a round trip between {site} and {app_region}")
    return _trips()[pair]


def predicted(curve: str, round_trips: int) -> Mapping[str, Trip]:
    """For each site what so many round trips to the app's region take."""
    found = {}
    for site in sites(curve):
        if not site.app_region:
            raise UsageError(f"the app behind {curve!r} was not in one region")
        once = trip(site.site, site.app_region)
        found[site.site] = Trip(*(round_trips * ms for ms in (once.ms, once.low_ms, once.high_ms)))
    return found


def summary(values: Iterable[float]) -> dict[str, float]:
    """The statistics of the page over all checks, when each site made as many of them and always found its value."""
    ordered = sorted(values)

    def at(percent: int) -> float:
        return ordered[max(math.ceil(percent / 100 * len(ordered)), 1) - 1]

    return {"mean": statistics.fmean(ordered)} | {str(percent): at(percent) for percent in (75, 90, 95, 99)}


def published(curve: str) -> Curve:
    """The row itself."""
    return distribution(GROUP)[curve]


def errors(curve: str, round_trips: int) -> dict[str, float]:
    """Predicted less published, as a share of the published value, for each statistic."""
    said, found = published(curve), summary(each.ms for each in predicted(curve, round_trips).values())
    return {name: found[name] / said.at(name) - 1 for name in STATISTICS}


def first_byte_errors(curve: str) -> dict[str, float]:
    """One round trip less the published wait for the first byte, in ms, for each site."""
    once = predicted(curve, AT_AN_EDGE)
    return {site.site: once[site.site].ms - site.first_byte_ms for site in sites(curve)}


def unaccounted(curve: str) -> float:
    """The row's mean less the mean of its sites' phases: what the page's own tables do not explain."""
    return published(curve).at("mean") - statistics.fmean(site.total_ms for site in sites(curve))


def _site(row: dict[str, str]) -> Site:
    numbers = ("dns_ms", "connect_ms", "tls_ms", "first_byte_ms")
    texts = {key: text for key, text in row.items() if key not in numbers}
    return Site(**{key: float(row[key]) for key in numbers}, **texts)  # type: ignore[arg-type]
