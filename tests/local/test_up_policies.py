"""Network policies through the API of a real platform: kept, shown, and held to where names say how to connect."""

from collections.abc import Iterator
from typing import Any

import dns.message
import dns.query
import pytest

from tests.local.up import Up, up

pytestmark = pytest.mark.usefixtures("nothing_left")

PATH = "/v1/apps/app/network_policies"


@pytest.fixture(scope="module")
def platform() -> Iterator[Up]:
    with up("--dns-answers", "loopback") as running:
        running.app()
        yield running


@pytest.fixture(scope="module", autouse=True)
def nothing_left() -> None:
    """The platform of this module outlives each of its tests."""


def policy(direction: str, *ports: int, **more: Any) -> dict[str, Any]:
    rule = {"action": "allow", "direction": direction, "ports": [{"protocol": "tcp", "port": port} for port in ports]}
    return {"name": "only", "selector": {"all": True}, "rules": [rule], **more}


def offers(platform: Up, machine: dict[str, Any], port: int) -> bool:
    """Whether names say where this port of the machine is."""
    host, number = platform.info["dns"].split(":")
    question = dns.message.make_query(f"_{port}._tcp.{machine['id']}.vm.app.internal", "SRV")
    return bool(dns.query.udp_with_fallback(question, host, port=int(number), timeout=10)[0].answer)


def test_policies_are_made_listed_changed_and_deleted(platform: Up) -> None:
    """DOCUMENTED machines/guides-examples/network-policies; REPORTED molecule-dev/molecule 2026-08: a bare array."""
    assert platform.ok("GET", PATH) == []
    made = platform.ok("POST", PATH, policy("egress", 80, 443, cidrs=["10.0.0.0/8"]))
    assert made == policy("egress", 80, 443) | {"id": made["id"], "netpolSelector": {"all": True}}
    assert platform.ok("GET", PATH) == platform.ok("GET", f"{PATH}/") == [made]
    changed = platform.ok("POST", PATH, policy("egress", 53, id=made["id"], name="names"))
    assert changed == policy("egress", 53, name="names") | {"id": made["id"], "netpolSelector": {"all": True}}
    assert platform.ok("GET", f"{PATH}/{made['id']}") == changed
    assert platform.call("POST", PATH, policy("egress", 1, id="unknown")).status_code == 404
    assert platform.ok("DELETE", f"{PATH}/{made['id']}") == {"ok": True}
    assert platform.ok("GET", PATH) == []
    for method in ("GET", "DELETE"):
        assert platform.call(method, f"{PATH}/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "name is required"),
        (policy("egress", 80, selector={"apps": ["x"]}), "apps array not currently supported in selectors"),
        (policy("up", 80), "invalid_argument: cannot read rules[0].direction 'up': ingress or egress is expected"),
        (policy("egress", 70000), "invalid_argument: cannot read rules[0].ports[0].port 70000: a port between"),
    ],
)
def test_what_no_policy_can_be_is_refused(platform: Up, body: dict[str, Any], says: str) -> None:
    answer = platform.call("POST", PATH, body)
    assert (answer.status_code, answer.json()["error"].startswith(says)) == (400, True), answer.text
    assert platform.ok("GET", PATH) == []


def test_an_app_that_is_not_there_has_none(platform: Up) -> None:
    for method, path in (("GET", ""), ("POST", ""), ("GET", "/x"), ("DELETE", "/x")):
        answer = platform.call(method, f"/v1/apps/nobody/network_policies{path}", policy("egress", 80))
        assert answer.status_code == 404, method


def test_a_deploy_token_is_good_for_its_apps_policies_alone(platform: Up) -> None:
    platform.app("other")
    bearer = {"authorization": platform.ok("POST", "/v1/apps/other/deploy_token", {})["token"]}
    for method in ("GET", "POST"):
        assert platform.call(method, PATH, policy("egress", 80), headers=bearer).status_code == 403
        other = platform.call(method, "/v1/apps/other/network_policies", policy("egress", 80), headers=bearer)
        assert other.status_code == 200


def test_a_port_that_is_not_allowed_is_not_said_to_anybody_from_the_next_boot_on(platform: Up) -> None:
    """DOCUMENTED machines/guides-examples/network-policies: in force when the machine has been started again."""
    config: dict[str, Any] = {"services": [{"internal_port": 8080}, {"internal_port": 9090}]}
    web = platform.create(metadata={"role": "web"}, **config)
    free = platform.create(metadata={"role": "free"}, **config)
    for machine in (web, free):
        platform.wait(machine, "started")
    made = platform.ok("POST", PATH, policy("ingress", 8080, selector={"metadata": {"role": "web"}}))
    network = f"/_flylab/apps/app/machines/{web['id']}/network"
    assert platform.ok("GET", network) == {"ingress": None, "egress": None}
    assert offers(platform, web, 9090)
    restart(platform, web)
    assert platform.ok("GET", network) == {"ingress": [{"protocol": "tcp", "port": 8080}], "egress": None}
    assert [offers(platform, web, port) for port in (8080, 9090)] == [True, False]
    assert offers(platform, free, 9090)
    platform.ok("DELETE", f"{PATH}/{made['id']}")
    assert not offers(platform, web, 9090)
    restart(platform, web)
    assert offers(platform, web, 9090)


def restart(platform: Up, machine: dict[str, Any]) -> None:
    platform.ok("POST", platform.path(machine, "/stop"))
    platform.wait(machine, "stopped")
    platform.ok("POST", platform.path(machine, "/start"))
    platform.wait(machine, "started")
