"""What the buttons of the control room do, one function each; it returns one sentence, or raises one.

Nothing is drawn here and nothing is kept: the platform knows what was done to it.
"""

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Sequence
from dataclasses import replace

import httpx

from flylab.client.errors import NotFound, PreconditionFailed
from flylab.errors import UsageError
from flylab.kit.target import Lab
from flylab.published.network import regions
from flylab.rules.fault_names import KNOWN, Known
from flylab.wire.fault import Fault, Value
from flylab.wire.machine import Machine, MachineConfig, MachineState

ROOM = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")  # docs/protocol.md
HOST = "host_down"
FULL = "region_full"
UNREACHABLE = "unreachable"


def city(region: str) -> str:
    """``Tokyo`` for ``nrt``; a code that is not published stands for itself."""
    known = {each.code: each.city for each in regions()}
    return known.get(region, region)


# ── machines ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def start(lab: Lab, app: str, machine: str) -> str:
    return await _change(lab, app, machine, "started")


async def stop(lab: Lab, app: str, machine: str) -> str:
    return await _change(lab, app, machine, "stopped")


async def suspend(lab: Lab, app: str, machine: str) -> str:
    """A machine that cannot be suspended is stopped instead, which the sentence says."""
    return await _change(lab, app, machine, "suspended")


async def destroy(lab: Lab, app: str, machine: str) -> str:
    there = await _machine(lab, app, machine)
    await lab.api.destroy(app, there.id, force=True)
    return f"{_words(there)} is destroyed."


async def create(lab: Lab, app: str, region: str, config: MachineConfig) -> str:
    """One more machine; UsageError and the API's own refusals when there is no room for it."""
    check_region(lab, region)
    made = await lab.create_machine(app, config, region=region)
    await lab.api.wait(app, made.id, "started")
    return f"{_words(made)} is made and started."


async def kill(lab: Lab, app: str, machine: str) -> str:
    """SIGKILL: what crashed, or ran out of memory, looks like this."""
    there = await _machine(lab, app, machine)
    if there.state is not MachineState.STARTED:
        raise UsageError(f"{_words(there)} is {there.state}: only the processes of a started machine can be killed")
    await lab.api.signal(app, there.id, "SIGKILL")
    return f"The process of {_words(there)} is killed; its restart policy decides what comes next."


async def lose_host(lab: Lab, app: str, machine: str) -> str:
    """The machine's host is gone with all that ran on it; edges get no connection and the API cannot change it."""
    there = await _machine(lab, app, machine)
    if there.host_status == UNREACHABLE:
        raise UsageError(f"the host of {_words(there)} is lost already")
    running: list[int] = []
    with contextlib.suppress(PreconditionFailed):  # it does not run, or not yet again
        running = await lab.api.processes(app, there.id)
    # In this order, so that nobody is served by a process that takes the place of the dead one.
    await lab.api.faults.arm(HOST, machine=there.id)
    for pid in running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return f"The host of {_words(there)} is lost, and what ran there with it."


async def find_host(lab: Lab, app: str, machine: str) -> str:
    """The lost host is back."""
    there = await _machine(lab, app, machine)
    lost = [fault for fault in await lab.api.faults.armed() if (fault.name, fault.machine) == (HOST, there.id)]
    if not lost:
        raise UsageError(f"the host of {_words(there)} is not lost")
    for fault in lost:
        await lab.api.faults.disarm(fault.id)
    return f"The host of {_words(there)} is back."


async def _change(lab: Lab, app: str, machine: str, wanted: str) -> str:
    there = await _machine(lab, app, machine)
    if there.state == wanted:
        return f"{_words(there)} is {wanted} already."
    clock = asyncio.get_running_loop().time
    began = clock()
    match wanted:
        case "started":
            await lab.api.start(app, there.id)
        case "stopped":
            await lab.api.stop(app, there.id)
        case _:
            await lab.api.suspend(app, there.id)
    ends = ("suspended", "stopped") if wanted == "suspended" else (wanted,)
    reached = await lab.api.wait(app, there.id, ends)
    why = "" if reached == wanted else ", for it cannot be suspended"
    return f"{_words(there)} is {reached} after {1000 * (clock() - began):.0f} ms{why}."


async def _machine(lab: Lab, app: str, machine: str) -> Machine:
    """By its id or its name."""
    if not machine:
        raise UsageError("no machine is chosen")
    try:
        return await lab.api.machine(app, machine)
    except NotFound:
        there = [each for each in await lab.api.machines(app) if each.name == machine]
        if not there:
            raise UsageError(f"there is no machine {machine!r} in {app}") from None
        return there[0]


def _words(machine: Machine) -> str:
    return f"{machine.name or machine.id} in {city(machine.region)}"


# ── regions and links ───────────────────────────────────────────────────────────────────────────────────────────────


async def fill_region(lab: Lab, region: str) -> str:
    """Nobody gets a new machine there any more; those that are there stay."""
    check_region(lab, region)
    await lab.api.faults.arm(FULL, region=region)
    return f"{city(region)} is full: a new machine there is refused with 422."


async def free_region(lab: Lab, region: str) -> str:
    check_region(lab, region)
    full = [each for each in await lab.api.faults.armed() if (each.name, each.region) == (FULL, region)]
    if not full:
        raise UsageError(f"{city(region)} is not full")
    for fault in full:
        await lab.api.faults.disarm(fault.id)
    return f"There is room in {city(region)} again."


async def slow_link(lab: Lab, a: str, b: str, added_ms: float) -> str:
    """Round trips between the two take so much longer, those of open connections too."""
    _ends(lab, a, b)
    link = await lab.api.links.slow(a, b, _number("milliseconds", added_ms, 1, 10_000))
    return f"Round trips between {city(a)} and {city(b)} take {link.added_ms:g} ms longer."


async def cut_link(lab: Lab, a: str, b: str) -> str:
    _ends(lab, a, b)
    await lab.api.links.cut(a, b)
    return f"The link between {city(a)} and {city(b)} is cut: open connections broke, new ones find nobody."


async def mend_link(lab: Lab, a: str, b: str) -> str:
    _ends(lab, a, b)
    await lab.api.links.mend(a, b)
    return f"The link between {city(a)} and {city(b)} is as it was."


def check_region(lab: Lab, region: str) -> str:
    """Raise UsageError when the platform has no such region."""
    if region not in lab.edges:
        raise UsageError(f"there is no region {region!r}; there are {', '.join(lab.edges)}")
    return region


def _ends(lab: Lab, a: str, b: str) -> None:
    check_region(lab, a)
    check_region(lab, b)
    if a == b:
        raise UsageError(f"a link has two ends, and {a!r} is both of them")


# ── faults by name ──────────────────────────────────────────────────────────────────────────────────────────────────


def armable() -> list[Known]:
    """What can be armed, in the order of docs/faults.md."""
    return [known for known in KNOWN.values() if known.armable]


async def arm(
    lab: Lab,
    name: str,
    *,
    app: str = "",
    region: str = "",
    machine: str = "",
    probability: float = 1.0,
    count: int = 0,
    seconds: float = 0.0,
    value: Value | None = None,
) -> str:
    """Any fault, for whom it is aimed at; what it is aimed at and cannot be is refused by the platform, in words."""
    if name not in KNOWN:
        raise UsageError(f"there is no fault {name!r}; there are {', '.join(each.name for each in armable())}")
    fault = await lab.api.faults.arm(
        name,
        app=app,
        region=region,
        machine=machine,
        probability=probability,
        count=count,
        seconds=seconds,
        value=value,
    )
    value = f"{fault.value:g}" if isinstance(fault.value, float) else str(fault.value)
    return f"{described(fault)}: {KNOWN[name].what.replace('`value`', value).replace('`', '')}."


async def disarm(lab: Lab, which: str) -> str:
    """By id or by name."""
    gone = await lab.api.faults.disarm(which)
    return f"Disarmed: {', '.join(fault.name for fault in gone)}."


async def clear(lab: Lab) -> str:
    """All faults disarmed and all links mended."""
    gone, mended = await lab.api.faults.clear(), await lab.api.links.mend_all()
    if not gone and not mended:
        return "Nothing was armed, slow or cut."
    return f"Disarmed {len(gone)} faults and mended {len(mended)} links."


def described(fault: Fault) -> str:
    """``f3 slow_port for region nrt``."""
    return f"{fault.id} {fault.name} for {fault.aimed}"


# ── rooms and time-outs ─────────────────────────────────────────────────────────────────────────────────────────────


async def move_room(lab: Lab, app: str, room: str, region: str) -> str:
    """Have a room go on in another region; who is in it comes along."""
    check_region(lab, region)
    visitor = lab.visitor(region, app)
    answer = await visitor.post(f"/api/rooms/{check_room(room)}/move", params={"region": region})
    if answer.is_success:
        return f"The room {room} moves to {city(region)}."
    raise UsageError(f"the room {room} does not move to {city(region)}: {said(answer)}")


async def put_to_sleep(lab: Lab, app: str, room: str) -> str:
    """It wakes for whoever enters next."""
    visitor = lab.visitor(next(iter(lab.edges)), app)
    answer = await visitor.post(f"/api/rooms/{check_room(room)}/sleep")
    if answer.is_success:
        return f"The room {room} sleeps."
    raise UsageError(f"the room {room} does not sleep: {said(answer)}")


def check_room(room: str) -> str:
    if not ROOM.fullmatch(room):
        raise UsageError(f"{room!r} is no name of a room: 1 to 64 of a-z, 0-9 and -, with no - at either end")
    return room


def said(answer: httpx.Response) -> str:
    """What a refusal says, in one line."""
    text = " ".join(answer.text.split())[:200]
    return f"{answer.status_code} {text}".strip()


async def set_timeouts(lab: Lab, **seconds: float) -> str:
    """Those of all edges, for whatever begins from now on."""
    for name, value in seconds.items():
        _number(name, value, 0.1, 3600)
    now = await lab.api.links.set_timeouts(**seconds)
    return f"From now on: {', '.join(f'{name} {now[name]:g} s' for name in seconds)}."


async def set_idle(lab: Lab, app: str, machines: Sequence[str], *, sleep: int, idle: int) -> str:
    """When an empty room sleeps and a machine without rooms ends: new versions of the machines, one after the other."""
    sleep, idle = (
        int(_number("seconds until an empty room sleeps", sleep, 0, 86_400)),
        int(_number("seconds until an idle machine ends", idle, 0, 86_400)),
    )
    changed = 0
    for machine in machines:
        there = await _machine(lab, app, machine)
        env = {**there.config.env, "SLEEP_SECONDS": str(sleep), "IDLE_SECONDS": str(idle)}
        if there.config.env != env:
            config = replace(there.config, env=env)
            new = await lab.api.update_machine(app, there.id, config, current_version=there.version)
            # Until it is at rest it is `replacing`, and can be neither started nor stopped.
            await lab.api.wait(app, there.id, ("started", "stopped", "suspended"), version=new.version)
            changed += 1
    ends = f"a machine without rooms ends after {idle} s" if idle else "no machine ends by itself"
    return f"{changed} machines changed: an empty room sleeps after {sleep} s, {ends}."


def _number(what: str, value: float, least: float, most: float) -> float:
    if not least <= value <= most:
        raise UsageError(f"{what} {value:g} is not between {least:g} and {most:g}")
    return value
