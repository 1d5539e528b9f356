"""Network policies: kept per app, for the machines that they select, and in force from a machine's next boot on."""

from dataclasses import replace
from typing import Any

import pytest

from flylab.errors import ParseError, RuleError
from flylab.rules.actions import Kept
from flylab.rules.life import Life
from flylab.rules.policies import (
    ALL,
    KIND,
    Boots,
    DeletePolicy,
    Policies,
    PolicySettings,
    PutPolicy,
    admit_policy,
    allowed,
    selects,
)
from flylab.wire.machine import MachineConfig, MachineState
from flylab.wire.network_policy import NetworkPolicy, PolicyPort, PolicyRule, PolicySelector

SETTINGS = PolicySettings()
EVERYONE = PolicySelector(everyone=True)


def machine(name: str = "m", app: str = "a", **metadata: str) -> Life:
    config = MachineConfig(image="local/sleep", metadata=metadata)
    return Life(id=name, app=app, name=name, region="ams", config=config, version="v", created_at=0.0, updated_at=0.0)


def allow(direction: str, *ports: int, selector: PolicySelector = EVERYONE, name: str = "n") -> NetworkPolicy:
    rule = PolicyRule(direction=direction, ports=tuple(PolicyPort("tcp", port) for port in ports))
    return NetworkPolicy(name=name, selector=selector, rules=(rule,))


def put(policies: Policies, policy: NetworkPolicy, new_id: str = "1", app: str = "a") -> list[Kept]:
    return policies.put(PutPolicy(app=app, policy=policy, new_id=new_id))


@pytest.mark.parametrize(
    ("selector", "one", "every"),
    [
        (PolicySelector(everyone=True), True, True),
        (PolicySelector(), False, False),
        (PolicySelector(machines=("x", "m")), True, True),
        (PolicySelector(machines=("x",)), False, False),
        (PolicySelector(metadata={"role": "web"}), True, True),
        (PolicySelector(metadata={"role": "db"}), False, False),
        (PolicySelector(metadata={"role": "web", "env": "test"}), True, False),
        (PolicySelector(everyone=True, machines=("x",)), False, False),
        (PolicySelector(machines=("m",), metadata={"role": "db"}), False, False),
        (PolicySelector(everyone=True, machines=("m",), metadata={"role": "web"}), True, True),
    ],
)
def test_a_selector_is_for_the_machines_that_meet_all_of_it(selector: PolicySelector, one: bool, every: bool) -> None:
    """REPORTED community.fly.io/t/19173: all AND one of the machines AND one of the pairs of metadata."""
    life = machine(role="web", env="production")
    assert selects(selector, life, SETTINGS) is one
    assert selects(selector, life, PolicySettings(metadata_all=True)) is every


def test_a_rule_denies_the_rest_of_its_direction() -> None:
    """DOCUMENTED machines/guides-examples/network-policies: once a direction has a rule, the default is to deny."""
    life = machine()
    assert allowed([], life, SETTINGS) == ALL
    assert ALL.to_json() == {"ingress": None, "egress": None}
    assert allowed([NetworkPolicy(name="n", selector=EVERYONE)], life, SETTINGS) == ALL
    one = allowed([allow("ingress", 80)], life, SETTINGS)
    assert (one.ingress, one.egress) == ({PolicyPort("tcp", 80)}, None)
    both = allowed([allow("ingress", 80), allow("egress"), allow("ingress", 443)], life, SETTINGS)
    assert (both.ingress, both.egress) == ({PolicyPort("tcp", 80), PolicyPort("tcp", 443)}, frozenset())
    assert both.to_json() == {
        "ingress": [{"protocol": "tcp", "port": 80}, {"protocol": "tcp", "port": 443}],
        "egress": [],
    }
    others = PolicySelector(machines=("other",))
    assert allowed([allow("ingress", 80, selector=others)], life, SETTINGS) == ALL


def test_a_policy_is_made_changed_and_deleted() -> None:
    """DOCUMENTED machines/guides-examples/network-policies: with the id of one it is changed in its place."""
    policies = Policies()
    assert put(policies, allow("ingress", 80), "1") == [Kept(KIND, "1")]
    put(policies, allow("ingress", 80), "2")
    put(policies, allow("egress", 1), "3", app="b")
    assert put(policies, replace(allow("egress", 443), id="1"), "4") == [Kept(KIND, "1")]
    assert [(each.id, each.rules[0].direction) for each in policies.of("a")] == [("1", "egress"), ("2", "ingress")]
    again = Policies()
    again.restore({key: document for key in "123" if (document := policies.document(key))})
    assert again.rows() == policies.rows()
    assert policies.delete(DeletePolicy(app="a", id="2")) == [Kept(KIND, "2")]
    assert policies.document("2") is None
    assert policies.drop("a") == [Kept(KIND, "1")]
    assert (policies.of("a"), len(policies.of("b"))) == ([], 1)


def test_one_of_another_app_is_not_found() -> None:
    policies = Policies()
    put(policies, allow("ingress", 80), "1", app="b")
    for refused in (
        lambda: policies.find("a", "1"),
        lambda: policies.delete(DeletePolicy(app="a", id="1")),
        lambda: put(policies, replace(allow("ingress", 80), id="1")),
        lambda: put(policies, replace(allow("ingress", 80), id="9")),
    ):
        with pytest.raises(RuleError, match="app 'a' has no network policy") as caught:
            refused()
        assert caught.value.code == "not_found"
    assert len(policies.rows()) == 1


def test_an_app_has_a_hundred_at_most() -> None:
    policies = Policies()
    for number in range(100):
        put(policies, allow("ingress", 80), str(number))
    with pytest.raises(RuleError, match="has 100 network policies") as caught:
        put(policies, allow("ingress", 80), "one too many")
    assert caught.value.code == "unprocessable"
    put(policies, replace(allow("ingress", 81), id="5"))
    put(policies, allow("ingress", 80), "others", app="b")


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        # The first three to the letter.
        ({}, "malformed", "^name is required$"),
        ({"name": None}, "malformed", "^name is required$"),
        (
            {"name": "n", "selector": {"apps": ["a"]}},
            "malformed",
            "^apps array not currently supported in selectors$",
        ),
        ({"name": "n\n"}, "invalid_argument", "characters that cannot be seen"),
        ({"name": "n", "selector": {"metadata": {"a": "b" * 70_000}}}, "invalid_argument", "at most 65536 bytes"),
    ],
)
def test_what_is_refused(body: dict[str, Any], code: str, says: str) -> None:
    """REPORTED molecule-dev/molecule, flyio egress.ts, 2026-08: a name is required, apps are not supported."""
    with pytest.raises(RuleError, match=says) as caught:
        admit_policy(body)
    assert caught.value.code == code


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(ParseError, match="cannot read selector 'all'"):
        admit_policy({"name": "n", "selector": "all"})
    assert admit_policy({"name": "n"}) == NetworkPolicy(name="n")


def test_a_policy_waits_for_the_next_boot() -> None:
    """DOCUMENTED machines/guides-examples/network-policies: restart the machines for changes to take effect."""
    policies, lives = Policies(), {"m": machine()}
    boots, life = Boots(policies, SETTINGS, lives.get), lives["m"]
    life.spawns = 1
    boots.look(life)
    put(policies, allow("ingress", 80), "1")
    boots.look(life)
    assert (boots.of("m"), boots.admits("m", 8080)) == (ALL, True)
    life.spawns = 2
    boots.look(life)
    assert [boots.admits("m", port) for port in (80, 8080)] == [True, False]
    policies.delete(DeletePolicy(app="a", id="1"))
    boots.look(life)
    assert not boots.admits("m", 8080)
    life.spawns = 3
    boots.look(life)
    assert boots.admits("m", 8080)


def test_machines_that_are_gone_are_forgotten() -> None:
    policies, lives = Policies(), dict[str, Life]()
    boots = Boots(policies, SETTINGS, lives.get)
    put(policies, allow("ingress", 80), "1")
    for number in range(300):
        life = machine(str(number))
        lives[life.id] = life
        boots.look(life)
        if number % 3 == 0:
            life.state = MachineState.DESTROYED
            boots.look(life)
            assert boots.of(life.id) == ALL
        if number >= 10:
            lives.pop(str(number - 10))  # with its app, which nobody is told
    assert sum(boots.of(str(number)) != ALL for number in range(300)) <= 130
    assert all(boots.of(name) != ALL for name, life in lives.items() if life.state is not MachineState.DESTROYED)
