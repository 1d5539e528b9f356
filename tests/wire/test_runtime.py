"""The environment of a machine, written and read by one class."""

import pytest

from flylab.errors import ParseError
from flylab.wire.runtime import Runtime

FULL = Runtime(
    app="rooms",
    machine_id="148e21d4b2c0a1",
    region="ams",
    private_ip="fdaa:0:1:a7b::2",
    image_ref="local/room",
    machine_version="01JD",
    process_group="app",
    memory_mb=256,
    primary_region="iad",
)


def test_what_is_written_is_read() -> None:
    assert Runtime.from_env(FULL.to_env() | {"PATH": "/bin"}) == FULL
    assert FULL.inside


def test_the_machine_id_stands_under_both_names() -> None:
    env = FULL.to_env()
    assert env["FLY_ALLOC_ID"] == env["FLY_MACHINE_ID"] == "148e21d4b2c0a1"


def test_nothing_is_said_of_what_is_not_known() -> None:
    assert Runtime().to_env() == {}
    assert Runtime.from_env({}) == Runtime()
    assert not Runtime().inside


def test_memory_is_a_number() -> None:
    with pytest.raises(ParseError, match="FLY_VM_MEMORY_MB"):
        Runtime.from_env({"FLY_VM_MEMORY_MB": "much"})
