"""Wakes seen from outside: a Machines API on a clock of its own, and visitors whose transport is no edge of ours."""

from collections.abc import Awaitable
from email.utils import formatdate
from typing import Any

import httpx
import pytest

from flylab.clock import SimulatedClock
from flylab.errors import UsageError
from flylab.measure.wakes import Source, Wake
from flylab.measure.wakes.making import Maker, Stage
from flylab.measure.wakes.shown import notes
from flylab.measure.wakes.timetable import Burst
from flylab.wire.machine import Machine, MachineConfig
from tests.client.fake_api import FakeApi

AHEAD = 3.25  # seconds by which the API's clock is ahead of ours
ROUND_TRIP, START, BOOT, ANSWER = 0.02, 0.3, 0.5, 0.04


class Fly(FakeApi):
    """The client's fake with what wakes need: events on a clock that is ahead, round trips, and a proxy that starts."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = ""
        self._numbers = iter(range(1_000_000))

    def event(self, machine: dict[str, Any], kind: str, status: str, source: str) -> None:
        machine["state"] = status
        machine.setdefault("events", []).insert(0, {
            "id": f"e{next(self._numbers)}", "type": kind, "status": status, "source": source,
            "timestamp": round(1000 * (self.clock.wall() + AHEAD)),
        })  # fmt: skip

    async def answer(self, request: httpx.Request) -> httpx.Response:
        await self.clock.sleep(ROUND_TRIP / 2)
        answer = await super().answer(request)
        await self.clock.sleep(ROUND_TRIP / 2)
        return answer

    async def _machine(self, method: str, machine: dict[str, Any], rest: list[str], *asked: Any) -> httpx.Response:
        answer = await super()._machine(method, machine, rest, *asked)
        if rest and rest[0] in ("stop", "start", "suspend"):
            self.event(machine, rest[0], str(machine["state"]), "user")
        return answer

    async def visit(self, request: httpx.Request) -> httpx.Response:
        """What Fly's proxy does: start the machine if it sleeps, wait for its port, pass on its answer."""
        headers = request.headers
        machine = self.machines[headers.get("fly-prefer-instance-id") or headers["fly-force-instance-id"]]
        await self.clock.sleep(ROUND_TRIP / 2)
        if machine["state"] != "started":
            slept = machine["state"]
            if self.broken:
                raise httpx.ReadTimeout(self.broken, request=request)
            self.event(machine, "start", "starting", "proxy")
            await self.clock.sleep(START)
            self.event(machine, "start", "started", "flyd")
            await self.clock.sleep(BOOT if slept == "stopped" else 0.0)
        await self.clock.sleep(ANSWER + ROUND_TRIP / 2)
        return httpx.Response(200, text="here")

    async def date(self) -> str:
        await self.clock.sleep(ROUND_TRIP / 2)
        said = formatdate(self.clock.wall() + AHEAD, usegmt=True)
        await self.clock.sleep(ROUND_TRIP / 2)
        return said


@pytest.fixture
async def fly() -> Fly:
    return Fly()


async def made(fly: Fly, *variants: str, at_once: int = 1, dates: bool = True, state: str = "") -> list[Wake]:
    async def work() -> list[Wake]:
        async with fly.client() as client:
            fly.apps["rooms"] = {"id": "a0", "name": "rooms", "organization": {"slug": "personal"}}
            machines: list[Machine] = []
            for _ in range(at_once):
                machines.append(await client.create_machine("rooms", MachineConfig(image="room")))
                if state:
                    fly.machines[machines[-1].id]["state"] = state
            stage = Stage(
                api=client, app="rooms", machines=machines, path="/", outside=True, date=fly.date if dates else None,
                visitor=lambda _: httpx.AsyncClient(
                    transport=httpx.MockTransport(fly.visit), base_url="https://rooms.fly.dev", trust_env=False
                ),
            )  # fmt: skip
            maker = Maker(stage, fly.clock)
            wakes = []
            for number, variant in enumerate(variants):
                wakes += await maker.burst(Burst(number=number, variant=variant, at_once=at_once))
            return wakes

    found: Awaitable[Any] = fly.run(work(), step=0.005)
    return await found  # type: ignore[no-any-return]


def took(wake: Wake) -> dict[str, float]:
    return {phase.name: phase.took for phase in wake.phases}


async def test_from_outside_a_wake_has_what_the_api_and_the_client_saw(fly: Fly) -> None:
    (wake,) = await made(fly, "stop")
    assert (wake.outcome, wake.marked) == ("ok", ())
    # The transport of this test does not tell when it sends, so that the way there is one phase with the start.
    assert list(took(wake)) == ["connection + start accepted", "process spawned", "first byte"]
    assert {phase.source for phase in wake.phases} == {Source.API, Source.CLIENT}
    doubt = (wake.seen.ahead[1] - wake.seen.ahead[0]) / 2
    assert wake.seen.ahead[0] <= AHEAD <= wake.seen.ahead[1]
    assert doubt <= ROUND_TRIP / 2 + 0.003
    expected = {"connection + start accepted": ROUND_TRIP / 2, "process spawned": START,
                "first byte": BOOT + ANSWER + ROUND_TRIP / 2}  # fmt: skip
    for name, seconds in took(wake).items():
        assert seconds == pytest.approx(expected[name], abs=2 * doubt + 0.002)
    assert wake.whole == pytest.approx(sum(expected.values()), abs=0.012)
    assert "clock is known to" in "\n".join(notes([wake]))


async def test_every_variant_is_brought_about_and_told_from_the_others(fly: Fly) -> None:
    wakes = await made(fly, "stop", "suspend", "pool", "always-on", "stop", at_once=3)
    assert [wake.outcome for wake in wakes] == ["ok"] * 15
    assert [wake.variant for wake in wakes[::3]] == ["stop", "suspend", "pool", "always-on", "stop"]
    assert all(len({wake.machine for wake in wakes[first : first + 3]}) == 3 for first in range(0, 15, 3))
    assert "process resumed" in took(wakes[3])
    assert list(took(wakes[6])) == ["connection + first byte"]
    assert len({wake.due for wake in wakes}) == 5


async def test_a_failure_is_a_wake_too(fly: Fly) -> None:
    fly.broken = "no port opened"
    (wake,) = await made(fly, "stop")
    assert (wake.outcome, wake.whole) == ("ReadTimeout", None)
    assert Wake.from_sample(wake.to_sample()) == wake


async def test_without_a_reading_of_the_servers_clock_its_events_say_nothing(fly: Fly) -> None:
    (wake,) = await made(fly, "stop", dates=False, state="stopped")  # no order was needed, so none was timed
    assert list(took(wake)) == ["connection + start accepted + process spawned + first byte"]
    assert wake.seen.events == []


async def test_a_machine_that_cannot_be_suspended_is_named(fly: Fly) -> None:
    async def stopped(*_: Any) -> httpx.Response:
        machine = next(iter(fly.machines.values()))
        fly.event(machine, "stop", "stopped", "user")
        return fly._respond(200, {"ok": True})

    known = fly._machine

    async def machine(method: str, one: dict[str, Any], rest: list[str], *asked: Any) -> httpx.Response:
        return await (stopped() if rest == ["suspend"] else known(method, one, rest, *asked))

    fly._machine = machine  # type: ignore[method-assign]
    with pytest.raises(UsageError, match="cannot be suspended"):
        await made(fly, "suspend")


async def test_more_at_once_than_machines_is_refused() -> None:
    stage = Stage(api=None, app="a", machines=[], visitor=None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="1 wakes at once need as many machines, and there are 0"):
        await Maker(stage, SimulatedClock()).burst(Burst(number=0, variant="stop", at_once=1))
