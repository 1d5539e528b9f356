"""The client that docs/protocol.md shows, run as it stands against a real room server."""

import asyncio
import sys
from pathlib import Path

from tests.app.conftest import DEADLINE, Enter, Serve
from tests.app.test_protocol_docs import client_source


async def test_somebody_elses_client_needs_the_page_alone(serve: Serve, enter: Enter, tmp_path: Path) -> None:
    program = tmp_path / "client.py"
    program.write_text(client_source())
    served = await serve(ROOMS_URL=(tmp_path / "store").as_uri())
    ada = await enter(served, "blue", name="Ada")
    await ada.operate("say", text="who is there?")
    await ada.stored(2)
    client = await asyncio.create_subprocess_exec(
        sys.executable,
        str(program),
        f"{served.ws}/rooms/blue/ws",
        "Max",
        "a program",
        "of 35 lines",
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(DEADLINE):
        printed, _ = await client.communicate()
    assert client.returncode == 0
    assert printed.decode().splitlines() == ["Ada: who is there?", "Max: a program", "Max: of 35 lines"]
    assert (await ada.hear("said", op=2))["text"] == "of 35 lines"


async def test_it_says_again_what_was_not_acknowledged(serve: Serve, enter: Enter, tmp_path: Path) -> None:
    program = tmp_path / "client.py"
    program.write_text(client_source())
    env = {"ROOMS_URL": (tmp_path / "store").as_uri(), "LIMIT_MESSAGES_PER_SECOND": "100", "LIMIT_BURST": "10"}
    served = await serve(**env)
    ada = await enter(served, "blue")
    lines = [f"line {n}" for n in range(200)]
    client = await asyncio.create_subprocess_exec(
        sys.executable, str(program), f"{served.ws}/rooms/blue/ws", "Max", *lines, stdout=asyncio.subprocess.PIPE
    )
    # In the middle of it the server is killed, and another one takes its port and its rooms.
    await ada.hear("said", text="line 100")
    await served.stop(9)
    await serve(**env, PORT=str(served.port))
    async with asyncio.timeout(2 * DEADLINE):
        printed, _ = await client.communicate()
    assert [line.removeprefix("Max: ") for line in printed.decode().splitlines()] == lines
