"""Making a small mess and proving that it is gone: what the API lists, what it says by id, and which processes run."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil

from flylab.client.errors import NotFound
from flylab.kit.platform import Platform
from flylab.kit.record import Record
from flylab.kit.target import Lab
from flylab.wire.machine import Machine, MachineConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """What there is at one moment; ``processes`` counts the platform's own too, and is 0 where they cannot be seen."""

    apps: int
    machines: int
    processes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A machine and the app it belongs to."""

    app: str
    machine: Machine


async def census(lab: Lab) -> Census:
    """Count this run's apps and machines, and the processes of the platform if it is ours."""
    there = [app.name for app in await lab.api.apps(lab.org) if app.name.endswith(lab.run_id)]
    lists = await asyncio.gather(*(lab.api.machines(app) for app in there))
    return Census(apps=len(there), machines=sum(map(len, lists)), processes=processes(lab))


def processes(lab: Lab) -> int:
    """The platform's process and everything below it."""
    if not isinstance(lab.platform, Platform) or not lab.platform.alive:
        return 0
    try:
        return 1 + len(psutil.Process(lab.platform.process.pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return 0


async def litter(
    lab: Lab, record: Record, apps: Sequence[str], config: MachineConfig, regions: Sequence[str]
) -> list[Made]:
    """Machines in every app and region at once, each waited for until it is started; sample ``created``."""

    async def one(app: str, region: str) -> Made:
        async with record.time("created", region):
            machine = await lab.create_machine(app, config, region=region)
            await lab.api.wait(app, machine.id, "started")
        return Made(app=app, machine=machine)

    return await asyncio.gather(*(one(app, region) for app in apps for region in regions))


async def destroy(lab: Lab, record: Record, made: Sequence[Made]) -> None:
    """Destroy machines at once, by force because they run; sample ``destroyed``."""

    async def one(each: Made) -> None:
        async with record.time("destroyed", each.machine.region):
            await lab.api.destroy(each.app, each.machine.id, force=True)
            await lab.api.wait(each.app, each.machine.id, "destroyed")

    await asyncio.gather(*map(one, made))


async def fates(lab: Lab, made: Sequence[Made]) -> list[str]:
    """What the API says about each machine when it is asked for by id."""

    async def one(each: Made) -> str:
        try:
            return str((await lab.api.machine(each.app, each.machine.id)).state)
        except NotFound:
            return "not found"

    return await asyncio.gather(*map(one, made))


async def stop(lab: Lab) -> Census:
    """End the platform if it is ours and count what is left of it: every process that was there, by its id."""
    if not isinstance(lab.platform, Platform):
        return await census(lab)
    root = psutil.Process(lab.platform.process.pid)
    there = [root, *root.children(recursive=True)]
    await lab.close()
    return Census(apps=0, machines=0, processes=sum(process.is_running() for process in there))


def columns(counts: Mapping[str, Census]) -> dict[str, list[float]]:
    """The counts by kind, for a chart."""
    return {
        kind: [float(getattr(census, kind)) for census in counts.values()] for kind in ("apps", "machines", "processes")
    }
