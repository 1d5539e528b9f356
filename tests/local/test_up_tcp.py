"""Ports without HTTP, other public ports and private addresses, with real machines behind them."""

import json
import socket
import ssl
import struct
from collections.abc import Iterator
from typing import Any

import dns.message
import dns.query
import httpx
import pytest

from flylab.kit import ports
from tests.local.up import Up, up
from tests.support import wait_until

# Sends back what comes on every port, behind the first line or header that the proxy put there, and half-closes.
ECHO = """
import asyncio, os
async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write(b"|end")
    writer.write_eof()
async def main():
    ports = {v for k, v in os.environ.items() if k.startswith("PORT_")}
    servers = [await asyncio.start_server(echo, "127.0.0.1", int(port)) for port in ports]
    await asyncio.gather(*(server.serve_forever() for server in servers))
asyncio.run(main())
"""
WEB = """
import http.server, os
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = f"{os.environ['FLY_REGION']} {self.headers['fly-forwarded-port']} {self.headers['fly-region']}".encode()
        self.send_response(200); self.end_headers(); self.wfile.write(said)
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Hello).serve_forever()
"""
PORTS: list[tuple[int, list[dict[str, Any]]]] = [
    (5000, [{"port": 5000}]),
    (5001, [{"port": 5001, "handlers": ["proxy_proto"]}]),
    (5002, [{"port": 5002, "handlers": ["tls"]}]),
    (5003, [{"port": 5432, "handlers": ["pg_tls"]}]),
]


@pytest.fixture(scope="module")
def platform() -> Iterator[Up]:
    with up("--tls", "--tls-port", "0", "--dns-answers", "loopback") as running:
        running.app("raw")
        services = [{"internal_port": inside, "autostart": True, "ports": ports} for inside, ports in PORTS]
        running.script(ECHO, app="raw", region="iad", services=services)
        running.app("web")
        web = {"internal_port": 8080, "autostart": True}
        ports = [{"port": 80, "handlers": ["http"]}, {"port": 8080, "handlers": ["http"]}]
        running.script(WEB, app="web", region="iad", services=[web | {"ports": ports}])
        yield running


def place(platform: Up, app: str, port: int, kind: str, region: str = "ams") -> tuple[str, int]:
    found = platform.ok("GET", "/_flylab/ports", params={"app": app})
    (one,) = [each for each in found if (each["port"], each["kind"]) == (port, kind)]
    host, _, number = one["edges"][region].rpartition(":")
    return host, int(number)


def connect(platform: Up, port: int, kind: str) -> socket.socket:
    return socket.create_connection(place(platform, "raw", port, kind), 20)


def everything(connection: socket.socket) -> bytes:
    data = b""
    while piece := connection.recv(65_536):
        data += piece
    return data


def trusting(platform: Up) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=platform.info["ca"])


def test_bytes_go_both_ways_and_each_way_ends_by_itself(platform: Up) -> None:
    """DOCUMENTED networking/services: without a handler a port is raw TCP."""
    with connect(platform, 5000, "tcp") as client:
        client.sendall(b"hello")
        client.shutdown(socket.SHUT_WR)
        assert everything(client) == b"hello|end"
    wait_until(lambda: any(one["method"] == "TCP" for one in platform.ok("GET", "/_flylab/exchanges/recent")))
    (seen, *_) = [one for one in platform.ok("GET", "/_flylab/exchanges/recent") if one["method"] == "TCP"]
    assert (seen["app"], seen["path"], seen["edge"], seen["hops"][0]["region"]) == ("raw", ":5000", "ams", "iad")


def test_a_connection_may_outlive_a_suspend(platform: Up) -> None:
    """DOCUMENTED reference/suspend-resume: connections may survive if the other side keeps them."""
    with connect(platform, 5000, "tcp") as client:
        client.sendall(b"one")
        assert client.recv(3) == b"one"
        (machine,) = platform.ok("GET", "/v1/apps/raw/machines")
        platform.ok("POST", platform.path(machine, "/suspend", "raw"))
        platform.wait(machine, "suspended", "raw")
        client.sendall(b"two")
        platform.ok("POST", platform.path(machine, "/start", "raw"))
        assert client.recv(3) == b"two"
    platform.wait(machine, "started", "raw")


def test_the_app_is_told_who_connected(platform: Up) -> None:
    """DOCUMENTED networking/services: proxy_proto."""
    with connect(platform, 5001, "tcp") as client:
        client.shutdown(socket.SHUT_WR)
        host, port = client.getsockname()
        assert everything(client) == f"PROXY TCP4 {host} 127.0.0.1 {port} 5001\r\n|end".encode()


def test_tls_ends_at_the_edge(platform: Up) -> None:
    """DOCUMENTED networking/services: tls."""
    with (
        connect(platform, 5002, "tls") as plain,
        trusting(platform).wrap_socket(plain, server_hostname="raw.fly.dev") as client,
    ):
        client.sendall(b"secret")
        assert client.recv(100) == b"secret"


@pytest.mark.parametrize("first", [b"", struct.pack("!ii", 8, 80877104)])
def test_postgres_clients_ask_for_tls_first(platform: Up, first: bytes) -> None:
    """DOCUMENTED networking/services: pg_tls."""
    with connect(platform, 5432, "pg_tls") as plain:
        if first:
            plain.sendall(first)
            assert plain.recv(1) == b"N"
        plain.sendall(struct.pack("!ii", 8, 80877103))
        assert plain.recv(1) == b"S"
        with trusting(platform).wrap_socket(plain, server_hostname="raw.fly.dev") as client:
            client.sendall(b"startup")
            assert client.recv(100) == b"startup"


def test_postgres_clients_without_tls_are_let_through(platform: Up) -> None:
    with connect(platform, 5432, "pg_tls") as client:
        client.sendall(b"\x00\x00\x00\x09\x00\x03\x00\x00\x00")
        client.shutdown(socket.SHUT_WR)
        assert everything(client) == b"\x00\x00\x00\x09\x00\x03\x00\x00\x00|end"


def test_a_connection_wakes_a_machine_and_ends_when_there_is_none(platform: Up) -> None:
    """DOCUMENTED monitoring/error-codes: PR01 for TCP when nothing is healthy."""
    platform.app("cold")
    service = {"internal_port": 5000, "autostart": True, "ports": [{"port": 5000}]}
    made = platform.script(ECHO, app="cold", services=[service])
    platform.wait(made, "started", app="cold")
    where = place(platform, "cold", 5000, "tcp")
    platform.ok("POST", platform.path(made, "/stop", "cold"))
    platform.wait(made, "stopped", app="cold", instance_id=made["instance_id"])
    with socket.create_connection(where, 20) as client:
        client.sendall(b"wake")
        assert client.recv(100) == b"wake"
        platform.ok("POST", platform.path(made, "/cordon", "cold"))
        with socket.create_connection(where, 20) as late:
            assert everything(late) == b""
        client.sendall(b"still")  # who is in stays in
        assert client.recv(100) == b"still"
    codes = [one.get("code") for one in platform.ok("GET", "/_flylab/exchanges/recent") if one["app"] == "cold"]
    assert "PR01" in codes
    lines = platform.ok("GET", "/_flylab/apps/cold/logs")
    assert any("[PR01]" in line["text"] for line in lines), lines
    platform.ok("DELETE", platform.path(made, "", "cold"), params={"force": "true"})
    wait_until(lambda: platform.ok("GET", "/_flylab/ports", params={"app": "cold"}) == [], what="the port is closed")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(where, 20)


def test_another_public_port_is_http_too(platform: Up) -> None:
    host, port = place(platform, "web", 8080, "http")
    answer = httpx.get(f"http://{host}:{port}/", trust_env=False, timeout=20)
    assert answer.text == "iad 8080 ams"


def ask(platform: Up, name: str, kind: str, door: str = "") -> set[str]:
    host, port = (door or platform.info["dns"]).split(":")
    message = dns.query.udp(dns.message.make_query(name, kind), host, port=int(port), timeout=20)
    return {data.to_text() for records in message.answer for data in records}


def test_a_private_address_leads_through_the_edge_of_the_asker(platform: Up) -> None:
    """DOCUMENTED networking/flycast: through the proxy, and HTTP only."""
    assert ask(platform, "web.flycast", "A") == set()
    made = platform.ok("POST", "/v1/apps/web/ip_assignments", {"type": "private_v6"})
    wait_until(lambda: ask(platform, "web.flycast", "A") == {"127.0.0.1"}, what="the name is known")
    (said,) = ask(platform, "_80._tcp.web.flycast", "SRV")
    port = int(said.split()[2])
    assert ("127.0.0.1", port) == place(platform, "web", 80, "flycast")
    answer = httpx.get(f"http://127.0.0.1:{port}/", headers={"host": "web.flycast"}, trust_env=False, timeout=20)
    assert answer.text == "iad 80 ams"
    platform.ok("DELETE", f"/v1/apps/web/ip_assignments/{made['ip']}")
    wait_until(lambda: ask(platform, "web.flycast", "A") == set(), what="the name is gone")


def test_an_address_for_another_network_is_seen_from_there_alone(platform: Up) -> None:
    """DOCUMENTED networking/flycast: not reachable from its own network."""
    platform.ok("POST", "/v1/apps", {"app_name": "guest", "org_slug": "personal", "network": "other"})
    tells = "import os; print('door', os.environ['FLYLAB_DNS'], flush=True); import time; time.sleep(1e6)"
    guest = platform.script(tells, app="guest")
    wait_until(lambda: "door " in platform.log(guest, "guest"), what="the door is printed")
    door = platform.log(guest, "guest").split("door ", 1)[1].split()[0]
    platform.ok("POST", "/v1/apps/web/ip_assignments", {"type": "private_v6", "network": "other"})
    wait_until(lambda: ask(platform, "web.flycast", "A", door) == {"127.0.0.1"}, what="the guest knows the name")
    assert ask(platform, "web.flycast", "A") == set()


def test_the_command_shows_where_ports_are(platform: Up, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setenv("FLY_API_HOSTNAME", platform.info["api"])
    monkeypatch.setenv("FLY_API_TOKEN", platform.info["token"])
    assert ports.main(["raw"]) == 0
    host, number = place(platform, "raw", 5000, "tcp")
    assert f"raw :5000 tcp  ams {host}:{number}  iad " in capsys.readouterr().out
    assert ports.main(["nobody"]) == 0
    assert "no port" in capsys.readouterr().out


def test_what_needs_tls_is_not_opened_without_it(platform: Up) -> None:
    events = platform.ok("GET", "/_flylab/events/recent")
    assert any(event["type"] == "port" and event["app"] == "raw" for event in events), json.dumps(events)[:500]
    with up("--regions", "ams") as plain:
        plain.app("raw")
        services = [{"internal_port": 1, "ports": [{"port": 5002, "handlers": ["tls"]}]}]
        plain.create("raw", services=[*services, {"internal_port": 2, "protocol": "udp", "ports": [{"port": 53}]}])
        closed = {one["kind"]: one["closed"] for one in plain.ok("GET", "/_flylab/ports")}
        assert "--tls" in closed["tls"]
        assert "UDP" in closed["udp"]
