"""Configurations that share what is equal: they stay what they were."""

import json
from dataclasses import replace

from flylab.rules.sharing import shared
from flylab.wire.machine import Guest, MachineConfig

LIKE = MachineConfig(image="i", env={"A": "1"}, guest=Guest(), extra={"flag": True})


def again(config: MachineConfig) -> MachineConfig:
    return MachineConfig.from_json(json.loads(json.dumps(config.to_json())))


def test_an_equal_configuration_is_the_same_one() -> None:
    assert shared(again(LIKE), LIKE) is LIKE


def test_what_differs_is_kept_and_the_rest_is_shared() -> None:
    other = replace(again(LIKE), env={"A": "2"})
    found = shared(other, LIKE)
    assert found == other
    assert found.guest is LIKE.guest
    assert found.env == {"A": "2"}


def test_what_is_equal_but_written_otherwise_stays_as_it_was_sent() -> None:
    other = replace(LIKE, extra={"flag": 1})
    assert json.dumps(shared(other, LIKE).to_json()) == json.dumps(other.to_json())
