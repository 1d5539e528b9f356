"""Addresses: of the documented kinds, from ranges reserved for documentation, never given out twice."""

import ipaddress

import pytest

from flylab.errors import RuleError
from flylab.rules.actions import Kept
from flylab.rules.addresses import KIND, TYPES, Addresses, AssignAddress, ReleaseAddress

RESERVED = [ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]


def assign(addresses, kind, app="a", **more):
    addresses.assign(AssignAddress(app=app, type=kind, **more), 1.0)
    return addresses.latest(app, kind)


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind != "private_v6"])
def test_public_ones_are_reserved_for_documentation(kind):
    addresses = Addresses()
    assign(addresses, kind)
    for row in addresses.of("a"):
        ip = ipaddress.ip_address(row.ip)
        assert any(ip in net for net in RESERVED if net.version == ip.version)


def test_a_private_one_has_the_shape_of_flycast():
    assert assign(Addresses(), "private_v6").ip == "fdaa:0:1:0:1::3"


def test_a_pair_is_one_of_each_family():
    addresses = Addresses()
    shown = assign(addresses, "egress_pair")
    assert [row.type for row in addresses.of("a")] == ["egress_v4", "egress_v6"]
    assert shown.type == "egress_v4"


def test_nobody_gets_what_another_has():
    addresses = Addresses()
    given = [assign(addresses, kind, app).ip for kind in ("v4", "v6", "egress_v4") for app in "abab"]
    assert len(set(given)) == len(given)


def test_the_shared_one_is_the_same_for_all_and_given_once():
    addresses = Addresses()
    assert assign(addresses, "shared_v4", "a").ip == assign(addresses, "shared_v4", "b").ip
    assert addresses.assign(AssignAddress(app="a", type="shared_v4"), 2.0) == []
    assert len(addresses.of("a")) == 1
    addresses.release(ReleaseAddress(app="a", ip=addresses.of("a")[0].ip))
    assert len(addresses.of("b")) == 1


def test_a_released_one_can_be_given_again():
    addresses = Addresses()
    first = assign(addresses, "v6").ip
    assert addresses.release(ReleaseAddress(app="a", ip=ipaddress.ip_address(first).exploded)) == [
        Kept(KIND, f"a {first}")
    ]
    assert assign(addresses, "v6", "b").ip == first


@pytest.mark.parametrize(
    ("ip", "code"), [("198.51.100.1", "not_found"), ("x", "invalid_argument"), ("", "invalid_argument")]
)
def test_what_is_not_there_cannot_be_released(ip, code):
    addresses = Addresses()
    assign(addresses, "v4", "b")
    with pytest.raises(RuleError) as caught:
        addresses.release(ReleaseAddress(app="a", ip=ip))
    assert caught.value.code == code


def test_a_type_that_is_none_is_refused():
    with pytest.raises(RuleError, match="'v5' is none of v4, v6, shared_v4"):
        Addresses().assign(AssignAddress(app="a", type="v5"), 1.0)


def test_all_are_gone_at_some_time():
    addresses = Addresses()
    for _ in range(254):
        assign(addresses, "v4")
    with pytest.raises(RuleError, match="all 254 addresses of type v4 are taken"):
        assign(addresses, "v4")


def test_they_come_back_and_go_with_their_app():
    addresses = Addresses()
    kept = addresses.assign(AssignAddress(app="a", type="egress_pair", region="ams"), 1.5)
    again = Addresses()
    again.restore({each.key: addresses.document(each.key) for each in kept})
    assert again.of("a") == addresses.of("a")
    assert again.drop("a") == kept
    assert all(again.document(each.key) is None for each in kept)


def test_the_answer_has_the_documented_fields():
    shown = assign(Addresses(), "v4", region="ams", service_name="web").to_json()
    assert shown == {
        "ip": "198.51.100.1",
        "region": "ams",
        "shared": False,
        "service_name": "web",
        "created_at": "1970-01-01T00:00:01.000Z",
    }
    assert assign(Addresses(), "shared_v4").to_json()["region"] == "global"
