"""What a storyboard plays on: a room server with a machine in several regions, guests in a room, and how it is set up.

It can be set up again at any moment, also after its platform has died: then another one is started.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import count

from flylab.errors import FlylabError, UsageError
from flylab.kit import configs, members
from flylab.kit.control import deeds
from flylab.kit.control.guests import Guest
from flylab.kit.ending import unless_it_ends
from flylab.kit.record import Record
from flylab.kit.rooms import Person
from flylab.kit.target import Lab
from flylab.wire.machine import MachineConfig, MachineState

HOMES = ("nrt", "cdg", "iad", "sin", "gru")  # our choice: five machines start on two cores in a second
SLEEP, IDLE = (
    2,
    4,
)  # seconds until an empty room sleeps, and an empty machine ends; our choice, short enough to wait for
# A host that is lost answers nobody, and an edge finds that out by waiting and trying again: for some 10 s as it is by
# default. These are our choice: 4 s, of which a machine that is woken has 3 to open its port, ten times what it takes.
SETTINGS = {
    "edge": {"connect_timeout": 0.1},
    "exchange": {
        "connect_tries": 10,
        "switch_after": 10,
        "first_pause": 0.1,
        "pause_factor": 1.5,
        "longest_pause": 0.5,
    },
}
LEAVING = {MachineState.DESTROYING, MachineState.DESTROYED}
AT_REST = ("started", "stopped", "suspended", "failed")
GONE = "the platform has ended"


class Stage:
    """One app of rooms; ``room`` is another one at each performance."""

    def __init__(self, lab: Lab, record: Record, *, regions: Sequence[str] = HOMES, room: str = "tour") -> None:
        for region in regions:
            deeds.check_region(lab, region)
        if len(set(regions)) != len(regions) or len(regions) < 2:
            raise UsageError(f"regions are {list(regions)}: two different ones at least are needed")
        deeds.check_room(room)
        self.lab = lab
        self.record = record
        self.regions = tuple(regions)
        self.app = ""
        self.room = room
        self.machines: dict[str, str] = {}  # by region
        self.guests: dict[str, Guest] = {}  # by city
        self._stem = room
        self._numbers = count(2)
        self._used = False
        self._made = Counter[str]()
        self._timeouts: dict[str, float] = {}  # as they were when the platform was new
        self._stack = AsyncExitStack()
        self._setting = asyncio.Lock()

    @property
    def gone(self) -> bool:
        """Whether the platform has ended."""
        return self.lab.platform is None or not self.lab.platform.alive

    async def ready(self) -> None:
        """The app and its machines are there; those that are missing are made."""
        async with self._setting:
            if await self.lab.revive() or not self.app:
                self.app, self.machines = "", {}
                self._made.clear()
                others = len(self.lab.apps)
                self.app = await self.lab.create_app(f"rooms{others + 1}" if others else "rooms")
                self._timeouts = await self.lab.api.links.timeouts()
            known = await self.lab.api.machines(self.app)
            there = {machine.id for machine in known if machine.state not in LEAVING}
            extra = there - set(self.machines.values())
            await asyncio.gather(*(self.lab.api.destroy(self.app, each, force=True) for each in extra))
            self.machines = {region: each for region, each in self.machines.items() if each in there}
            missing = [region for region in self.regions if region not in self.machines]
            made = await asyncio.gather(*(self._make(region) for region in missing))
            self.machines |= dict(zip(missing, made, strict=True))

    async def reset(self) -> None:
        """As before the first step: nobody is there, nothing is broken, all machines are stopped, the room is new.

        What was set, made or destroyed by hand meanwhile is as it was.
        """
        await self.leave()
        await self._mend()
        await self.ready()
        if self._used:
            self.room, self._used = f"{self._stem}-{next(self._numbers)}", False
        machines = list(self.machines.values())
        await deeds.set_timeouts(self.lab, **self._timeouts)
        await asyncio.gather(*(self._rest(each) for each in machines))
        await deeds.set_idle(self.lab, self.app, machines, sleep=SLEEP, idle=IDLE)

    async def enter(self, city: str, region: str) -> Guest:
        """Somebody comes to the room through that region's edge, and stays through whatever happens."""
        deeds.check_region(self.lab, region)
        self._used = True
        guest = Guest(person=Person(name=city), region=region, place=len(self.guests))
        watching = members.watch(self.lab, self.record, self.app, region, room=self.room, member=guest)
        try:
            await self._stack.enter_async_context(watching)
        except TimeoutError:
            raise UsageError(f"nobody from {city} gets into the room {self.room}") from None
        self.guests[city] = guest
        return guest

    async def leave(self) -> None:
        """All guests go."""
        stack, self._stack = self._stack, AsyncExitStack()
        self.guests = {}
        await stack.aclose()

    async def states(self) -> dict[str, MachineState]:
        """The state of each machine by region."""
        there = {machine.id: machine.state for machine in await self.lab.api.machines(self.app)}
        return {region: there[machine] for region, machine in self.machines.items() if machine in there}

    async def close(self) -> None:
        """Guests go and what is broken is mended; app and platform are the lab's to remove."""
        await self.leave()
        await self._mend()

    def config(self) -> MachineConfig:
        """The room server of ``fly.toml``, quick to sleep."""
        regions = ",".join(self.regions)
        made = configs.room(
            self.lab.target,
            self.lab.store_url(self.app),
            SLEEP_SECONDS=str(SLEEP),
            IDLE_SECONDS=str(IDLE),
            ROOM_REGIONS=regions,
        )
        # Without checks: until the first of them a machine that was just woken counts as unwell, and a second visitor
        # who comes right then would be sent elsewhere, where the room would be taken over.
        return replace(made, services=tuple(replace(service, checks=()) for service in made.services))

    async def _mend(self) -> None:
        """Nothing is armed, slow or cut any more; on a platform that has ended nothing is anyway."""
        if self.app:
            await unless_it_ends(self.lab.platform, lambda: deeds.clear(self.lab))

    async def _rest(self, machine: str) -> None:
        """Stopped, whatever it was doing: one that changes can be told nothing until it has changed."""
        await self.lab.api.wait(self.app, machine, AT_REST)
        await deeds.stop(self.lab, self.app, machine)

    async def _make(self, region: str) -> str:
        self._made[region] += 1  # the name of one that was destroyed may be taken for a while
        name = f"{region}-{self._made[region]}"
        machine = await self.lab.create_machine(self.app, self.config(), region=region, name=name)
        await self.lab.api.wait(self.app, machine.id, "started")
        return machine.id


def holder(stage: Stage, guest: Guest) -> str:
    """The region of the machine that holds the room, as that guest was told; raises FlylabError when it is unknown."""
    machine = guest.welcome.get("machine", "")
    for region, known in stage.machines.items():
        if known == machine:
            return region
    raise FlylabError(f"the room is held by a machine that is not of this stage: {machine or 'nobody'}")
