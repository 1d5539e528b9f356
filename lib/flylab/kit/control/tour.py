"""The story that the control room plays: a room is woken, joined from afar, loses its host, and moves.

Each step's ``expect`` looks at what guests, machines and traces say, and never at what ``do`` was told.
"""

import asyncio
from typing import Any

from flylab.errors import UsageError
from flylab.kit.control import deeds
from flylab.kit.control.deeds import city
from flylab.kit.control.guests import Guest, shapes
from flylab.kit.control.stage import Stage, holder
from flylab.kit.control.storyboard import Step, Storyboard, Unmet
from flylab.kit.figures import median
from flylab.published.network import rtt
from flylab.wire.machine import MachineState

FIRST, SECOND = ("Tokyo", "nrt"), ("Paris", "cdg")
DRAWN = 4  # shapes of each guest that a step waits for
LOOK = 0.05  # seconds between looks at the machines
TITLE = "A room that outlives its host"
AT_REST = {MachineState.STOPPED, MachineState.SUSPENDED}


def tour(stage: Stage, *, dwell: float = 0.0) -> Storyboard:
    """The story on that stage; UsageError when it has no machine where the story needs one."""
    missing = [name for name, region in (FIRST, SECOND) if region not in stage.regions]
    if missing:
        regions = ", ".join(stage.regions)
        raise UsageError(f"the story needs a machine in {' and in '.join(missing)}, and the regions are {regions}")
    return Storyboard(stage, STEPS, title=TITLE, dwell=dwell)


async def nothing(stage: Stage) -> None:
    """What this step waits for comes by itself."""


async def all_sleep(stage: Stage) -> str:
    states = await stage.states()
    awake = [region for region, state in states.items() if state not in AT_REST]
    if awake or not states:
        raise Unmet(f"machines run in {', '.join(map(city, awake)) or 'no region'}")
    return f"{len(states)} machines in {len(states)} regions, none of them running."


async def first_arrives(stage: Stage) -> None:
    await stage.enter(*FIRST)


async def one_woke(stage: Stage) -> str:
    guest = stage.guests[FIRST[0]]
    last = _hops(guest)[-1]
    if not last["woke"] or last["region"] != FIRST[1]:
        raise Unmet(f"no machine in {FIRST[0]} was woken for it: {_way(guest)}")
    running = [region for region, state in (await stage.states()).items() if state is MachineState.STARTED]
    if running != [FIRST[1]]:
        raise Unmet(f"machines run in {', '.join(map(city, running))}, and one would have been enough")
    ms = guest.story[0][0]
    return f"The machine in {FIRST[0]} was started for this visitor, who was in the room after {ms} ms."


async def second_arrives(stage: Stage) -> None:
    await stage.enter(*SECOND)


async def it_was_replayed(stage: Stage) -> str:
    guest, (there, region) = stage.guests[SECOND[0]], FIRST
    hops = _hops(guest)
    if len(hops) < 2 or hops[0]["outcome"] != "replay" or hops[-1]["region"] != region:
        raise Unmet(f"it did not come to {there} by a replay: {_way(guest)}")
    if holder(stage, guest) != region:
        raise Unmet(f"the room is in {city(holder(stage, guest))} now")
    extra = hops[-1]["configured_ms"]
    near = city(hops[0]["region"])
    return f"{near} answered fly-replay, and the request went on to {there}: {extra:g} ms farther (configured)."


async def both_draw(stage: Stage) -> None:
    await asyncio.gather(*(guest.keeps(DRAWN, 20.0) for guest in stage.guests.values()))


async def both_see(stage: Stage) -> str:
    said = []
    for mine, other in ((FIRST[0], SECOND[0]), (SECOND[0], FIRST[0])):
        ms = stage.guests[other].ms_from(stage.guests[mine])
        if not ms:
            raise Unmet(f"nothing that {mine} drew came to {other}")
        for each in ms:
            stage.record.add("seen", f"{mine} → {other}", each)
        said.append(f"{mine} to {other} {median(ms):.0f} ms (n = {len(ms)})")
    far = rtt()(FIRST[1], SECOND[1])
    return f"Drawn and seen by the other: {', '.join(said)}; the configured round trip is {far:g} ms."


async def host_dies(stage: Stage) -> None:
    region = holder(stage, stage.guests[FIRST[0]])
    epochs = {name: guest.person.epoch for name, guest in stage.guests.items()}
    await deeds.lose_host(stage.lab, stage.app, stage.machines[region])
    await asyncio.gather(*(_back(guest, epochs[name]) for name, guest in stage.guests.items()))


async def another_took_it(stage: Stage) -> str:
    guests = list(stage.guests.values())
    regions = {holder(stage, guest) for guest in guests}
    if len(regions) != 1 or FIRST[1] in regions:
        raise Unmet(f"the room is in {', '.join(map(city, sorted(regions)))}")
    for guest in guests:
        stage.record.add("away from a lost host", guest.region, guest.gap_ms)
    away = ", ".join(f"{name} {guest.gap_ms:.0f} ms" for name, guest in stage.guests.items())
    return f"A machine in {city(regions.pop())} has the room, in epoch {guests[0].person.epoch}. Away: {away}."


async def nothing_is_lost(stage: Stage) -> str:
    await both_draw(stage)  # what was under way when the host died is sent again
    kept = {shape for guest in stage.guests.values() for shape in guest.kept}
    found = await shapes(stage.lab, stage.app, stage.regions[2 % len(stage.regions)], stage.room)
    lost, twice = kept - set(found), len(found) - len(set(found))
    if lost or twice or not kept:
        raise Unmet(f"of {len(kept)} shapes {len(lost)} are lost and {twice} are there twice")
    return f"All {len(kept)} shapes that the room had called stored are there, each once."


async def it_moves(stage: Stage) -> None:
    await deeds.find_host(stage.lab, stage.app, stage.machines[FIRST[1]])
    epochs = {name: guest.person.epoch for name, guest in stage.guests.items()}
    await deeds.move_room(stage.lab, stage.app, stage.room, FIRST[1])
    await asyncio.gather(*(_back(guest, epochs[name]) for name, guest in stage.guests.items()))


async def it_is_there(stage: Stage) -> str:
    regions = {holder(stage, guest) for guest in stage.guests.values()}
    if regions != {FIRST[1]}:
        raise Unmet(f"the room is in {', '.join(map(city, sorted(regions)))}")
    return f"The room is back in {FIRST[0]}. {await nothing_is_lost(stage)}"


async def all_leave(stage: Stage) -> None:
    await stage.leave()


async def it_sleeps(stage: Stage) -> str:
    while not set((await stage.states()).values()) <= AT_REST:  # noqa: ASYNC110 -- the API is asked, nobody tells
        await asyncio.sleep(LOOK)
    return f"{await all_sleep(stage)} The room is in the object store, until somebody comes."


STEPS = (
    Step(
        title="Everything sleeps",
        text="The room server has a machine in each of these regions, and all are stopped. A stopped machine costs"
        " only its disk.",
        do=nothing,
        expect=all_sleep,
    ),
    Step(
        title="A visitor arrives in Tokyo",
        text="The edge in Tokyo finds no machine that runs, and starts the nearest. The room is made there.",
        do=first_arrives,
        expect=one_woke,
    ),
    Step(
        title="A second visitor comes from Paris",
        text="The edge in Paris wakes the machine next to it. That one knows who holds the room and answers fly-replay,"
        " so the same request goes on to Tokyo, and the visitor is in the same room.",
        do=second_arrives,
        expect=it_was_replayed,
    ),
    Step(
        title="Both draw",
        text="One machine puts everything in order. Each sees what the other draws, and the distance is all there is"
        " between them.",
        do=both_draw,
        expect=both_see,
    ),
    Step(
        title="The host dies",
        text="The host in Tokyo is gone with its machine, without a word. Both visitors come back by themselves, and"
        " whichever machine they reach takes the room over.",
        do=host_dies,
        expect=another_took_it,
    ),
    Step(
        title="Nothing is lost",
        text="Somebody else opens the room and looks whether everything is there of which the room had said that it is"
        " stored.",
        do=nothing,
        expect=nothing_is_lost,
    ),
    Step(
        title="The room moves",
        text="The host is back, and the room is told to go on in Tokyo: a snapshot, a hint, and everybody follows.",
        do=it_moves,
        expect=it_is_there,
    ),
    Step(
        title="Everybody leaves",
        text="An empty room sleeps, and a machine without rooms ends by itself.",
        do=all_leave,
        expect=it_sleeps,
        seconds=90.0,  # 8 when nothing else is to be done: that is how long rooms and machines wait by themselves
    ),
)


async def _back(guest: Guest, epoch: int) -> None:
    """Wait until the guest has been welcomed in a later epoch."""
    while guest.person.epoch <= epoch or not guest.here.is_set():
        guest.here.clear()  # it is here, and has not noticed yet that the room is elsewhere
        await guest.here.wait()


def _hops(guest: Guest) -> list[dict[str, Any]]:
    hops: list[dict[str, Any]] = guest.trace.get("hops") or []
    if not hops:
        raise Unmet("the edge told nothing of the way")
    return hops


def _way(guest: Guest) -> str:
    return " → ".join(f"{hop['region']} ({'woken, ' if hop['woke'] else ''}{hop['outcome']})" for hop in _hops(guest))
