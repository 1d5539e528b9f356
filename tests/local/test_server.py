"""The whole platform in the process of the test: API, edge and a real machine, started and taken apart."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from flylab.local.options import Options
from flylab.local.server import Server

pytestmark = pytest.mark.usefixtures("nothing_left")

ANSWERS = """
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ["FLY_REGION"].encode()
        self.send_response(200); self.send_header("content-length", str(len(body))); self.end_headers()
        self.wfile.write(body)
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


@asynccontextmanager
async def serving(capsys: pytest.CaptureFixture[str], **options: Any) -> AsyncIterator[tuple[Server, dict[str, Any]]]:
    """A server and what ``/_flylab/platform`` says of it."""
    with contextlib.ExitStack() as stack:
        server = Server(Options(api_port=0, edge_port=0, regions="ams,iad", latency="off", **options), stack)
        task = asyncio.create_task(server.serve())
        port = server.api_socket.getsockname()[1]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as http:
            described: dict[str, Any] = (await http.get("/_flylab/platform")).json()
        try:
            yield server, described
        finally:
            server.stop()
            assert await task == 0


async def test_a_request_wakes_a_machine(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    async with serving(capsys, state=tmp_path, trace=True, rate_limits=True) as (server, described):
        headers = {"authorization": f"FlyV1 other,{server.token}"}
        async with httpx.AsyncClient(base_url=described["api"], headers=headers, trust_env=False, timeout=20) as api:
            answer = await api.post("/v1/apps", json={"name": "a", "org_slug": described["org"], "network": "n"})
            assert answer.status_code == 201
            config = {
                "image": "local/process",
                "init": {"exec": [sys.executable, "-c", ANSWERS]},
                "services": [{"internal_port": 8080, "ports": [{"port": 80, "handlers": ["http"]}], "autostart": True}],
            }
            made = await api.post("/v1/apps/a/machines", json={"config": config, "region": "iad"})
            machine = made.json()
            path = f"/v1/apps/a/machines/{machine['id']}"
            await api.get(f"{path}/wait")
            await api.post(f"{path}/stop", json={"signal": "SIGKILL"})
            assert (await api.get(f"{path}/wait", params={"state": "stopped"})).json()["state"] == "stopped"
        async with httpx.AsyncClient(trust_env=False, timeout=20) as visitor:
            answer = await visitor.get(described["edges"]["ams"], headers={"host": "a.localhost"})
            assert (answer.status_code, answer.text) == (200, "iad")
            recent = (await visitor.get(f"{described['api']}/_flylab/exchanges/recent")).json()
            assert recent[-1]["hops"][-1]["machine"] == machine["id"]
            there = (await visitor.get(f"{described['api']}/_flylab/machines")).json()  # without a token, as streams
            named = {"id": machine["id"], "name": machine["name"], "app": "a", "region": "iad", "state": "started"}
            assert there == [named | {"guest": {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256}}]
    said = capsys.readouterr().out
    assert f"export FLY_API_HOSTNAME={described['api']}" in said
    assert f"{machine['id']}@iad" in said
    assert f"{tmp_path} (kept)" in said
    async with serving(capsys, state=tmp_path, json=True, seed=3) as (server, _):
        assert [life.id for life in server.platform.fleet.machines("a")] == [machine["id"]]
    assert '"pid": ' in capsys.readouterr().out


async def test_what_cannot_start_leaves_nothing_open(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        server = Server(Options(api_port=0, edge_port=0, regions="ams", state=tmp_path), stack)
        await server.driver.close()
    with contextlib.ExitStack() as stack:
        again = Server(Options(api_port=0, edge_port=0, regions="ams", state=tmp_path), stack)
        await again.driver.close()
