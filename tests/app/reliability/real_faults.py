"""What goes wrong in a campaign: every fault begins, lasts a while and is mended, and counts when it took effect."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from random import Random

from tests.app.reliability.real_member import Member, spread
from tests.app.reliability.real_model import Json
from tests.app.reliability.real_platform import REGIONS, Ground, Spot
from tests.app.reliability.real_store import KINDS, Trouble

EVERY = 0.25  # seconds between two faults, on average
ENOUGH, LONGEST = 0.75, 5.0  # of the faults that are to be expected; of the time, until they have happened
SHARE = 0.1  # of the rooms, when something happens to rooms


class Weather:
    """The faults of one round; ``kinds`` are those of `Weather.all` that may happen, all of them by default."""

    def __init__(
        self,
        ground: Ground,
        rooms: Sequence[Sequence[Member]],
        rng: Random,
        counts: Counter[str],
        *,
        kinds: Sequence[str] = (),
        story: list[str],
    ) -> None:
        self._ground = ground
        self._rooms = rooms
        self._rng = rng
        self._counts = counts
        self._story = story
        self._calm = asyncio.Event()
        self._harmed: set[object] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        every = self.all()
        self._kinds = {kind: every[kind] for kind in kinds or every}

    def all(self) -> dict[str, tuple[float, Callable[[], Awaitable[None]]]]:
        """Each kind of fault with how often it happens, compared with the others."""
        rooms, lobbies, every = self._ground.rooms, self._ground.lobbies, self._ground.machines
        store = {f"store {kind}": (1.0, self._on(every, self._store(kind), "store")) for kind in KINDS}
        return store | {
            "machine killed": (1.5, self._on(rooms, self._killed)),
            "machine told to end": (0.8, self._on(rooms, self._terminated)),
            "machine stopped": (0.8, self._on(rooms, self._stopped)),
            "machine suspended": (1.2, self._on(rooms, self._suspended)),
            "machine frozen": (1.2, self._on(rooms, self._frozen)),
            "machine cut off from the proxy": (1.5, self._on(rooms, self._cut_off)),
            "machine cut off and frozen": (1.5, self._on(rooms, self._lost)),
            "lobby killed": (0.8, self._on(lobbies, self._lobby_killed)),
            "platform killed": (0.5, self._platform_killed),
            "connections cut": (2.0, self._connections),
            "room left alone": (1.0, self._left_alone),
            "page loaded again": (0.7, self._loaded_again),
            "room moved": (1.5, self._moved),
            "room put to sleep": (1.0, self._put_to_sleep),
        }

    async def rage(self, seconds: float) -> None:
        """Let things go wrong for so long, and on a busy computer until about as many of them have as elsewhere."""
        began, due = time.monotonic(), round(ENOUGH * seconds / EVERY)
        weights = [weight for weight, _ in self._kinds.values()]
        acts = [act for _, act in self._kinds.values()]
        while (passed := time.monotonic() - began) < (seconds if due <= 0 else LONGEST * seconds):
            due -= 1
            (act,) = self._rng.choices(acts, weights)
            task = asyncio.ensure_future(act())
            self._tasks.add(task)
            await asyncio.sleep(min(LONGEST * seconds - passed, self._rng.expovariate(1 / EVERY)))

    async def calm(self) -> None:
        """Mend everything now."""
        self._calm.set()
        await asyncio.gather(*self._tasks)
        await self._ground.heal()

    # Of machines ---------------------------------------------------------------------

    async def _killed(self, spot: Spot) -> None:
        if self._ground.signal(spot, signal.SIGKILL):
            self._happened("machine killed", spot)

    async def _terminated(self, spot: Spot) -> None:
        if self._ground.signal(spot, signal.SIGTERM):
            self._happened("machine told to end", spot)
            await self._while(0.5, 2.0)

    async def _stopped(self, spot: Spot) -> None:
        if await self._ground.order(spot, "stop"):
            self._happened("machine stopped", spot)
            await self._while(0.2, 2.5)
            await self._ground.order(spot, "start")

    async def _suspended(self, spot: Spot) -> None:
        if await self._ground.order(spot, "suspend"):
            self._happened("machine suspended", spot)
            await self._while(0.5, 3.0)
            await self._ground.order(spot, "start")

    async def _frozen(self, spot: Spot) -> None:
        if self._ground.signal(spot, signal.SIGSTOP):
            self._happened("machine frozen", spot)
            await self._while(0.3, 3.0)
            self._ground.signal(spot, signal.SIGCONT)

    async def _cut_off(self, spot: Spot) -> None:
        """Visitors do not reach the machine any more, while it has members and works on: others take its rooms."""
        if await self._ground.order(spot, "cordon"):
            self._happened("machine cut off from the proxy", spot)
            self._cut_half(spot)
            await self._while(0.8, 3.0)
            await self._ground.order(spot, "uncordon")

    async def _lost(self, spot: Spot) -> None:
        """The same, and it knows nothing of the time that has passed when it goes on."""
        if await self._ground.order(spot, "cordon"):
            if self._ground.signal(spot, signal.SIGSTOP):
                self._happened("machine cut off and frozen", spot)
                self._cut_half(spot)
                await self._while(0.8, 3.0)
                self._ground.signal(spot, signal.SIGCONT)
            await self._ground.order(spot, "uncordon")

    async def _lobby_killed(self, spot: Spot) -> None:
        if self._ground.signal(spot, signal.SIGKILL):
            self._happened("lobby killed", spot)

    def _store(self, kind: str) -> Callable[[Spot], Awaitable[None]]:
        async def broken(spot: Spot) -> None:
            share = self._rng.choice((0.3, 1.0))
            with self._ground.trouble(spot, Trouble(kind, share), Trouble()):
                self._happened(f"store {kind}", spot)
                await self._while(0.3, 2.5 if self._rng.random() < 0.7 else 6.0)

        return broken

    # Of everything else ----------------------------------------------------------------

    async def _platform_killed(self) -> None:
        if "platform" in self._harmed or self._calm.is_set():
            return
        self._harmed.add("platform")
        try:
            self._happened("platform killed", "")
            await self._ground.restart()
        finally:
            self._harmed.discard("platform")

    async def _connections(self) -> None:
        for members in self._some():
            for member in spread(self._rng, members):
                self._happened("connections cut", member.name)
                member.cut()

    async def _left_alone(self) -> None:
        """Everybody leaves; they come back while the room goes to sleep, or after it did."""
        for members in self._some():
            self._happened("room left alone", members[0].name)
            for member in members:
                member.stay_away(self._rng.uniform(0.8, 2.5))

    async def _loaded_again(self) -> None:
        for members in self._some():
            member = self._rng.choice(members)
            self._happened("page loaded again", member.name)
            member.load_again()

    async def _moved(self) -> None:
        for members in self._some():
            region = self._rng.choice(REGIONS)
            await self._order("room moved", members, {"t": "move", "region": region})

    async def _put_to_sleep(self) -> None:
        for members in self._some():
            await self._order("room put to sleep", members, {"t": "sleep"})

    async def _order(self, kind: str, members: Sequence[Member], message: Json) -> None:
        member = self._rng.choice(members)
        if await member.order(message):
            self._happened(kind, f"{member.name} {message}")

    def _some(self) -> Sequence[Sequence[Member]]:
        return self._rng.sample(self._rooms, max(1, round(SHARE * len(self._rooms))))

    # Inside ----------------------------------------------------------------------------

    def _on(
        self, spots: Sequence[Spot], act: Callable[[Spot], Awaitable[None]], what: str = "process"
    ) -> Callable[[], Awaitable[None]]:
        """The act on one of the machines to which nothing of the sort happens at the moment.

        Its process and its connection to the store (``what``) may well be in trouble together.
        """

        async def on_one() -> None:
            free = [spot for spot in spots if (what, spot) not in self._harmed]
            if free:
                spot = self._rng.choice(free)
                self._harmed.add((what, spot))
                try:
                    await act(spot)
                finally:
                    self._harmed.discard((what, spot))

        return on_one

    def _cut_half(self, spot: Spot) -> None:
        for members in self._rooms:
            there = [member for member in members if member.client.machine == spot.id]
            for member in spread(self._rng, there):
                member.cut()

    async def _while(self, least: float, most: float) -> None:
        """Wait so long, or until everything is to be mended."""
        try:
            async with asyncio.timeout(self._rng.uniform(least, most)):
                await self._calm.wait()
        except TimeoutError:
            return

    def _happened(self, kind: str, what: object) -> None:
        self._counts[kind] += 1
        self._story.append(f"{time.monotonic():9.3f} {kind} {what.id if isinstance(what, Spot) else what}")
