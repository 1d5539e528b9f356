"""Network policies as JSON: what the guide shows is read and written again, what is wrong is named by its path."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import ParseError
from flylab.wire.network_policy import NetworkPolicy, PolicyPort, PolicyRule, PolicySelector

GUIDE = {
    "name": "specific-egress",
    "selector": {"all": True},
    "rules": [
        {
            "action": "allow",
            "direction": "egress",
            "ports": [{"protocol": "tcp", "port": 80}, {"protocol": "tcp", "port": 443}],
        }
    ],
}
PORTS = st.builds(PolicyPort, st.sampled_from(["tcp", "udp"]), st.integers(1, 65535))
POLICIES = st.builds(
    NetworkPolicy,
    name=st.text(),
    id=st.text(),
    selector=st.builds(
        PolicySelector,
        everyone=st.booleans(),
        machines=st.lists(st.text(min_size=1), max_size=2).map(tuple),
        metadata=st.dictionaries(st.text(), st.text(), max_size=2),
    ),
    rules=st.lists(
        st.builds(
            PolicyRule,
            direction=st.sampled_from(["ingress", "egress"]),
            ports=st.lists(PORTS, max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
)


def test_the_policy_of_the_guide() -> None:
    """DOCUMENTED machines/guides-examples/network-policies: its own example."""
    assert NetworkPolicy.from_json(GUIDE).to_json() == GUIDE | {"id": ""}


@given(POLICIES)
def test_what_is_written_is_read(policy: NetworkPolicy) -> None:
    assert NetworkPolicy.from_json(policy.to_json()) == policy


def test_selectors_of_the_guide() -> None:
    """DOCUMENTED machines/guides-examples/network-policies: all, machines by id, metadata."""
    for selector in (
        {"all": True},
        {"machines": [{"id": "abc"}, {"id": "def"}]},
        {"metadata": {"role": "web", "env": "production"}},
    ):
        assert PolicySelector.from_json(selector).to_json() == selector


def test_a_destination_is_dropped() -> None:
    """REPORTED molecule-dev/molecule, code-sandbox/flyio egress.ts, 2026-08: a rule has action, direction and ports."""
    rule = {"action": "allow", "direction": "egress", "ports": [{"protocol": "tcp", "port": 1}]}
    assert PolicyRule.from_json(rule | {"cidrs": ["10.0.0.0/8"], "apps": ["x"]}).to_json() == rule


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"rules": {}}, "rules"),
        ({"rules": [{"direction": "egress"}]}, "rules[0].action"),
        ({"rules": [{"action": "deny", "direction": "egress"}]}, "rules[0].action"),
        ({"rules": [{"action": "allow", "direction": "both"}]}, "rules[0].direction"),
        ({"rules": [{"action": "allow", "direction": "egress", "ports": [{"port": 1}]}]}, "rules[0].ports[0].protocol"),
        (
            {"rules": [{"action": "allow", "direction": "egress", "ports": [{"protocol": "tcp", "port": 0}]}]},
            "rules[0].ports[0].port",
        ),
        ({"selector": []}, "selector"),
        ({"selector": {"all": "yes"}}, "selector.all"),
        ({"selector": {"machines": ["m"]}}, "selector.machines[0]"),
        ({"selector": {"machines": [{"id": ""}]}}, "selector.machines[0].id"),
        ({"selector": {"metadata": {"a": 1}}}, "selector.metadata.a"),
        ({"name": 1}, "name"),
    ],
)
def test_what_cannot_be_is_named(change: dict[str, Any], what: str) -> None:
    with pytest.raises(ParseError) as caught:
        NetworkPolicy.from_json(GUIDE | change)
    assert caught.value.what == what
