"""TLS and HTTP/2 at the edges of a real platform, and what an app is told of them."""

import json
import ssl
from collections.abc import Iterator

import httpx
import pytest

from tests.local.h2_client import connected
from tests.local.up import Up, up

# Answers with what it was asked, as JSON.
SAYS = """
import json, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        said = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        body = json.dumps([self.path, {k.lower(): v for k, v in self.headers.items()}, said]).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_GET
    def log_message(self, *_): pass
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
PORTS = [{"port": 80, "handlers": ["http"], "force_https": True}, {"port": 443, "handlers": ["tls", "http"]}]


@pytest.fixture(scope="module")
def platform() -> Iterator[Up]:
    with up("--tls", "--tls-port", "0") as running:
        running.app()
        running.wait(running.script(SAYS, services=[{"internal_port": 8080, "ports": PORTS}]), "started")
        yield running


def trusting(platform: Up) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=platform.info["ca"])


def ask(platform: Up, host: str, path: str = "/", **client: bool) -> httpx.Response:
    """A request over a connection of its own; the name is in SNI and Host, for not every resolver knows .localhost."""
    with httpx.Client(verify=trusting(platform), trust_env=False, timeout=20, **client) as visitor:
        address = platform.info["tls_edges"]["ams"] + path
        return visitor.get(address, headers={"host": host}, extensions={"sni_hostname": host})


def test_an_app_is_told_of_tls(platform: Up) -> None:
    """DOCUMENTED networking/request-headers: X-Forwarded-Proto, -SSL and -Port, Fly-Forwarded-Port."""
    path, headers, _ = ask(platform, "app.localhost", "/a?b").json()
    assert path == "/a?b"
    names = ("x-forwarded-proto", "x-forwarded-ssl", "x-forwarded-port", "fly-forwarded-port")
    assert [headers[name] for name in names] == ["https", "on", "443", "443"]


async def test_browsers_get_http2(platform: Up) -> None:
    """DOCUMENTED networking/services: the http handler speaks HTTP/2 to clients and HTTP/1.1 to the app."""
    context = trusting(platform)
    context.set_alpn_protocols(["h2", "http/1.1"])
    port = int(platform.info["tls_edges"]["iad"].rpartition(":")[2])
    async with connected(port, context, "app.localhost") as client:
        number = client.ask(method=b"POST", authority=b"app.localhost", path=b"/up", end=False)
        await client.send(number, b"hello")
        path, headers, body = json.loads((await client.answer(number)).body)
    assert (path, headers["host"], headers["via"], headers["fly-region"]) == (
        "/up", "app.localhost", "2 fly.io", "iad",
    )  # fmt: skip
    assert body == "hello" or headers["transfer-encoding"] == "chunked"  # the app reads bodies with a length alone


def test_plain_http_is_sent_to_tls(platform: Up) -> None:
    """DOCUMENTED networking/services: force_https answers 301 on port 80."""
    answer = httpx.get(platform.info["edges"]["ams"] + "/a?b", headers={"host": "app.localhost:1"}, trust_env=False)
    port = platform.info["tls_edges"]["ams"].rpartition(":")[2]
    assert (answer.status_code, answer.headers["location"]) == (301, f"https://app.localhost:{port}/a?b")


def test_an_added_hostname_has_a_certificate_and_an_unknown_one_has_none(platform: Up) -> None:
    platform.ok("POST", "/v1/apps/app/certificates/acme", {"hostname": "shop.example"})
    assert ask(platform, "shop.example").status_code == 200
    with pytest.raises(httpx.ConnectError):
        ask(platform, "x.example")
    assert ask(platform, "none.localhost").status_code == 404  # of the edges' own domains


def test_the_platform_says_where_tls_is(platform: Up) -> None:
    described = platform.ok("GET", "/_flylab/platform")
    assert {key: described[key] for key in ("tls_edges", "ca")} == {k: platform.info[k] for k in ("tls_edges", "ca")}
    assert set(platform.info["tls_edges"]) == set(platform.info["edges"]) == {"ams", "iad"}
