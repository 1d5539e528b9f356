"""A machine's own door where its machine comes and goes faster than the event loop turns."""

import asyncio
import socket
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest

from flylab.local.doors import VARIABLE, Doors
from tests.support import until


class Echo(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        transport.write(b"here")
        transport.close()


@pytest.fixture(params=["/proc/self/fd", "/nowhere"], ids=["Linux", "as on macOS"])
async def doors(request: pytest.FixtureRequest) -> Any:
    made, wrong = Doors(Path(request.param)), []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: wrong.append(context))
    made.attach(lambda _: Echo)
    yield made
    made.close_all()
    await asyncio.sleep(0)
    assert wrong == []


async def said(path: Path) -> bytes:
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        return await reader.read()
    finally:
        writer.close()


async def test_a_connection_waits_until_somebody_serves(doors: Doors, tmp_path: Path) -> None:
    (home := tmp_path / "m").mkdir()
    path = doors.open("m", home)[VARIABLE]
    with socket.socket(socket.AF_UNIX) as early:
        early.connect(path)
        early.setblocking(False)
        assert await asyncio.wait_for(asyncio.get_running_loop().sock_recv(early, 10), 10) == b"here"


async def test_a_door_however_deep_and_for_its_owner_alone(
    doors: Doors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (short := tmp_path / "short").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(short))  # where a link would be left
    (home := tmp_path / ("deep" * 30)).mkdir()
    assert doors.open("m", home) == {VARIABLE: ".fly/api"}
    door = (home / ".fly" / "api").stat()
    assert (stat.S_ISSOCK(door.st_mode), stat.S_IMODE(door.st_mode)) == (True, 0o600)
    monkeypatch.chdir(home)
    assert await said(Path(".fly/api")) == b"here"
    assert list(short.iterdir()) == []
    doors.close("m")
    assert not (home / ".fly" / "api").exists()


async def test_closed_before_it_was_served(doors: Doors, tmp_path: Path) -> None:
    for turns in range(4):
        (home := tmp_path / str(turns)).mkdir()
        doors.open("m", home)
        for _ in range(turns):
            await asyncio.sleep(0)
        doors.close("m")
        assert not (home / ".fly" / "api").exists()
    (home := tmp_path / "again").mkdir()
    path = Path(doors.open("m", home)[VARIABLE])
    assert await said(path) == b"here"
    await until(lambda: not doors._tasks, what="nobody is waiting to serve")


async def test_without_anybody_behind_there_is_no_door(tmp_path: Path) -> None:
    assert Doors().open("m", tmp_path) == {}
    assert list(tmp_path.iterdir()) == []
