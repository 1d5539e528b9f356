"""One running machine as autostop sees it: what its services allow, how much load it takes, where and for what."""

from collections.abc import Callable
from dataclasses import dataclass

from flylab.rules.life import Life
from flylab.rules.suspending import suspendable
from flylab.wire.config import MachineConfig
from flylab.wire.machine import MachineState
from flylab.wire.services import SOFT_LIMIT, Service

PRIMARY_REGION = "PRIMARY_REGION"  # flyctl puts the app's `primary_region` there (machines/runtime-environment)
GROUP = "fly_process_group"


@dataclass(frozen=True, slots=True)
class Group:
    """What autostop decides about at a time: app, region and process group (reported 2025-05 to 2026-09)."""

    app: str
    region: str
    process_group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A started machine that the proxy sends requests to; ``mode`` is off, stop or suspend."""

    id: str
    group: Group
    mode: str
    soft_limit: int
    minimum: int  # what `min_machines_running` says
    primary: str  # the app's primary region, empty when the machine does not name it


def standing(life: Life) -> Standing | None:
    """None when autostop has nothing to do with it: not started, cordoned, or without services."""
    services = life.config.services
    if life.state is not MachineState.STARTED or life.cordoned or not services:
        return None
    metadata, env = life.config.metadata, life.config.env
    return Standing(
        id=life.id,
        group=Group(life.app, life.region, metadata.get(GROUP, env.get("FLY_PROCESS_GROUP", ""))),
        mode=_mode(life.config),
        # A machine has one load, whichever service it came by (monitoring/metrics: fly_app_concurrency, per machine).
        soft_limit=min(_soft_limit(service) for service in services),
        minimum=max(service.min_machines_running for service in services),
        primary=env.get(PRIMARY_REGION, ""),
    )


def primary_region(of: Standing, apps_oldest: Callable[[str], str]) -> str:
    """The app's primary region; of machines that do not name it, the region of the app's oldest one (our choice)."""
    return of.primary or apps_oldest(of.group.app)


def _mode(config: MachineConfig) -> str:
    # Of several services all must agree to a stop, and all to a suspend; our choice, no page speaks of several.
    modes = {service.autostop or "off" for service in config.services}
    if "off" in modes:
        return "off"
    # "a full stop instead" where a suspend is not possible (openapi, fly.MachineService).
    return "suspend" if modes == {"suspend"} and suspendable(config) else "stop"


def _soft_limit(service: Service) -> int:
    concurrency = service.concurrency
    return SOFT_LIMIT if concurrency is None or concurrency.soft_limit is None else concurrency.soft_limit
