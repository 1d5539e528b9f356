"""The transition table: complete, without traps, and refusing with the words that clients know."""

import pytest

from flylab.rules import lifecycle as on
from flylab.rules.lifecycle import REFUSALS, TABLE, Happening, IllegalTransition, following
from flylab.wire.codes import refuse
from flylab.wire.machine import MachineConfig
from flylab.wire.machine import MachineState as S

EVENTS: list[Happening] = [
    on.Prepared(),
    on.Start(),
    on.Started(),
    on.StartFailed(),
    on.LaunchFailed(),
    on.Stop(),
    on.Exited(),
    on.Restart(),
    on.RestartDue(1),
    on.Suspend(),
    on.Suspended(),
    on.Update(MachineConfig(), "v", {}),
    on.Destroy(),
    on.ForceDestroy(),
    on.Removed(),
    on.Recovered(),
]
KINDS = {type(event) for event in EVENTS}
# Versions, not machines, are replaced or migrated; the others are names of states that this platform passes at once.
NOT_USED = {S.REPLACED, S.MIGRATED, S.UPDATING}


def reachable(start: S) -> set[S]:
    found = {start}
    while True:
        more = {after for (before, _), after in TABLE.items() if before in found} - found
        if not more:
            return found
        found |= more


def test_the_states_are_those_of_the_documentation() -> None:
    """DOCUMENTED machines/machine-states: five that last, nine that pass, three that are final."""
    assert {str(state) for state in S} == {
        "created", "started", "stopped", "suspended", "failed", "creating", "starting", "stopping", "restarting",
        "suspending", "destroying", "launch_failed", "updating", "replacing", "destroyed", "replaced", "migrated",
    }  # fmt: skip


def test_every_state_that_is_used_can_be_reached() -> None:
    assert reachable(S.CREATING) == set(S) - NOT_USED


@pytest.mark.parametrize("state", sorted(set(S) - NOT_USED - {S.DESTROYED}))
def test_every_state_has_a_way_to_be_destroyed(state: S) -> None:
    assert S.DESTROYED in reachable(state)
    assert (state, on.ForceDestroy) in TABLE


def test_nothing_leaves_the_end() -> None:
    assert not [after for (before, _), after in TABLE.items() if before is S.DESTROYED]


@pytest.mark.parametrize("state", sorted(set(S) - NOT_USED - {S.DESTROYED}))
def test_a_platform_that_comes_back_finds_every_machine_at_rest(state: S) -> None:
    rest = {S.CREATED, S.STOPPED, S.FAILED, S.DESTROYING}
    assert TABLE[state, on.Recovered] in rest


def test_the_table_names_no_unknown_event() -> None:
    assert {kind for _, kind in TABLE} <= KINDS
    assert {kind for _, kind in REFUSALS} <= KINDS


def test_nothing_is_allowed_and_refused_at_once() -> None:
    assert not TABLE.keys() & REFUSALS.keys()


@pytest.mark.parametrize(
    ("state", "event", "status", "fragment"),
    [
        (S.STARTED, on.Start(), 409, "still attempting to start"),
        (S.STARTING, on.Start(), 409, "still attempting to start"),
        (S.REPLACING, on.Start(), 412, "getting replaced"),
        (S.STOPPING, on.Start(), 412, "still active"),
        (S.STARTED, on.Destroy(), 412, "not currently stopped"),
        (S.STOPPED, on.Suspend(), 412, "not running"),
        (S.REPLACING, on.Update(MachineConfig(), "v", {}), 409, "concurrent update"),
        (S.CREATED, on.Stop(), 412, "current state: 'created'"),
        (S.DESTROYED, on.Start(), 404, "machine not found"),
        (S.DESTROYED, on.Destroy(), 404, "machine not found"),
    ],
)
def test_a_refusal_says_what_clients_look_for(state: S, event: Happening, status: int, fragment: str) -> None:
    with pytest.raises(IllegalTransition) as caught:
        following("m", state, event)
    http, body = refuse(caught.value.code, caught.value.text)
    assert (http, fragment in body["error"]) == (status, True)
    assert (caught.value.machine, caught.value.state, caught.value.event) == ("m", state, event)
