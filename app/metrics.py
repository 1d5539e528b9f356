"""Counters in Prometheus' text format; imported with the first question only, since the client library takes 50 ms."""

from collections.abc import Iterator
from resource import RUSAGE_SELF, getrusage
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

if TYPE_CHECKING:
    from app.site import Site

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class SiteCollector:
    """Reads what a site counts anyway, at the moment of the question."""

    def __init__(self, site: "Site") -> None:
        self._site = site

    def collect(self) -> Iterator[Metric]:
        site = self._site
        rooms, store = site.holding, site.store
        hubs = rooms.hubs
        members = sum(len(hub.presence) for hub in hubs)
        unstored = sum(hub.room.seq - hub.stored for hub in hubs)
        yield gauge("rooms_held", "Rooms that this machine holds.", len(rooms))
        yield gauge("rooms_members", "Members in those rooms.", members)
        yield gauge("rooms_connections", "Open connections of members.", site.connections)
        yield gauge("rooms_unstored_entries", "Entries that are not acknowledged yet.", unstored)
        yield gauge("rooms_store_silent_seconds", "For how long the store has not answered.", store.silent_for())
        yield gauge("rooms_ready", "1 when new visitors are welcome.", int(site.ready()[0]))
        yield gauge("rooms_started_time_seconds", "When the process was spawned.", site.boot.started)
        usage = getrusage(RUSAGE_SELF)
        yield counter("rooms_cpu_seconds", "Processor time of this process.", usage.ru_utime + usage.ru_stime)
        entries = CounterMetricFamily("rooms_entries", "Entries written to logs by this process.")
        entries.add_metric([], rooms.counts["entries"] + sum(hub.lines for hub in hubs))
        yield entries
        epochs = CounterMetricFamily("rooms_epochs", "How epochs of this process began and ended.", labels=["event"])
        for event, count in rooms.counts.items():
            if event != "entries":
                epochs.add_metric([event], count)
        yield epochs
        for name, about, counted in (
            ("rooms_store_calls", "Calls to the object store.", store.calls),
            ("rooms_store_errors", "Calls that were not answered.", store.errors),
            ("rooms_store_seconds", "Time spent waiting for answers.", store.seconds),
        ):
            family = CounterMetricFamily(name, about, labels=["call"])
            for call, value in sorted(counted.items()):
                family.add_metric([call], value)
            yield family


def gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=value)


def counter(name: str, about: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(name, about, value=value)


def format_metrics(site: "Site") -> bytes:
    """All series of one site as text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(SiteCollector(site))
    return generate_latest(registry)
