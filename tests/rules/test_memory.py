"""The limit of memory that is kept beside a machine: set, shown, and gone with its version."""

import pytest

from flylab.errors import RuleError
from flylab.rules import lifecycle as on
from flylab.rules.actions import Kept
from flylab.rules.fleet import Fleet, FleetSettings
from flylab.rules.memory import KIND, MemoryLimits, SetMemoryLimit, left
from flylab.rules.orders import CreateApp, CreateMachine, Happened
from flylab.wire.machine import Guest, MachineConfig

CONFIG = MachineConfig(image="i", guest=Guest(memory_mb=512))


def test_the_limit_is_the_size_until_it_is_set() -> None:
    limits = MemoryLimits()
    assert limits.limit("m", CONFIG) == 512
    assert limits.limit("m", MachineConfig(image="i")) == 256
    assert limits.set(SetMemoryLimit("m", 300), CONFIG) == [Kept(KIND, "m")]
    assert (limits.limit("m", CONFIG), limits.limit("other", CONFIG)) == (300, 512)
    again = MemoryLimits()
    again.restore({"m": limits.document("m") or {}})
    assert again.limit("m", CONFIG) == 300
    assert again.drop("m") == [Kept(KIND, "m")]
    assert again.drop("m") == []
    assert again.document("m") is None


@pytest.mark.parametrize("limit", [0, -1, 513])
def test_a_limit_outside_of_the_size_is_refused(limit: int) -> None:
    with pytest.raises(RuleError, match=f"limit_mb {limit} is not between 1 and 512"):
        MemoryLimits().set(SetMemoryLimit("m", limit), CONFIG)


@pytest.mark.parametrize(("used", "free"), [(0, 10), (1, 9), (2**20, 9), (10 * 2**20, 0), (99 * 2**20, 0)])
def test_what_is_left(used: int, free: int) -> None:
    assert left(10, used) == free


@pytest.mark.parametrize("end", [(on.Update(CONFIG, "v2", {}),), (on.Destroy(), on.Removed())])
def test_a_limit_ends_with_the_version_or_the_machine(end: tuple[on.Happening, ...]) -> None:
    fleet = Fleet(FleetSettings(), lambda _: "e")
    fleet.apply(CreateApp(id="1", name="a", organization="o"), 1.0)
    fleet.apply(CreateMachine(id="m", app="a", name="n", region="ams", config=CONFIG, version="v1", launch=False), 1.0)
    assert fleet.apply(SetMemoryLimit("m", 300), 1.0) == [Kept(KIND, "m")]
    actions = [action for what in end for action in fleet.apply(Happened("m", what), 2.0)]
    assert Kept(KIND, "m") in actions
    assert fleet.memory.limit("m", CONFIG) == 512
