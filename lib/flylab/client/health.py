"""Whether the proxy may send requests to a machine: the checks of its services (reference/health-checks)."""

import asyncio

from flylab.client.client import Client
from flylab.wire.machine import Machine, MachineState

_LOOK_EVERY = 0.25  # seconds; the API takes five questions a second about a machine


def failing(machine: Machine) -> list[str]:
    """The checks that keep the proxy from a machine that runs, by name: those that do not pass, or not yet."""
    if machine.state is not MachineState.STARTED:
        return []
    checks = [check for check in machine.checks if str(check.get("name", "")).startswith("servicecheck-")]
    return [str(check["name"]) for check in checks if check.get("status") != "passing"]


async def healthy(client: Client, app: str, machine_id: str, *, patience: float = 10.0) -> list[str]:
    """Wait until no check keeps the proxy from it; those that still do after ``patience`` seconds."""
    fails: list[str] = []
    try:
        async with asyncio.timeout(patience):
            while fails := failing(await client.machine(app, machine_id)):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(_LOOK_EVERY)
    except TimeoutError:
        return fails or ["the API does not answer"]
    return []
