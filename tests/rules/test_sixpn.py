"""6PN addresses: the documented layout, one prefix for each network, none given twice."""

from ipaddress import IPv6Address, IPv6Network

from hypothesis import given
from hypothesis import strategies as st

from flylab.rules import fleet as fleet_module
from flylab.rules.fleet import Fleet, FleetSettings
from flylab.rules.orders import CreateApp, CreateMachine
from flylab.rules.sixpn import private_ip
from flylab.wire.machine import MachineConfig

words = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", max_size=20)


@given(words, words, words, words)
def test_the_layout_is_fdaa_network_host_machine_2(organization: str, network: str, region: str, machine: str) -> None:
    """DOCUMENTED networking/private-networking: 16, 32, 32, 32 and 16 bits."""
    text = private_ip(organization, network, region, machine)
    address = IPv6Address(text)
    assert str(address) == text
    assert address in IPv6Network("fdaa::/16")
    assert address.packed[6:8] == b"\x0a\x7b"
    assert address.packed[14:] == b"\x00\x02"
    another = IPv6Address(private_ip(organization, network, f"{region}x", f"{machine}x"))
    assert another.packed[:6] == address.packed[:6]
    assert IPv6Address(private_ip(organization, f"{network}x", region, machine)).packed[:6] != address.packed[:6]


def test_the_prefix_is_of_the_apps_network_and_the_host_of_the_region() -> None:
    fleet = Fleet(FleetSettings(), lambda _: "e")
    for name, network in (("blue", ""), ("green", ""), ("kept", "customer-7")):
        fleet.apply(CreateApp(id=name, name=name, organization="personal", network=network), 1.0)
        for region in ("ams", "iad"):
            fleet.apply(machine(f"{name}{region}", name, region), 1.0)
    packed = {life.id: IPv6Address(life.private_ip).packed for life in fleet.machines()}
    assert len({each[2:6] for each in packed.values()}) == 2
    assert packed["blueams"][:10] == packed["greenams"][:10]
    assert packed["blueams"][6:10] != packed["blueiad"][6:10]
    assert packed["blueams"][2:6] != packed["keptams"][2:6]


def test_an_address_that_is_taken_is_not_given_again(monkeypatch) -> None:
    monkeypatch.setattr(fleet_module, "private_ip", lambda *words: f"fdaa::{words[-1]}")
    fleet = Fleet(FleetSettings(), lambda _: "e")
    fleet.apply(CreateApp(id="1", name="blue", organization="personal"), 1.0)
    for machine_id in ("m1", "m2", "m3"):
        fleet.apply(machine(machine_id, "blue", "ams"), 1.0)
    assert [life.private_ip for life in fleet.machines()] == ["fdaa::0", "fdaa::1", "fdaa::2"]


def machine(machine_id: str, app: str, region: str) -> CreateMachine:
    return CreateMachine(
        id=machine_id, app=app, name=machine_id, region=region, config=MachineConfig(image="i"), version="v"
    )
