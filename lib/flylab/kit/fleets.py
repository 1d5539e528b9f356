"""What the chapters do to machines: create several at once, restart one again and again, update one after the other."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

import httpx

from flylab.client.errors import StatusError
from flylab.client.health import healthy
from flylab.kit import progress
from flylab.kit.record import Record
from flylab.kit.target import Lab
from flylab.wire.machine import Machine, MachineConfig


async def create(
    lab: Lab, record: Record, app: str, config: MachineConfig, regions: Sequence[str]
) -> dict[str, Machine]:
    """One machine in each region, all at once; returns them by region when every one is started.

    Samples: ``accepted`` until the API answers, ``created`` until the machine is started.
    """

    async def one(region: str) -> Machine:
        async with record.time("created", region):
            async with record.time("accepted", region):
                machine = await lab.create_machine(app, config, region=region, name=f"{region}-1")
            await lab.api.wait(app, machine.id, "started")
        await healthy(lab.api, app, machine.id)  # or the edge sends requests elsewhere
        return await lab.api.machine(app, machine.id)

    return dict(zip(regions, await asyncio.gather(*map(one, regions)), strict=True))


async def answering(lab: Lab, app: str, path: str = "/") -> dict[str, httpx.Response]:
    """One request from every place at once: the answers, when the machines next to them have opened their ports."""
    answers = await asyncio.gather(*(lab.visitor(region, app).get(path) for region in lab.visitors))
    return dict(zip(lab.visitors, answers, strict=True))


async def restart(lab: Lab, record: Record, app: str, machine: Machine, times: int) -> None:
    """Stop and start one machine so many times. Samples ``stopped`` and ``started``: from the call to the state."""
    for _ in progress.over(range(times), f"starts in {machine.region}"):
        async with record.time("stopped", machine.region):
            await lab.api.stop(app, machine.id)
            await lab.api.wait(app, machine.id, "stopped")
        async with record.time("started", machine.region):
            await lab.api.start(app, machine.id)
            await lab.api.wait(app, machine.id, "started")


async def roll(
    lab: Lab, record: Record, app: str, config: MachineConfig, machines: Sequence[Machine], *, health: str
) -> dict[str, Machine]:
    """Give machines a new configuration, one after the other, each well again before the next is touched.

    Sample ``updated``: from the update call until the new version answers at the path ``health``.
    """
    updated = {}
    for machine in machines:
        visitor = lab.visitor(machine.region if lab.target == "local" else lab.visitors[0], app)
        async with record.time("updated", machine.region):
            changed = await lab.api.update_machine(app, machine.id, config, current_version=machine.version)
            await lab.api.wait(app, machine.id, "started", version=changed.version)
            answer = await visitor.get(health, headers={"fly-force-instance-id": machine.id})
            answer.raise_for_status()
        updated[machine.region] = await lab.api.machine(app, machine.id)
    return updated


async def refused(call: Awaitable[Any]) -> StatusError:
    """Await something that must be refused and return the refusal; AssertionError when it is accepted."""
    try:
        answer = await call
    except StatusError as refusal:
        return refusal
    raise AssertionError(f"this should have been refused, but was answered with {answer!r}")
