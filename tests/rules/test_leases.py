"""Leases: who may change a leased machine, when a lease ends, and that nobody else's is ever taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import RuleError
from flylab.rules import lifecycle as on
from flylab.rules.actions import Changed, Kept
from flylab.rules.fleet import Fleet, FleetSettings
from flylab.rules.leases import KIND, Leases, LeaseSettings, ReleaseLease, TakeLease
from flylab.rules.orders import CreateApp, CreateMachine, DeleteApp, Happened, Leased
from flylab.wire.codes import refuse
from flylab.wire.lease import Lease
from flylab.wire.machine import MachineConfig

OWNER = "0b1d1f6e-7e4a-5d4e-9a55-a2f9a3b8f9c1@tokens.fly.io"


def wanted(nonce: str = "n1", *, given: str = "", ttl: int = 10, machine: str = "m") -> TakeLease:
    return TakeLease(machine=machine, nonce=nonce, owner=OWNER, ttl=ttl, description="deploy", given=given)


def leased(**settings: bool) -> Leases:
    """A lease n1 on machine m from 100 to 110."""
    leases = Leases(LeaseSettings(**settings))  # type: ignore[arg-type]  # only switches are changed here
    assert leases.take(wanted(), "v1", 100.0) == [Kept(KIND, "m")]
    return leases


def refusal(call: object, *arguments: object) -> str:
    with pytest.raises(RuleError) as caught:
        call(*arguments)  # type: ignore[operator]
    return caught.value.code


def test_a_lease_says_what_it_is() -> None:
    held = leased().held("m", 105.0)
    assert held == Lease(nonce="n1", owner=OWNER, description="deploy", expires_at=110, version="v1")


def test_a_lease_lasts_for_all_of_its_time_and_no_longer() -> None:
    leases = leased()
    assert leases.held("m", 109.9) is not None
    assert leases.held("m", 110.0) is None
    assert refusal(leases.release, ReleaseLease(machine="m", given="n1"), 110.0) == "lease_not_found"
    assert leases.take(wanted("n2"), "v1", 110.0) == [Kept(KIND, "m")]


def test_a_part_of_a_second_is_given_not_taken() -> None:
    leases = Leases(LeaseSettings())
    leases.take(wanted(ttl=1), "v1", 100.9)
    held = leases.held("m", 101.8)
    assert held is not None
    assert held.expires_at == 102


def test_the_nonce_makes_a_lease_last_longer() -> None:
    leases = leased()
    leases.take(wanted("n2", given="n1", ttl=20), "v2", 105.0)
    held = leases.held("m", 105.0)
    assert held is not None
    assert (held.nonce, held.expires_at, held.version) == ("n1", 125, "v2")
    leases.take(wanted("n3", given="n1", ttl=1), "v2", 105.0)
    assert leases.held("m", 124.0) is not None


def test_a_nonce_that_has_ended_makes_a_new_lease() -> None:
    leases = leased()
    leases.take(wanted("n2", given="n1"), "v1", 200.0)
    held = leases.held("m", 200.0)
    assert held is not None
    assert held.nonce == "n2"


@pytest.mark.parametrize("given", ["", "n9"])
def test_somebody_elses_lease_is_neither_taken_nor_given_back(given: str) -> None:
    leases = leased()
    assert refusal(leases.take, wanted("n2", given=given), "v1", 101.0) == "lease_held"
    assert refusal(leases.release, ReleaseLease(machine="m", given=given), 101.0) == "lease_held"
    held = leases.held("m", 101.0)
    assert held is not None
    assert held.nonce == "n1"


def test_who_has_it_gives_it_back() -> None:
    leases = leased()
    assert leases.release(ReleaseLease(machine="m", given="n1"), 101.0) == [Kept(KIND, "m")]
    assert leases.document("m") is None
    assert refusal(leases.release, ReleaseLease(machine="m", given="n1"), 101.0) == "lease_not_found"


def test_the_refusal_says_who_and_until_when() -> None:
    with pytest.raises(RuleError) as caught:
        leased().take(wanted("n2"), "v1", 101.0)
    status, body = refuse(caught.value.code, caught.value.text)
    assert status == 409
    assert body["error"] == (
        f"aborted: machine ID m lease currently held by {OWNER}, expires at 1970-01-01T00:01:50.000Z"
    )


@pytest.mark.parametrize("ttl", [0, -1, 86_401])
def test_a_time_outside_of_the_bounds_is_refused(ttl: int) -> None:
    leases = Leases(LeaseSettings())
    assert refusal(leases.take, wanted(ttl=ttl), "v1", 1.0) == "invalid_argument"
    with pytest.raises(RuleError, match=f"lease_ttl {ttl} is not between 1 and 86400 seconds"):
        leases.check_ttl(ttl, "lease_ttl")


@pytest.mark.parametrize(
    ("operation", "meets"),
    [
        ("Machines_start", "lease_held"),  # REPORTED
        ("Machines_update", "lease_held"),  # REPORTED
        ("Machines_suspend", "lease_held"),
        ("Machines_restart", "lease_held"),
        ("Machines_set_memory_limit", "lease_held"),
        ("Machines_stop", 9.0),  # REPORTED: held until the lease ends
        ("Machines_delete", 9.0),
        ("Machines_cordon", 0.0),
        ("Machines_uncordon", 0.0),
        ("Machines_signal", 0.0),
        ("Machines_update_metadata", 0.0),  # REPORTED
        ("Machines_exec", 0.0),
        ("Machines_show", 0.0),
    ],
)
def test_what_a_call_without_the_nonce_meets(operation: str, meets: str | float) -> None:
    leases = leased()
    for nonce in ("", "n9"):
        if isinstance(meets, str):
            assert refusal(leases.patience, operation, "m", nonce, 101.0) == meets
        else:
            assert leases.patience(operation, "m", nonce, 101.0) == meets
    assert leases.patience(operation, "m", "n1", 101.0) == 0
    assert leases.patience(operation, "m", "", 110.0) == 0
    assert leases.patience(operation, "other", "", 101.0) == 0


@pytest.mark.parametrize(
    ("setting", "operation"), [("holds_stop", "Machines_stop"), ("holds_destroy", "Machines_delete")]
)
def test_stop_and_destroy_can_be_set_to_fail_at_once(setting: str, operation: str) -> None:
    assert refusal(leased(**{setting: False}).patience, operation, "m", "", 101.0) == "lease_held"


def test_the_proxy_does_not_wake_a_leased_machine_unless_told_so() -> None:
    assert refusal(leased().admit_autostart, "m", 101.0) == "PM01"
    leased().admit_autostart("m", 110.0)
    leased(refuses_autostart=False).admit_autostart("m", 101.0)


def test_leases_come_back_and_those_that_ended_are_swept_out() -> None:
    before = leased()
    before.take(wanted("n2", machine="other", ttl=100), "v1", 100.0)
    after = Leases(LeaseSettings())
    after.restore({key: before.document(key) or {} for key in ("m", "other")})
    assert (after.held("m", 105.0), after.held("other", 105.0)) == (
        before.held("m", 105.0),
        before.held("other", 105.0),
    )
    assert after.take(wanted("n3", machine="third"), "v1", 150.0) == [Kept(KIND, "m"), Kept(KIND, "third")]


def fleet() -> Fleet:
    made = Fleet(FleetSettings(), lambda _: "e")
    made.apply(CreateApp(id="1", name="a", organization="o"), 1.0)
    config = MachineConfig(image="i")
    made.apply(CreateMachine(id="m", app="a", name="n", region="ams", config=config, version="v1", launch=False), 1.0)
    return made


def test_a_lease_survives_an_update_and_ends_with_its_machine() -> None:
    made = fleet()
    assert made.apply(wanted(), 2.0) == [Kept(KIND, "m")]
    made.apply(Happened("m", on.Update(MachineConfig(image="i"), "v2", {})), 3.0)
    held = made.leases.held("m", 3.0)
    assert held is not None
    assert (held.nonce, held.version) == ("n1", "v1")
    made.apply(Happened("m", on.Destroy()), 3.0)
    assert Kept(KIND, "m") in made.apply(Happened("m", on.Removed()), 3.0)
    assert made.leases.held("m", 3.0) is None
    with pytest.raises(RuleError, match="machine not found"):
        made.apply(wanted(), 3.0)


@pytest.mark.parametrize(("ttl", "refused"), [(10, False), (0, True)])
def test_a_machine_is_born_or_changed_with_its_lease_or_not_at_all(ttl: int, refused: bool) -> None:
    made = fleet()
    config = MachineConfig(image="i")
    born = CreateMachine(id="b", app="a", name="b", region="ams", config=config, version="v1", launch=False)
    update = on.Update(MachineConfig(image="j"), "v2", {})
    for event in (Leased(born, wanted(ttl=ttl, machine="b")), Leased(Happened("m", update), wanted(ttl=ttl))):
        if refused:
            assert refusal(made.apply, event, 2.0) == "invalid_argument"
        else:
            done = made.apply(event, 2.0)  # what one apply returns is one transaction
            assert Changed(event.machine) in done
            assert Kept(KIND, event.machine) in done
    here = {life.id: (life.version, made.leases.held(life.id, 3.0)) for life in made.machines()}
    if refused:
        assert here == {"m": ("v1", None)}
    else:
        assert {key: (version, lease and lease.version) for key, (version, lease) in here.items()} == {
            "b": ("v1", "v1"),
            "m": ("v2", "v2"),
        }


def test_a_lease_is_given_back_to_the_fleet() -> None:
    made = fleet()
    made.apply(wanted(), 2.0)
    assert refusal(made.apply, ReleaseLease(machine="m", given="n9"), 2.0) == "lease_held"
    assert made.apply(ReleaseLease(machine="m", given="n1"), 2.0) == [Kept(KIND, "m")]


def test_a_lease_ends_with_its_app() -> None:
    made = fleet()
    made.apply(wanted(), 2.0)
    assert Kept(KIND, "m") in made.apply(DeleteApp(name="a"), 2.0)


nonces = st.sampled_from(["", "n1", "n2", "n3"])
takes = st.builds(wanted, nonces.filter(bool), given=nonces, ttl=st.integers(-1, 30))
releases = st.builds(ReleaseLease, machine=st.just("m"), given=nonces)


@given(st.lists(st.tuples(st.floats(0, 20), takes | releases), max_size=30))
def test_a_lease_only_ever_ends_by_its_nonce_or_its_time(steps: list[tuple[float, TakeLease | ReleaseLease]]) -> None:
    leases, now = Leases(LeaseSettings()), 0.0
    for pause, event in steps:
        now += pause
        before = leases.held("m", now)
        try:
            if isinstance(event, TakeLease):
                leases.take(event, "v", now)
            else:
                leases.release(event, now)
        except RuleError:
            assert leases.held("m", now) == before
            continue
        after = leases.held("m", now)
        if before is not None:
            assert event.given == before.nonce
            assert after is None or (after.nonce == before.nonce and after.expires_at >= before.expires_at)
        assert leases.document("m") == (after.to_json() if after else None)
