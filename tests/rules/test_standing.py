"""What of a machine matters to autostop."""

import pytest

from flylab.rules.life import Life
from flylab.rules.standing import Group, primary_region, standing
from flylab.rules.suspending import suspendable
from flylab.wire.config import Guest, Init, MachineConfig
from flylab.wire.machine import MachineState
from flylab.wire.services import Concurrency, Service


def life(*services, state="started", cordoned=False, **config):
    return Life(
        id="a",
        app="shop",
        name="one",
        region="ams",
        config=MachineConfig(image="x", services=services, **config),
        version="v1",
        created_at=0.0,
        updated_at=0.0,
        state=MachineState(state),
        cordoned=cordoned,
    )


def service(autostop=None, **more):
    return Service(internal_port=8080, autostop=autostop, **more)


@pytest.mark.parametrize(
    "of",
    [life(), life(service("stop"), state="starting"), life(service("stop"), state="stopped")],
    ids=["no services", "starting", "stopped"],
)
def test_only_started_machines_with_services_are_of_interest(of):
    assert standing(of) is None


def test_a_cordoned_machine_is_not_the_proxys():
    assert standing(life(service("stop"), cordoned=True)) is None


@pytest.mark.parametrize(
    ("said", "mode"),
    [
        ({}, "off"),
        ({"autostop": None}, "off"),
        ({"autostop": False}, "off"),
        ({"autostop": "off"}, "off"),
        ({"autostop": True}, "stop"),
        ({"autostop": "stop"}, "stop"),
        ({"autostop": "suspend"}, "suspend"),
    ],
)
def test_every_form_of_the_setting(said, mode):
    """DOCUMENTED openapi, fly.MachineService, and launch/autostop-autostart: booleans and words; unset is off."""
    found = standing(life(Service.from_json({"internal_port": 80} | said)))
    assert found is not None
    assert found.mode == mode


@pytest.mark.parametrize(
    ("modes", "mode"),
    [(("stop", "off"), "off"), (("stop", None), "off"), (("suspend", "stop"), "stop"), (("suspend",) * 2, "suspend")],
)
def test_several_services_have_to_agree(modes, mode):
    found = standing(life(*(service(each) for each in modes)))
    assert found is not None
    assert found.mode == mode


@pytest.mark.parametrize(
    "config",
    [
        {"guest": Guest(memory_mb=2304)},
        {"guest": Guest(extra={"gpus": 1})},
        {"guest": Guest(extra={"gpu_kind": "a10"})},
        {"init": Init(extra={"swap_size_mb": 512})},
        {"extra": {"schedule": "daily"}},
    ],
)
def test_what_cannot_be_suspended_is_stopped_instead(config):
    """DOCUMENTED reference/suspend-resume: 2 GB, no swap, schedule, GPU; openapi, fly.MachineService: else a stop."""
    found = standing(life(service("suspend"), **config))
    assert found is not None
    assert found.mode == "stop"


def test_a_machine_of_2_gb_can_be_suspended():
    assert suspendable(MachineConfig(guest=Guest(memory_mb=2048), init=Init(cmd=("x",))))


def test_group_limits_minimum_and_primary_region():
    found = standing(
        life(
            service("stop", min_machines_running=2, concurrency=Concurrency(soft_limit=7)),
            service("stop", min_machines_running=1),
            metadata={"fly_process_group": "web"},
            env={"PRIMARY_REGION": "fra"},
        )
    )
    assert found is not None
    assert (found.group, found.soft_limit, found.minimum) == (Group("shop", "ams", "web"), 7, 2)
    assert primary_region(found, lambda app: "never") == "fra"


def test_without_its_variable_the_primary_region_is_that_of_the_oldest_machine():
    found = standing(life(service("stop"), env={"FLY_PROCESS_GROUP": "worker"}))
    assert found is not None
    assert (found.group.process_group, found.soft_limit) == ("worker", 20)
    assert primary_region(found, {"shop": "iad"}.__getitem__) == "iad"
