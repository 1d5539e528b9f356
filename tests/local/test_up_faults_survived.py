"""What our own client and our own room server do about faults of the platform: they get there all the same."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from app.arrival import Arrival
from app.config import Pool, Settings
from app.lobby import Lobby
from app.onward import ReplayTo
from app.pool import template
from app.signing import Keys
from app.store import open_store
from flylab.client import Client, RetryPolicy
from flylab.client.errors import Conflict, NotFound, StatusError
from flylab.client.health import healthy
from flylab.clock import SystemClock
from flylab.errors import ClientError, UsageError
from flylab.kit import faults as command
from flylab.kit.configs import room, router
from flylab.kit.record import Record
from flylab.wire.codes import Capacity
from flylab.wire.machine import MachineConfig, MachineState, Mount
from flylab.wire.runtime import Runtime
from tests.local.up import Up, up

QUICK = RetryPolicy(first_pause=0.02, rate_pause=0.02, settling_pause=0.02, settling_longest=0.1, appearing_pause=0.02)
SLEEPER = MachineConfig(image="local/sleep")
SETTINGS = """
[exchange]
first_pause = 0.01
longest_pause = 0.05
connect_tries = 4
switch_after = 2
[edge]
connect_timeout = 0.2
"""
DEADLINE = 20.0


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    settings = tmp_path_factory.mktemp("up") / "settings.toml"
    settings.write_text(SETTINGS)
    with up("--settings", str(settings)) as running:
        running.app()
        yield running
        running.end()


@pytest.fixture
async def api(platform: Up) -> AsyncIterator[Client]:
    async with Client(platform.info["api"], platform.info["token"], retry=QUICK) as client:
        yield client
        await client.faults.clear()


async def struck(api: Client, name: str) -> int:
    return sum(fault.struck for fault in await api.faults.armed() if fault.name == name)


# ── our client ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "value"), [("ambiguous_408", "done"), ("ambiguous_408", "not"), ("lost_response", None)]
)
async def test_a_create_in_doubt_makes_one_machine(api: Client, name: str, value: str | None) -> None:
    """FAULT ambiguous_408, lost_response: a mark in the metadata finds what was made."""
    await api.faults.arm(name, app="app", value=value, count=1)
    before = {machine.id for machine in await api.machines("app")}
    made = await api.create_machine("app", SLEEPER, skip_launch=True)
    assert await struck(api, name) == 1
    assert {machine.id for machine in await api.machines("app")} - before == {made.id}


async def test_a_named_machine_is_made_once_though_lists_are_empty(api: Client) -> None:
    """FAULT lost_response, empty_list: both at once; the 409 of the name tells which machine it is."""
    await api.faults.arm("lost_response", app="app", count=1)
    await api.faults.arm("empty_list", app="app")
    made = await api.create_machine("app", SLEEPER, name="only-one", skip_launch=True)
    await api.faults.disarm("empty_list")
    assert [machine.id for machine in await api.machines("app") if machine.name == "only-one"] == [made.id]


async def test_other_writes_are_repeated(api: Client) -> None:
    """FAULT rate_limit, ambiguous_408: cordon, stop, metadata and destroy end in the same place."""
    machine = await api.create_machine("app", SLEEPER)
    await api.wait("app", machine.id)
    for name in ("rate_limit", "ambiguous_408", "lost_response"):
        armed = await api.faults.arm(name, machine=machine.id, count=2)
        await api.cordon("app", machine.id)
        await api.set_metadata("app", machine.id, "key", name)
        assert await struck(api, name) == 2
        await api.faults.disarm(armed.id)
    assert (await api.metadata("app", machine.id))["key"] == "lost_response"
    await api.faults.arm("lost_response", machine=machine.id, count=1)
    await api.destroy("app", machine.id, force=True)
    await api.wait("app", machine.id, "destroyed")


async def test_starts_wait_for_rest(api: Client) -> None:
    """FAULT slow_stop, slow_replace: the 412 passes within the patience of a start."""
    machine = await api.create_machine("app", SLEEPER)
    await api.wait("app", machine.id)
    await api.faults.arm("slow_stop", machine=machine.id, value=0.3)
    await api.stop("app", machine.id)
    await api.wait("app", machine.id, "stopped")
    assert await api.start("app", machine.id)
    await api.wait("app", machine.id)
    await api.faults.arm("slow_replace", machine=machine.id, value=0.3)
    updated = await api.update_machine("app", machine.id, SLEEPER)
    assert not await api.start("app", machine.id)  # by then it starts anyway
    assert await api.wait("app", machine.id, version=updated.version) == "started"
    assert await struck(api, "slow_stop") == 1
    assert await struck(api, "slow_replace") == 1


async def test_waits_end_with_what_has_become_of_the_machine(api: Client) -> None:
    """FAULT boot_failed, unpack_failed, stuck_created, slow_destroy, strict_wait: never for ever, never wrongly."""
    await api.faults.arm("boot_failed", app="app", count=1)
    failed = await api.create_machine("app", SLEEPER)
    assert await api.wait("app", failed.id, ["started", "failed"]) == "failed"
    assert await api.start("app", failed.id)
    await api.wait("app", failed.id)
    await api.faults.arm("unpack_failed", app="app", count=1)
    lost = await api.create_machine("app", SLEEPER)
    with pytest.raises(NotFound):
        await api.wait("app", lost.id)
    await api.faults.arm("stuck_created", app="app", value=600, count=1)
    stuck = await api.create_machine("app", SLEEPER)
    with pytest.raises(ClientError, match="not started after 1 s"):
        await api.wait("app", stuck.id, timeout=1)
    await api.faults.arm("slow_destroy", app="app", value=0.3)
    await api.destroy("app", stuck.id)
    assert (await api.machine("app", stuck.id)).state is MachineState.DESTROYING
    await api.wait("app", stuck.id, "destroyed")
    await api.faults.arm("strict_wait", app="app")
    await api.stop("app", failed.id)
    assert await api.wait("app", failed.id, "stopped") == "stopped"
    assert await struck(api, "strict_wait") == 1


async def test_want_of_room_is_told_by_its_cure(api: Client) -> None:
    """FAULT host_full, region_full, org_quota, volume_host_full, volume_gone, region_deprecated: by scope."""
    machine = await api.create_machine("app", SLEEPER, skip_launch=True)
    volume = await api.volumes.create("app", "data", region="ams", size_gb=1)
    mounting = MachineConfig(image="local/sleep", mounts=(Mount(volume=volume.id, path="/data"),))
    for name, call, cure in (
        ("host_full", lambda: api.start("app", machine.id), Capacity.HOST),
        ("region_full", lambda: api.create_machine("app", SLEEPER, region="ams"), Capacity.REGION),
        ("region_full", lambda: api.volumes.create("app", "data", region="ams"), Capacity.REGION),
        ("org_quota", lambda: api.create_machine("app", SLEEPER, region="ams"), Capacity.REGION),
        ("volume_host_full", lambda: api.create_machine("app", mounting, region="ams"), Capacity.VOLUME),
    ):
        armed = await api.faults.arm(name, app="app")
        with pytest.raises(StatusError) as refusal:
            await call()
        assert refusal.value.capacity is cure, name
        assert await struck(api, name) == 1  # repeating cannot help, so nothing is repeated
        await api.faults.disarm(armed.id)
    await api.faults.arm("volume_gone", app="app")
    with pytest.raises(StatusError, match="volume not found"):
        await api.create_machine("app", mounting, region="ams")
    await api.faults.arm("region_deprecated", region="iad")
    assert {region.code for region in await api.regions() if region.deprecated} >= {"iad"}


async def test_a_lease_of_somebody_else_is_told_as_such(api: Client) -> None:
    """FAULT lease_held: a conflict that names the holder, raised at once and not waited out."""
    machine = await api.create_machine("app", SLEEPER, skip_launch=True)
    await api.faults.arm("lease_held", machine=machine.id)
    for call in (api.start, api.take_lease):
        with pytest.raises(Conflict, match="lease currently held by"):
            await call("app", machine.id)


async def test_what_a_lost_host_leaves_can_be_read_and_removed(api: Client) -> None:
    """FAULT host_down: the machine can be read, is not ok, and goes with force."""
    machine = await api.create_machine("app", SLEEPER)
    await api.wait("app", machine.id)
    await api.faults.arm("host_down", machine=machine.id)
    shown = await api.machine("app", machine.id)
    assert shown.host_status == "unreachable"
    assert template([shown]) is None  # a lobby makes no machine like it
    assert [each.host_status for each in await api.machines("app") if each.id == machine.id] == ["unreachable"]
    await api.destroy("app", machine.id, force=True)


async def test_a_stop_is_fought_and_a_start_is_cold_and_elsewhere(platform: Up, api: Client) -> None:
    """FAULT restart_fights_stop, snapshot_lost, migrate: events and states tell what happened."""
    machine = await api.create_machine("app", SLEEPER)
    await api.wait("app", machine.id)
    await api.faults.arm("restart_fights_stop", machine=machine.id, count=1)
    await api.stop("app", machine.id)
    async with asyncio.timeout(DEADLINE):
        while "flyd" not in [
            event.source for event in await api.events("app", machine.id) if event.status == "starting"
        ]:
            await SystemClock().sleep(0.02)
    await api.wait("app", machine.id)
    await api.faults.arm("snapshot_lost", machine=machine.id)
    await api.faults.arm("migrate", machine=machine.id)
    platform.ok("POST", f"/v1/apps/app/machines/{machine.id}/suspend")
    await api.wait("app", machine.id, "suspended")
    assert await api.start("app", machine.id)
    await api.wait("app", machine.id)
    kinds = [event.status for event in await api.events("app", machine.id)]
    assert kinds.index("stopped") < kinds.index("suspended")  # newest first: it was stopped after it was suspended
    assert (await api.machine("app", machine.id)).private_ip != machine.private_ip


# ── the command ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_command_arms_lists_and_clears(
    platform: Up, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FLY_API_HOSTNAME", platform.info["api"])
    monkeypatch.setenv("FLY_API_TOKEN", platform.info["token"])
    given = ["--app", "app", "--count", "2", "--probability", "0.5", "--seed", "7", "--for", "1m", "--value", "12"]
    assert command.main(["arm", "slow_port", *given]) == 0
    line = capsys.readouterr().out.strip()
    assert "slow_port for app app: struck 0 of 2, value 12, probability 0.5, until 2" in line
    assert command.main(["arm", "host_full", "--value", "memory"]) == 0
    assert command.main(["list"]) == 0
    assert line in capsys.readouterr().out.splitlines()
    assert command.main(["disarm", "slow_port"]) == 0
    assert command.main(["clear"]) == 0
    assert "host_full for anything: struck 0, value memory" in capsys.readouterr().out
    assert command.main(["list"]) == 0
    assert capsys.readouterr().out == "no faults are armed\n"
    assert command.main(["names"]) == 0
    names = capsys.readouterr().out
    assert "host_full            409 at start and update" in names
    assert "replay_loop          not armed: an app" in names
    with pytest.raises(ClientError, match="fault 'nonsense' is unknown"):
        command.main(["arm", "nonsense"])
    with pytest.raises(UsageError, match="--for 'soon' is not a time"):
        command.main(["arm", "slow_port", "--for", "soon"])


async def test_the_record_of_a_run_has_the_faults_that_it_met(
    platform: Up, api: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLYLAB_URL", platform.info["api"])
    monkeypatch.setenv("FLYLAB_BUILD", str(tmp_path))
    quiet = Record("07-quiet", target="local")
    before = await api.faults.arm("slow_stop", app="other")
    await api.faults.disarm(before.id)
    quiet.save()
    assert "faults" not in quiet.run.settings
    met = Record("07-met", target="local")
    armed = await api.faults.arm("empty_list", app="app", seed=7)
    assert await api.machines("app") == []
    await api.faults.clear()
    met.save()
    assert [(each["name"], each["seed"], each["struck"]) for each in met.run.settings["faults"]] == [
        ("empty_list", 7, 1)
    ]
    assert armed.seed == 7


async def test_faults_are_not_armed_on_fly() -> None:
    async with Client("https://api.machines.dev", "token") as api:
        with pytest.raises(UsageError, match="on the local platform only"):
            await api.faults.arm("slow_port")


# ── our room server ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["region_full", "org_quota", "region_deprecated", "empty_list"])
async def test_a_lobby_finds_a_place_all_the_same(platform: Up, api: Client, tmp_path: Path, name: str) -> None:
    """FAULT region_full, org_quota, region_deprecated, empty_list: a new room goes elsewhere."""
    app = name.replace("_", "-")
    await api.create_app(app)
    model = await api.create_machine(app, router("local"), region="iad")
    await api.wait(app, model.id)
    store = open_store((tmp_path / "rooms").as_uri())
    settings = Settings(
        rooms_app=app,
        regions=("ams", "iad"),
        pool=Pool(token=platform.info["token"], hostname=platform.info["api"]),
        runtime=Runtime(app="front", machine_id="f1", region="ams"),
    )
    await api.faults.arm(name, app=app, **({} if name == "empty_list" else {"region": "ams"}))
    lobby = Lobby(settings, store, Keys(store, "a secret of at least sixteen"))
    try:
        async with asyncio.timeout(2 * DEADLINE):
            outcome = await lobby.route("blue", Arrival(edge="ams"))
    finally:
        await lobby.close()
    assert isinstance(outcome, ReplayTo), outcome
    assert outcome.replay.prefer_instance == model.id or "iad" in outcome.replay.regions, outcome
    assert await struck(api, name)


class Member:
    """Somebody in a room behind an edge, who comes back as the page does until what was said is acknowledged."""

    def __init__(self, edge: str) -> None:
        self._edge = httpx.URL(edge)
        self._hello = {"t": "hello", "v": 2, "key": secrets.token_urlsafe(24), "client": secrets.token_hex(6)}
        self._number = 0
        self.tries = 0

    async def say(self, text: str) -> list[str]:
        """Say it once; returns all that has been said in the room."""
        self._number += 1
        async with asyncio.timeout(DEADLINE):
            while True:
                self.tries += 1
                try:
                    return await self._visit(text)
                except (OSError, WebSocketException):
                    await SystemClock().sleep(0.1)

    async def _visit(self, text: str) -> list[str]:
        heard: list[str] = []
        placed = stored = 0
        where = {"host": self._edge.host, "port": self._edge.port, "proxy": None, "compression": None}
        async with connect("ws://rooms.fly.dev/rooms/blue/ws", open_timeout=5, **where) as socket:
            await socket.send(json.dumps(self._hello | {"name": "Ada"}))
            async for frame in socket:
                for message in json.loads(frame):
                    match message["t"]:
                        case "welcome" if message["op"] < self._number:
                            await socket.send(json.dumps({"t": "say", "op": self._number, "text": text}))
                        case "welcome":  # it had counted before the connection was lost
                            placed, stored = message["seq"], message["stored"]
                        case "state":
                            heard += [line["text"] for line in message["chat"]]
                        case "said":
                            heard.append(message["text"])
                            placed = message["seq"] if message["text"] == text else placed
                        case "stored":
                            stored = message["seq"]
                if placed and stored >= placed and text in heard:
                    return heard
        raise OSError("closed")


@asynccontextmanager
async def sockets(member: Member) -> AsyncIterator[None]:
    """A second member who stays in the room, so that its machine has a socket open."""
    edge = member._edge
    async with connect(
        "ws://rooms.fly.dev/rooms/blue/ws", host=edge.host, port=edge.port, proxy=None, open_timeout=20
    ) as socket:
        hello = {"t": "hello", "v": 2, "key": secrets.token_urlsafe(24), "client": secrets.token_hex(6), "name": "Max"}
        with suppress(WebSocketException):  # the fault may be faster
            await socket.send(json.dumps(hello))
            await socket.recv()
        yield


async def test_a_room_keeps_what_was_said_whatever_strikes(platform: Up, api: Client, tmp_path: Path) -> None:
    """FAULT going_away, autostop_busy, slow_port, early_port, target_5xx, target_gone, stale_edge, stale_load,
    wake_refused, bad_edge, host_down: nothing that was acknowledged is lost or said twice."""
    await api.create_app("rooms")
    config = room("local", (tmp_path / "rooms").as_uri())
    machines = [await api.create_machine("rooms", config, region=region) for region in ("ams", "iad")]
    ids = [machine.id for machine in machines]
    ada, words = Member(platform.info["edges"]["ams"]), []

    async def say(word: str) -> None:
        words.append(word)
        assert await ada.say(word) == words, word

    async def stop(machine: str) -> None:
        await api.stop("rooms", machine)
        await api.wait("rooms", machine, "stopped")

    async def ready(machine: str) -> None:
        if (await api.machine("rooms", machine)).state is not MachineState.STARTED:
            with suppress(Conflict):  # a request may start it at this very moment
                await api.start("rooms", machine)
            await api.wait("rooms", machine, "started")
        assert await healthy(api, "rooms", machine, patience=DEADLINE) == []

    await say("hello")
    for name, down, how in (
        ("going_away", (), {"count": 1}),
        ("autostop_busy", (), {"count": 1}),
        ("slow_port", ids, {"value": 0.2}),
        ("early_port", ids, {"value": 0.2}),
        ("target_5xx", (), {"count": 2}),
        ("target_gone", (), {"machine": ids[0]}),
        ("stale_edge", ids[:1], {}),
        ("stale_load", (), {"machine": ids[0]}),
        ("wake_refused", ids, {"count": 2}),
        ("bad_edge", (), {"count": 1}),
    ):
        await asyncio.gather(*map(stop, down))
        if "machine" in how:  # for whom it is must be one that the edge could choose
            await ready(ids[0])
        armed = await api.faults.arm(name, app="rooms", **how)
        if name in ("going_away", "autostop_busy"):
            async with sockets(ada):
                while not await struck(api, name):
                    await SystemClock().sleep(0.05)
        await say(name)
        assert await struck(api, name), name
        await api.faults.disarm(armed.id)
    await api.faults.arm("host_down", machine=ids[0])
    await say("host_down")
