"""What gRPC needs of an edge: trailers and bodies that stream both ways, through TLS and HTTP/2 to an app of HTTP/2."""

import asyncio
import json
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.h2_client import connected
from tests.local.up import Up, up

# The tests' own server, which needs the h2 library.
SERVES = """
import asyncio, os
from tests.local.h2_server import Server
async def main():
    server = await asyncio.start_server(Server().serve, "127.0.0.1", int(os.environ["PORT"]))
    await server.serve_forever()
asyncio.run(main())
"""
H2 = {"h2_backend": True}
SERVICE = {
    "internal_port": 8080,
    "ports": [
        {"port": 80, "handlers": ["http"], "http_options": H2},
        {"port": 443, "handlers": ["tls", "http"], "http_options": H2},
    ],
}


@pytest.fixture(scope="module")
def platform() -> Iterator[Up]:
    with up("--tls", "--tls-port", "0") as running:
        running.app()
        root = str(Path(__file__).parents[2])
        init, env = {"exec": [sys.executable, "-c", SERVES]}, {"PYTHONPATH": root}
        made = running.create("app", "local/process", init=init, env=env, services=[SERVICE])
        running.wait(made, "started")
        yield running


def http2(platform: Up) -> tuple[int, ssl.SSLContext, str]:
    context = ssl.create_default_context(cafile=platform.info["ca"])
    context.set_alpn_protocols(["h2"])
    return int(platform.info["tls_edges"]["ams"].rpartition(":")[2]), context, "app.localhost"


async def test_a_call_and_its_status_reach_both_ends(platform: Up) -> None:
    """DOCUMENTED networking/services: the app receives h2c where h2_backend asks for it, which gRPC needs."""
    async with connected(*http2(platform)) as client:
        lines = [(b"te", b"trailers"), (b"content-type", b"application/grpc"), (b"grpc-timeout", b"5S")]
        number = client.ask(lines, method=b"POST", authority=b"app.localhost", path=b"/trailers", end=False)
        await client.send(number, b"\0\0\0\0\x02hi")
        got = await client.answer(number)
        asked, size = json.loads(got.body)
        assert (got.status, got.trailers, size) == (200, {b"grpc-status": b"0"}, 7)
        assert [asked[name] for name in ("te", "content-type", "grpc-timeout")] == [
            "trailers", "application/grpc", "5S",
        ]  # fmt: skip


async def test_an_error_is_one_head_without_a_body(platform: Up) -> None:
    async with connected(*http2(platform)) as client:
        got = await client.answer(client.ask([(b"te", b"trailers")], authority=b"app.localhost", path=b"/empty"))
        assert (got.heads[-1][b"grpc-status"], got.body, got.trailers) == (b"5", b"", {})


async def test_a_call_streams_both_ways_at_once(platform: Up) -> None:
    async with connected(*http2(platform)) as client:
        lines = [(b"te", b"trailers"), (b"content-type", b"application/grpc")]
        number = client.ask(lines, method=b"POST", authority=b"app.localhost", path=b"/echo", end=False)
        got, sent = client.got[number], b""
        for piece in (b"one", b"two", b"x" * 5000):
            await client.send(number, piece, end=False)
            sent += piece
            await client.until(lambda sent=sent: got.body == sent)  # it is back before the next is sent
        await client.send(number, b"")
        assert (await client.answer(number)).trailers == {b"grpc-status": b"0", b"x-by": b"h2"}


async def test_a_client_of_http_1_streams_both_ways_and_gets_the_trailers(platform: Up) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(platform.info["edges"]["ams"].rpartition(":")[2]))
    ask = b"POST /echo HTTP/1.1\r\nhost: app.localhost\r\nte: trailers\r\ntransfer-encoding: chunked\r\n\r\n"
    try:
        async with asyncio.timeout(15):
            writer.write(ask)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            for piece in (b"3\r\none\r\n", b"5\r\nthree\r\n"):
                writer.write(piece)
                assert await reader.readexactly(len(piece)) == piece  # it is back before the next is sent
            writer.write(b"0\r\n\r\n")
            assert await reader.readuntil(b"\r\n\r\n") == b"0\r\ngrpc-status: 0\r\nx-by: h2\r\n\r\n"
    finally:
        writer.close()
