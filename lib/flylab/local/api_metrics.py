"""Metrics in Prometheus' text format at ``/_flylab/metrics``, with Fly's names and labels (monitoring/metrics).

Edges count all the time, in plain numbers (``rules/tallies.py``); everything else is looked up when somebody asks.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from quart import Quart, Response

from flylab.local.api_requests import Control
from flylab.local.exposition import CONTENT_TYPE, Family, merged, written
from flylab.local.scrape import Source, scrape
from flylab.rules.life import Life
from flylab.rules.tallies import Tallies, Times
from flylab.wire.machine import MachineState
from flylab.wire.volume import GIGABYTE, VolumeState

_MEASURED = 2.0  # seconds for the processes of all machines together; our choice
_PROXY = {"proxy_id": "blue"}  # of Fly's two, blue and green, there is one here


def register(api: Quart, control: Control) -> None:
    turn = asyncio.Lock()

    @api.get("/_flylab/metrics", endpoint="flylab_metrics")
    async def metrics() -> Response:
        async with turn:  # machines may have much to say, and one answer at a time is enough
            return Response(await told(control), content_type=CONTENT_TYPE)


async def told(control: Control) -> str:
    """All series as text."""
    platform = control.platform
    lives = {life.id: life for life in platform.fleet.machines()}
    edges = control.tallies()
    apps = {app.name for app in platform.fleet.apps()}
    for edge in edges:
        edge.keep(apps.__contains__, lives.__contains__)
    families = [*_edges(edges), *_apps(edges, lives), *_concurrency(control, lives), *_instances(lives)]
    families += await _usage(control, lives)
    families += await _volumes(control)
    scraped, failed = await scrape(list(_sources(control, lives)))
    missing = Family("flylab_scrape_failed", "gauge", "1 for a machine whose own metrics could not be read.")
    for source, _ in failed:
        missing.add(1, source.labels)
    return written(merged([*families, *scraped, missing]))


def labels_of(life: Life) -> dict[str, str]:
    """``host`` has four hex digits: here every machine has a host of its own."""
    host = hashlib.blake2b(life.id.encode(), digest_size=2).hexdigest()
    return {"app": life.app, "region": life.region, "host": host, "instance": life.id}


def _edges(edges: Iterable[Tallies]) -> Iterator[Family]:
    count = Family("fly_edge_http_responses_count", "counter", "Answers as seen at the edge.")
    times = Family("fly_edge_http_response_time_seconds", "histogram", "Time of an answer, with replays and wakes.")
    opened = Family("fly_edge_tcp_connects_count", "counter", "Connections of clients that were made.")
    closed = Family("fly_edge_tcp_disconnects_count", "counter", "Connections of clients that have ended.")
    received = Family("fly_edge_data_in", "counter", "Bytes from clients.")
    sent = Family("fly_edge_data_out", "counter", "Bytes to clients.")
    for edge in edges:
        here = {"region": edge.region, **_PROXY}
        opened.add(edge.opened, here)
        closed.add(edge.closed, here)
        for (app, status), counted in edge.answers.items():
            labels = {"app": app, **here, "status": str(status)}
            count.add(counted.count, labels)
            _histogram(times, counted, labels)
        for app, (bytes_in, bytes_out) in edge.bytes.items():
            received.add(bytes_in, {"app": app, **here})
            sent.add(bytes_out, {"app": app, **here})
    yield from (count, times, opened, closed, received, sent)


def _apps(edges: Iterable[Tallies], lives: dict[str, Life]) -> Iterator[Family]:
    count = Family("fly_app_http_responses_count", "counter", "Answers of machines.")
    times = Family("fly_app_http_response_time_seconds", "histogram", "Time of an answer of a machine.")
    connects = Family("fly_app_tcp_connects_count", "counter", "Connections to machines that were made.")
    took = Family("fly_app_connect_time_seconds", "histogram", "Time until a connection to a machine was made.")
    visits: dict[tuple[str, int], Times] = {}
    made: dict[str, Times] = {}
    for edge in edges:
        for key, counted in edge.visits.items():
            _join(visits.setdefault(key, Times()), counted)
        for machine, counted in edge.connects.items():
            _join(made.setdefault(machine, Times()), counted)
    for (machine, status), counted in visits.items():
        labels = {**labels_of(lives[machine]), **_PROXY, "status": str(status)}
        count.add(counted.count, labels)
        _histogram(times, counted, labels)
    for machine, counted in made.items():
        labels = {**labels_of(lives[machine]), **_PROXY}
        connects.add(counted.count, labels)
        _histogram(took, counted, labels)
    yield from (count, times, connects, took)


def _concurrency(control: Control, lives: dict[str, Life]) -> Iterator[Family]:
    family = Family("fly_app_concurrency", "gauge", "Load of a machine, which its limits are compared with.")
    for life in lives.values():
        if life.state is MachineState.STARTED and life.config.services:
            family.add(control.platform.loads.of(life.id), {**labels_of(life), **_PROXY})
    yield family


def _instances(lives: dict[str, Life]) -> Iterator[Family]:
    up = Family("fly_instance_up", "gauge", "1 while the machine is started.")
    code = Family("fly_instance_exit_code", "gauge", "Status with which the machine last ended.")
    oom = Family("fly_instance_exit_oom", "gauge", "1 when it last ended for want of memory.")
    for life in lives.values():
        if life.state is MachineState.DESTROYED:
            continue
        labels = labels_of(life)
        up.add(life.state is MachineState.STARTED, labels)
        for event, _ in reversed(life.log):
            ended = event.request.get("exit_event")
            if isinstance(ended, dict):
                code.add(int(str(ended["exit_code"])), labels)
                oom.add(bool(ended["oom_killed"]), labels)
                break
    yield from (up, code, oom)


async def _usage(control: Control, lives: dict[str, Life]) -> list[Family]:
    """CPU in centiseconds and memory in bytes of what runs, as far as there is time to look."""
    cpu = Family("fly_instance_cpu", "counter", "CPU time of the machine's processes that live, in centiseconds.")
    total = Family("fly_instance_memory_mem_total", "gauge", "Memory that the machine may have, in bytes.")
    left = Family("fly_instance_memory_mem_available", "gauge", "What its processes leave of that, in bytes.")
    clock = control.platform.clock
    deadline = clock.now() + _MEASURED
    for life in lives.values():
        if life.state is not MachineState.STARTED or clock.now() > deadline:
            continue
        labels, processes = labels_of(life), await control.platform.driver.processes(life.id)
        user = system = 0
        for process in processes:
            one, other = _cpu_of(process.pid)
            user, system = user + one, system + other
        cpu.add(user, {**labels, "cpu_id": "0", "mode": "user"})
        cpu.add(system, {**labels, "cpu_id": "0", "mode": "system"})
        limit = control.platform.fleet.memory.limit(life.id, life.config) * 1024 * 1024
        total.add(limit, labels)
        left.add(max(limit - sum(process.rss for process in processes), 0), labels)
    return [cpu, total, left]


def _cpu_of(pid: int) -> tuple[int, int]:
    """User and system time with that of children that were waited for; in ticks, which are centiseconds on Linux."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return int(fields[11]) + int(fields[13]), int(fields[12]) + int(fields[14])
    except (OSError, IndexError, ValueError):  # it has ended, or this is not Linux
        return 0, 0


async def _volumes(control: Control) -> list[Family]:
    size = Family("fly_volume_size_bytes", "gauge", "Size of a volume.")
    used = Family("fly_volume_used_pct", "gauge", "How full it is, in per cent.")
    volumes, apps = control.platform.fleet.volumes, control.platform.fleet.apps()
    entries = [entry for app in apps for entry in volumes.volumes(app.name) if entry.state is VolumeState.CREATED]
    measured = await control.platform.folders.measure([entry.id for entry in entries])
    for entry in entries:
        labels = {"app": entry.app, "region": entry.region, "id": entry.id}
        size.add(entry.size_gb * GIGABYTE, labels)
        if entry.id in measured:
            used.add(round(100 * measured[entry.id] / (entry.size_gb * GIGABYTE), 3), labels)
    return [size, used]


def _sources(control: Control, lives: dict[str, Life]) -> Iterator[Source]:
    for life in lives.values():
        wanted = life.config.extra.get("metrics")
        if life.state is not MachineState.STARTED or not isinstance(wanted, dict):
            continue
        port, path = wanted.get("port"), wanted.get("path") or "/metrics"
        address = control.platform.address(life.id, port) if isinstance(port, int) else None
        if address is not None and isinstance(path, str) and path.startswith("/"):
            https = wanted.get("https") is True
            yield Source(host=address[0], port=address[1], path=path, https=https, labels=labels_of(life))


def _histogram(family: Family, times: Times, labels: dict[str, str]) -> None:
    if not times.timed:
        return
    for bound, count in times.cumulative():
        family.add(count, {**labels, "le": bound}, "_bucket")
    family.add(times.total, labels, "_sum")
    family.add(times.timed, labels, "_count")


def _join(into: Times, other: Times) -> None:
    into.count += other.count
    into.total += other.total
    into.buckets = [one + more for one, more in zip(into.buckets, other.buckets, strict=True)]
