"""What a request asks of its machine: by the client's own headers, or by the replay that sent it on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flylab.errors import ParseError
from flylab.rules.hops import Hop
from flylab.rules.limits import ExchangeSettings
from flylab.rules.replay_settings import ReplaySettings
from flylab.rules.routing import View, Wanted
from flylab.wire import headers
from flylab.wire.regions import ALIASES, ANY, format_region_list, parse_region_list
from flylab.wire.replay import FailureReason, Fallback, Replay, ReplayFailure
from flylab.wire.replay_cache import cookie
from flylab.wire.transform import Transform

_COOKIE = headers.FORCE_INSTANCE.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the rules know of a request: its app, the headers of ``headers.CHOOSING`` it carries, its body's length.

    ``values`` are all its header lines by lower-case name; they, host and target are looked at for the cache alone.
    """

    app: str
    choosing: dict[str, str] = field(default_factory=dict)
    length: int | None = 0  # None when the body comes in chunks
    port: int | None = None  # the public port that the client connected to; None stands for both web ports
    raw: bool = False  # a connection to a port without an http handler
    host: bytes = b""
    target: bytes = b"/"
    values: Mapping[bytes, bytes] = field(default_factory=dict)
    upgrade: bool = False


@dataclass(frozen=True, slots=True)
class Replayed:
    """One replay that was followed: what was asked, by whom, to which app, and when."""

    replay: Replay
    origin: Hop
    app: str
    at: float

    def failure(self, reason: FailureReason, now: float) -> ReplayFailure:
        """What the machine that gets the request back is told."""
        replay = self.replay
        return ReplayFailure(
            instance=replay.instance or replay.prefer_instance,
            app=self.app,
            region=format_region_list(replay.regions) if replay.regions else None,
            replay_source=self.origin.machine,
            reason=reason,
            elapsed_ms=int((now - self.at) * 1000),
        )

    def way_back(self, asked: Asked) -> Wanted:
        """Where the request goes then: to its origin, or if that is only preferred to any machine of its app."""
        origin = self.origin
        if self.replay.fallback is Fallback.FORCE_SELF:
            return Wanted(app=origin.app, instance=origin.machine, port=asked.port, raw=asked.raw)
        return Wanted(app=origin.app, prefer_instance=origin.machine, port=asked.port, raw=asked.raw)


def chosen(asked: Asked, settings: ReplaySettings, transform: Transform | None = None) -> Mapping[str, str]:
    """The headers of the request that choose, after a transform."""
    found = asked.choosing
    line = asked.values.get(b"cookie") if settings.force_cookie and headers.FORCE_INSTANCE not in found else None
    if line is not None and _COOKIE in line and (value := cookie(line.decode("latin-1"), headers.FORCE_INSTANCE)):
        found = found | {headers.FORCE_INSTANCE: value}
    if transform is None:
        return found
    kept = {name: value for name, value in found.items() if name not in transform.delete_headers}
    return kept | {name: value for name, value in transform.set_headers if name in headers.CHOOSING}


def first_wish(asked: Asked, settings: ReplaySettings) -> tuple[Wanted, str]:
    """What the client's own headers ask for, the strongest of them alone; raises ParseError."""
    app, port, raw = asked.app, asked.port, asked.raw
    choosing = chosen(asked, settings)
    for name in settings.precedence if choosing else ():
        value = choosing.get(name)
        if value is None:
            continue
        why = f"{name}: {value}"
        if name == headers.FORCE_INSTANCE:
            return Wanted(app=app, instance=value, port=port, raw=raw), why
        if name == headers.PREFER_INSTANCE:
            return Wanted(app=app, prefer_instance=value, port=port, raw=raw), why
        regions = parse_region_list(value.strip('"'))
        forced = name == headers.FORCE_REGION
        if forced and not settings.force_aliases and any(word in ALIASES or word == ANY for word in regions):
            raise ParseError(headers.FORCE_REGION, value, "codes of regions are expected, no aliases")
        return Wanted(app=app, regions=regions, region_forced=forced, port=port, raw=raw), why
    return Wanted(app=app, port=port, raw=raw), ""


def replay_wish(replay: Replay, target: str, origin: str, asked: Asked, settings: ReplaySettings) -> tuple[Wanted, str]:
    """What a replay asks for, and how the trace words it."""
    # A client's fly-force-instance-id outlives the replay and beats its instance (pax-historia/pax-backend saw it).
    stays = settings.forced_instance_stays
    forced = chosen(asked, settings, replay.transform).get(headers.FORCE_INSTANCE) if stays else None
    wanted = Wanted(
        app=target,
        regions=replay.regions,
        region_forced=not settings.region_spills,
        instance=forced or replay.instance,
        prefer_instance=replay.prefer_instance,
        without=frozenset({origin}) if replay.elsewhere else frozenset(),
        port=asked.port,
        raw=asked.raw,
    )
    said = {
        "region": ",".join(replay.regions),
        "instance": replay.instance,
        "prefer_instance": replay.prefer_instance,
        "app": replay.app,
        "elsewhere": "true" if replay.elsewhere else None,
        headers.FORCE_INSTANCE: forced,
    }
    return wanted, ";".join(f"{key}={value}" for key, value in said.items() if value)


def denied(view: View, origin: str, target: str, settings: ExchangeSettings) -> tuple[str, str] | None:
    """Why a replay from one app may not reach another, or None (networking/dynamic-request-routing)."""
    there, here = view.app(target), view.app(origin)
    if there is None:
        return "PA04", f"there is no app {target!r} to replay to"
    if here is None or here.name == there.name:
        return None
    if here.organization != there.organization:
        if f"{here.organization}>{there.organization}" in settings.replay.organizations:
            return None
        return "PA05", f"app {target!r} belongs to another organization, which does not list this one"
    if here.network != there.network and not settings.cross_network:
        return "PA05", f"app {target!r} is on another private network"
    return None
