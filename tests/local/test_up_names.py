"""Names as machines see them: real processes ask the DNS server they were told of."""

import json

import dns.flags
import dns.message
import dns.query
import dns.rcode
import httpx
import pytest

from tests.local.up import Up, refused, up
from tests.support import wait_until

pytestmark = pytest.mark.usefixtures("nothing_left")

# Asks the server named in its environment and prints what it is told; without packages, as machines have none.
ASKS = """
import json, os, socket, struct, sys
host, port = os.environ["FLYLAB_DNS"].split(":")
def ask(name, kind):
    wire = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\\0"
    data = struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + wire + struct.pack("!2H", kind, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(10)
        s.sendto(data, (host, int(port)))
        return s.recv(4096)
for name in os.environ["ASK"].split():
    said = ask(name, 28)
    count, = struct.unpack("!H", said[6:8])
    found = [socket.inet_ntop(socket.AF_INET6, said[len(said) - 16 - 28 * i :][:16]) for i in range(count)]
    print("asked", json.dumps([name, said[3] & 15, found]), flush=True)
print("own", os.environ["FLY_PRIVATE_IP"], flush=True)
"""
WEB = """
import http.server, os
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(os.environ["FLY_MACHINE_ID"].encode())
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Hello).serve_forever()
"""


def ask(platform: Up, name: str, kind: str = "AAAA") -> dns.message.Message:
    host, port = platform.info["dns"].split(":")
    response, _ = dns.query.udp_with_fallback(dns.message.make_query(name, kind), host, port=int(port), timeout=10)
    return response


def values(message: dns.message.Message) -> set[str]:
    return {rdata.to_text().strip('"') for rrset in message.answer for rdata in rrset}


def test_names_follow_the_machines() -> None:
    """DOCUMENTED networking/private-networking: started machines alone, by app, region, id, group and metadata."""
    with up() as platform:
        assert ask(platform, "app.internal").rcode() == dns.rcode.NXDOMAIN
        platform.app()
        made = [
            platform.create(metadata={"fly_process_group": "web", "team": "red"}),
            platform.create(image="local/sleep", env={"N": "2"}),
        ]
        hidden = platform.create(dns={"skip_registration": True})
        for machine in [*made, hidden]:
            platform.wait(machine, "started")
        first, second = made
        both = {first["private_ip"], second["private_ip"]}
        assert values(ask(platform, "app.internal")) == both
        assert values(ask(platform, f"{first['region']}.app.internal")) == both
        assert values(ask(platform, f"{first['id']}.vm.app.internal")) == {first["private_ip"]}
        for name in ("web.process.app.internal", "red.team.kv._metadata.app.internal"):
            assert values(ask(platform, name)) == {first["private_ip"]}
        assert ask(platform, f"{hidden['id']}.vm.app.internal").rcode() == dns.rcode.NXDOMAIN
        assert values(ask(platform, "_apps.internal", "TXT")) == {"app"}
        assert ask(platform, "example.com").rcode() == dns.rcode.REFUSED
        platform.ok("POST", platform.path(first, "/stop"))
        platform.wait(first, "stopped")
        assert values(ask(platform, "app.internal")) == {second["private_ip"]}
        gone = ask(platform, f"{first['id']}.vm.app.internal")
        assert (gone.rcode(), gone.answer) == (dns.rcode.NOERROR, [])
        listed = f"{second['id']} {second['region']}"
        assert values(ask(platform, "vms.app.internal", "TXT")) == {listed}
        assert values(ask(platform, "all.vms.app.internal", "TXT")) == {f"{first['id']} {first['region']},{listed}"}
        platform.ok("DELETE", "/v1/apps/app", params={"force": "true"})
        assert ask(platform, "app.internal").rcode() == dns.rcode.NXDOMAIN


def test_a_machine_asks_from_its_own_region_and_network() -> None:
    """DOCUMENTED networking/custom-private-networks: apps of other networks are not there."""
    with up() as platform:
        platform.app("blue")
        platform.ok("POST", "/v1/apps", {"app_name": "kept", "org_slug": "personal", "network": "customer"})
        peers = {}
        for region in ("ams", "iad"):
            body = {"region": region, "config": {"image": "local/sleep", "env": {"MARK": platform.mark}}}
            peers[region] = platform.ok("POST", "/v1/apps/blue/machines", body)
            platform.wait(peers[region], "started", "blue")
        names = "top1.nearest.of.blue.internal kept.internal"
        for app, region in (("blue", "ams"), ("blue", "iad"), ("kept", "ams")):
            asks = platform.script(ASKS, app, env={"ASK": names}, region=region)
            wait_until(lambda app=app, asks=asks: "own" in platform.log(asks, app), what="the answers")
            lines = platform.log(asks, app).splitlines()
            answers = [json.loads(line.removeprefix("asked ")) for line in lines if line.startswith("asked")]
            told = {name: (code, found) for name, code, found in answers}
            own = lines[-1].split()[1]
            if app == "kept":
                assert told == {"top1.nearest.of.blue.internal": (3, []), "kept.internal": (0, [own])}
            else:
                (nearest,) = told["top1.nearest.of.blue.internal"][1]
                assert nearest in (peers[region]["private_ip"], own)
                assert told["kept.internal"] == (3, [])


def test_with_loopback_answers_a_program_finds_and_reaches_its_peer() -> None:
    with up("--dns-answers", "loopback") as platform:
        platform.app()
        machine = platform.script(WEB, services=[{"internal_port": 8080}])
        platform.wait(machine, "started")
        assert values(ask(platform, "app.internal", "A")) == {"127.0.0.1"}
        assert values(ask(platform, "app.internal", "AAAA")) == set()
        (service,) = values(ask(platform, "_8080._tcp.app.internal", "SRV"))
        *_, port, target = service.split()
        assert target == f"{machine['id']}.vm.app.internal."
        (host,) = values(ask(platform, target, "A"))

        def reached() -> bool:
            try:
                return httpx.get(f"http://{host}:{port}/", trust_env=False).text == machine["id"]
            except httpx.TransportError:
                return False

        wait_until(reached, what="the machine answers where names say it is")
        (service,) = values(ask(platform, "_4280._tcp._api.internal", "SRV"))
        *_, port, target = service.split()
        (host,) = values(ask(platform, target, "A"))
        assert f"http://{host}:{port}" == platform.info["api"]


def test_the_port_and_the_form_of_answers_are_chosen() -> None:
    with up() as platform:
        port = platform.info["dns"].rpartition(":")[2]
        assert platform.ok("GET", "/_flylab/platform")["dns"] == platform.info["dns"]
        status, said = refused("--dns-port", port)
        assert (status, said) == (
            1,
            f"flylab: port {port} for names is taken; choose another with --dns-port, 0 for any that is free",
        )
        platform.end()
    with up("--dns-port", port) as again:
        assert again.info["dns"] == f"127.0.0.1:{port}"
