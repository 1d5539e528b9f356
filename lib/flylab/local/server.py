"""`flylab up`: puts platform, API and edges together in one event loop and takes them apart again, whatever happens."""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from flylab import __version__
from flylab.clock import SystemClock
from flylab.errors import LocalError
from flylab.local.autostop import Autostopper
from flylab.local.checker import Checker
from flylab.local.descendants import adopt_orphans, kill_below
from flylab.local.edge import Edge, EdgeSettings
from flylab.local.endings import on_signals, watch_parent
from flylab.local.entrances import Entrances
from flylab.local.images import builtin_images, project_folder, read_images
from flylab.local.latency import Latency
from flylab.local.limits import find as find_limits
from flylab.local.open_files import allow_many_files, shortage
from flylab.local.options import Options, choose_regions, read_faults, read_latency
from flylab.local.phonebook import Phonebook
from flylab.local.platform import Platform
from flylab.local.ports import Ports
from flylab.local.process import ProcessDriver
from flylab.local.replay_options import TABLES as REPLAY_TABLES
from flylab.local.replay_options import exchange_settings
from flylab.local.settings import overridden, platform_settings, read_tables, refuse_negative, refuse_unknown
from flylab.local.sockets import listen_all, listen_names, url
from flylab.local.speech import exchange_line, greeting
from flylab.local.store import Store, remove_abandoned
from flylab.local.timeouts import Timeouts
from flylab.local.timetable import Timetable
from flylab.local.troubles import Troubles
from flylab.published.network import regions, rtt
from flylab.rules.admission import Catalogue
from flylab.rules.names import Answer, Asker, Question, resolve
from flylab.rules.rates import Rates, RateSettings
from flylab.rules.replay_cache import ReplayCache
from flylab.wire.fields import Json

if TYPE_CHECKING:
    from flylab.local.api_requests import Control
    from flylab.local.names import NameServer

ORGANIZATION = "personal"
_LEFTOVERS = 1.0  # seconds for the last processes when the supervisor itself was killed
# One for the settings of each part (local/settings.py).
_TABLES = (
    "platform", "fleet", "life", "lease", "exec", "secrets", "volumes", "checks", "limits", "placement", "policies",
    "edge", "exchange", "autostop", "http2", "api", *REPLAY_TABLES,
)  # fmt: skip


def run(options: Options) -> int:
    """Serve until a signal, or the death of whoever started us or of the supervisor; returns the exit status."""
    files = allow_many_files()
    adopt_orphans()
    with contextlib.ExitStack() as stack:
        # If even the supervisor is killed, its processes come to us, and nobody else here has children.
        stack.callback(kill_below, os.getpid(), _LEFTOVERS)
        server = Server(options, stack)
        if text := shortage(server.edge_settings.connections, files, asked=server.asks_connections):
            print(f"flylab: {text}", file=sys.stderr)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(server.serve())


class Server:
    """What one `flylab up` has open; ``stack`` and the end of ``serve`` close all of it."""

    def __init__(self, options: Options, stack: contextlib.ExitStack) -> None:
        self.options = options
        self.regions = choose_regions(options.regions)
        self.rtt = read_latency(options.latency)
        self.images = builtin_images(project := project_folder())
        for path in options.images:
            self.images |= read_images(path, project)
        tables = read_tables(options.settings)
        self.settings = platform_settings(tables)
        self.edge_settings = _edge_settings(tables, options.ws_replay, trace=options.trace)
        refuse_unknown(tables, _TABLES)
        self.asks_connections = "connections" in tables.get("edge", {})
        self.armed = read_faults(options.faults)
        codes = [region.code for region in self.regions]
        self.api_socket, self.edge_sockets = listen_all(options.api_port, options.edge_port, codes)
        self.name_sockets = listen_names(options.dns_port)
        for listener in (self.api_socket, *self.edge_sockets.values(), *self.name_sockets):
            stack.callback(listener.close)
        self.store = Store(_state_folder(options, stack))
        stack.callback(self.store.close)
        runs = int(self.store.fact("runs") or 0) + 1
        self.token = self.store.fact("token") or secrets.token_hex(20)
        self.store.remember("runs", str(runs))
        self.store.remember("token", self.token)
        # The same seed on a kept state must not give the same ids again.
        self._seed = None if options.seed is None else f"{options.seed}:{runs}"
        self.clock = SystemClock()
        rng = self._random("platform")
        self.platform = Platform(store=self.store, clock=self.clock, rng=rng, settings=self.settings)
        self.platform.rates = Rates(RateSettings()) if self.options.rate_limits else None
        self.faults = Troubles(self.platform, self._random("faults"), codes)
        self.latency = Latency(self.rtt, self.faults.links.added_ms)
        self.limits = find_limits(self.settings.limits)
        self.driver = ProcessDriver(
            self.store.machines_folder,
            self.images,
            Ports(self._random("ports")),
            report=self.platform.report,
            lost=self._supervisor_lost,
            log_size=self.settings.log_size,
            enforcement=self.limits,
            more_env=self._name_door,
        )
        self.entrances = Entrances(options, codes, folder=self.store.folder, platform=self.platform, stack=stack)
        self.names: NameServer | None = None
        self._edges: list[Edge] = []
        self.timeouts = Timeouts(self.edge_settings, self._edges)
        cache = self.edge_settings.exchange.cache
        self._cache = ReplayCache(cache) if cache.shared else None
        self._stopping: asyncio.Event | None = None
        self._status = 0

    async def serve(self) -> int:
        """Start everything, say where it is, wait for the end; the last that was started ends first."""
        self._stopping = asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self.driver.close)
            # Quart and uvicorn take the longest to import; the supervisor starts beside us meanwhile.
            from flylab.local.api import create_api
            from flylab.local.names import NameServer
            from flylab.local.uvicorn_server import ApiServer

            self.names = NameServer(self.name_sockets, self.regions[0].code, self._named, self._networks)
            stack.push_async_callback(self.names.close)
            await self.names.start()
            api = ApiServer(create_api(self._control()), self.api_socket, self.settings.api)
            stack.push_async_callback(api.stop)
            self.driver.doors.attach(api.protocols)
            await self.driver.start()
            checker, timetable, autostop = self._watchers()
            self.platform.attach(self.faults.driver(self.driver))
            stack.push_async_callback(self.platform.close)
            stack.push_async_callback(checker.close)
            stack.callback(timetable.close)
            stack.push_async_callback(self.faults.close)
            autostop.start()
            stack.callback(autostop.close)
            await api.start()
            for region, listener in self.edge_sockets.items():
                edge = self.faults.edge(self._edge(region))
                self._edges.append(edge)
                stack.push_async_callback(edge.close)
                await edge.serve(listener)
            await self.entrances.serve(self._edges)
            stack.callback(on_signals(self.stop))
            stack.callback(watch_parent(self.stop, self.options.parent))
            for fault in self.armed:
                await self.faults.arm(fault)
            self._announce()
            await self._stopping.wait()
        return self._status

    def _control(self) -> "Control":
        from flylab.local.api_requests import Control
        from flylab.local.fault_gate import Gate

        return Control(
            platform=self.platform,
            rng=self._random("api"),
            catalogue=self._catalogue(),
            images=self.images,
            regions=self.regions,
            organization=ORGANIZATION,
            token=self.token,
            rates=self.platform.rates,
            describe=self._describe,
            faults=self.faults,
            gate=Gate(self.faults),
            timeouts=self.timeouts,
            tallies=lambda: [edge.tallies for edge in self._edges],
            ports=self.entrances.book.to_json,
        )

    def _watchers(self) -> tuple[Checker, Timetable, Autostopper]:
        """What acts by itself while machines run: their checks, their schedules, and what stops those not needed."""
        platform, settings = self.platform, self.settings
        checker = Checker(
            self.clock, settings.checks, address=platform.address, apply=self.faults.checked(platform.apply)
        )
        timetable = Timetable(self.clock, settings.schedule_hour, platform.report)
        autostop = Autostopper(platform, settings.autostop, self._going_away)
        platform.watchers += [checker.look, timetable.look, autostop.look]
        return checker, timetable, autostop

    def _going_away(self, machine: str) -> None:
        for edge in self._edges:
            edge.websockets.close(machine)

    def _edge(self, region: str) -> Edge:
        return Edge(
            region,
            self.platform,
            rtt=rtt(),
            latency=self.latency,
            clock=self.clock,
            rng=self._random(region),
            settings=self.edge_settings,
            on_exchange=self._exchanged if self.options.trace else self.platform.exchanges.publish,
            on_opened=self.platform.exchanges.tell,
            on_refusal=self.platform.proxy_log.tell,
            on_news=self.platform.proxy_log.say,
            cache=self._cache,
        )

    def _named(self, question: Question, asker: Asker) -> Answer:
        loopback = self.options.dns_answers == "loopback"
        api_port: int = self.api_socket.getsockname()[1]
        book = Phonebook(self.platform, ports=loopback, flycast=self.entrances.flycast, api_port=api_port)
        return resolve(question, asker, book, rtt=rtt(), loopback=loopback)

    def _networks(self) -> set[str]:
        return {app.network for app in self.platform.fleet.apps()}

    def _name_door(self, app: str, region: str) -> dict[str, str]:
        """The environment that tells a machine where names are answered for it."""
        assert self.names is not None, "machines start after the servers"
        return {"FLYLAB_DNS": self.names.door(region, self.platform.fleet.app(app).network)}

    def _random(self, purpose: str) -> Random:
        """A source of chance of its own for each purpose, so that one does not disturb the order of another."""
        return Random() if self._seed is None else Random(f"{self._seed}:{purpose}")

    def _catalogue(self) -> Catalogue:
        return Catalogue(
            regions=tuple(self.edge_sockets),
            published=frozenset(region.code for region in regions()),
            deprecated=frozenset(region.code for region in regions() if region.deprecated),
            images={name: image.obstacle for name, image in self.images.items()},
            bare=frozenset(name for name, image in self.images.items() if not image.command),
        )

    def _describe(self) -> Json:
        codes = list(self.edge_sockets)
        return {
            "version": __version__,
            "pid": os.getpid(),
            "api": url(self.api_socket),
            "org": ORGANIZATION,
            "edges": self._edge_urls(),
            **self.entrances.described(),
            "dns": self.names.address if self.names else "",
            "dns_answers": self.options.dns_answers,
            "state": str(self.store.folder),
            "regions": codes,
            "images": {name: image.about for name, image in self.images.items()},
            "latency": self.options.latency,
            "rtt_ms": {a: {b: self.latency.round_trip_ms(a, b) for b in codes} for a in codes},
            "limits": self.limits.to_json(),
            "rate_limits": self.options.rate_limits,
            "seed": self.options.seed,
            "faults": [fault.to_json() for fault in self.faults.armed()],
            "links": [link.to_json() for link in self.faults.links.all()],
            "timeouts": self.timeouts.to_json(),
            "settings": {"platform": asdict(self.settings), "edge": asdict(self.edge_settings)},
        }

    def _edge_urls(self) -> dict[str, str]:
        return {region: url(listener) for region, listener in self.edge_sockets.items()}

    def _announce(self) -> None:
        api, edges, state = url(self.api_socket), self._edge_urls(), str(self.store.folder)
        dns = self.names.address if self.names else ""
        if self.options.json:
            line = {"api": api, "token": self.token, "org": ORGANIZATION, "edges": edges, "state": state}
            print(json.dumps(line | {"dns": dns, "pid": os.getpid()} | self.entrances.described()), flush=True)
        else:
            kept, more = self.options.state is not None, self.entrances.described()
            print(greeting(api, self.token, edges, dns, state, kept=kept, more=more), flush=True)

    def _exchanged(self, record: Callable[[], Json]) -> None:
        self.platform.exchanges.publish(record)
        # With --json nothing but the one line may stand on the standard output.
        print(exchange_line(record()), file=sys.stderr if self.options.json else sys.stdout, flush=True)

    def stop(self) -> None:
        """Let ``serve`` come to its end."""
        if self._stopping is not None:
            self._stopping.set()

    def _supervisor_lost(self) -> None:
        print("flylab: the supervisor of the machines was killed, so everything is stopped", file=sys.stderr)
        self._status = 1
        self.stop()


_TEMPORARY = "flylab-temporary-"  # a name that nobody gives to a folder that is to be kept
_ABANDONED = 60.0  # seconds; our choice, far above the time between making a folder and locking it


def _edge_settings(tables: dict[str, dict[str, object]], ws_replay: tuple[str, ...], *, trace: bool) -> EdgeSettings:
    exchange = exchange_settings(tables, ws_replay)
    http2 = overridden(EdgeSettings().http2, tables, "http2")
    settings = overridden(EdgeSettings(exchange=exchange, http2=http2), tables, "edge")
    refuse_negative("edge", settings, "propagation")
    return replace(settings, trace=settings.trace or trace)


def _state_folder(options: Options, stack: contextlib.ExitStack) -> Path:
    if options.state is not None:
        return options.state.resolve()
    try:
        temporary = Path(tempfile.gettempdir())
        remove_abandoned(temporary.glob(f"{_TEMPORARY}*"), before=SystemClock().wall() - _ABANDONED)
        folder = tempfile.mkdtemp(prefix=_TEMPORARY)
    except OSError as exc:
        raise LocalError(f"cannot make a folder for the state: {exc}; name one with --state") from exc
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder).resolve()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
