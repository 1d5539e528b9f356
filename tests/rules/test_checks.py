"""Checks of machines: what is asked for, when it is run, what counts, and when requests are kept away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import ParseError
from flylab.rules import lifecycle as on
from flylab.rules.checks import Check, CheckSettings, Health, Status, http_passes, ports_of, read_checks
from flylab.rules.life import Life, LifeSettings
from flylab.wire.fields import Json
from flylab.wire.machine import MachineConfig, Service

SETTINGS = CheckSettings()


def config(*checks: Json, **top_level: Json) -> MachineConfig:
    return MachineConfig(image="i", services=(Service(internal_port=8080, checks=checks),), checks=top_level)


def one(**given: object) -> Check:
    (check,) = read_checks(config({"type": "http", **given}))
    return check


def test_every_field_of_the_document_is_read() -> None:
    given: Json = {
        "type": "http",
        "port": 9090,
        "interval": "10s",
        "timeout": 3_000_000_000,
        "grace_period": "5s",
        "method": "get",
        "path": "/healthz?x=1",
        "protocol": "https",
        "headers": [{"name": "X-Forwarded-Proto", "values": ["https", "http"]}],
        "tls_skip_verify": True,
        "tls_server_name": "example.com",
    }
    assert read_checks(config(given)) == (
        Check(
            name="servicecheck-00-http-9090",
            kind="http",
            port=9090,
            gates=True,
            interval=10.0,
            timeout=3.0,
            grace_period=5.0,
            method="GET",
            path="/healthz?x=1",
            protocol="https",
            headers=(("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")),
            tls_skip_verify=True,
            tls_server_name="example.com",
        ),
    )


def test_names_ports_and_who_gates() -> None:
    """DOCUMENTED reference/health-checks: top-level checks do not gate; OBSERVED-IN-CLIENT fly-go: unless readiness."""
    found = read_checks(
        config(
            {"type": "tcp"},
            {"type": "http"},
            alive={"type": "tcp", "port": 9000},
            ready={"type": "http", "port": 8080, "kind": "readiness"},
        )
    )
    assert [(check.name, check.port, check.gates) for check in found] == [
        ("servicecheck-00-tcp-8080", 8080, True),
        ("servicecheck-01-http-8080", 8080, True),
        ("alive", 9000, False),
        ("ready", 8080, True),
    ]
    assert ports_of(config({"type": "tcp"}, alive={"type": "tcp", "port": 9000})) == (8080, 9000)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "checks[0].type ''"),
        ({"type": "udp"}, "tcp or http is expected"),
        ({"type": "tcp", "port": 70000}, "a port between 1 and 65535"),
        ({"type": "tcp", "interval": "soon"}, "checks[0].interval 'soon'"),
        ({"type": "tcp", "timeout": "-1s"}, "not negative"),
        ({"type": "http", "path": "healthz"}, "a path that starts with '/'"),
        ({"type": "http", "path": "/a b"}, "has no spaces"),
        ({"type": "http", "path": "/\r\nX: y"}, "has no spaces"),
        ({"type": "http", "method": "GET /"}, "not a method"),
        ({"type": "http", "protocol": "gopher"}, "http or https"),
        ({"type": "http", "headers": [{"name": "X:", "values": []}]}, "not the name of a header"),
        ({"type": "http", "headers": [{"name": "X", "values": ["a\r\nb"]}]}, "printable ASCII"),
        ({"type": "http", "headers": {"X": "y"}}, "a list is expected"),
    ],
)
def test_what_cannot_be_a_check(given: Json, says: str) -> None:
    with pytest.raises(ParseError) as caught:
        read_checks(config(given))
    assert says in str(caught.value)
    assert "config.services[0].checks[0]" in str(caught.value)


def test_a_top_level_check_names_its_port_and_kind() -> None:
    for check in ({"type": "tcp"}, {"type": "tcp", "port": 1, "kind": "liveness"}):
        with pytest.raises(ParseError, match=r"config\.checks\.up\."):
            read_checks(config(up=check))


@pytest.mark.parametrize(
    ("given", "first", "every", "patience"),
    [
        ({}, 1.0, 15.0, 2.0),  # DOCUMENTED: the default shape
        ({"grace_period": "0s", "interval": "100ms", "timeout": "100ms"}, 0.0, 1.0, 1.0),
        ({"grace_period": "10ms"}, 1.0, 15.0, 2.0),
        ({"grace_period": "5m", "interval": "5m", "timeout": "5m"}, 60.0, 60.0, 60.0),  # sharp edge 63
    ],
)
def test_times_are_clamped(given: Json, first: float, every: float, patience: float) -> None:
    """OBSERVED-IN-CLIENT flyctl internal/appconfig/validation.go."""
    check = one(**given)
    assert check.first(SETTINGS) == first
    assert check.every(SETTINGS, passed=True) == every
    assert check.patience(SETTINGS) == patience
    assert check.every(SETTINGS, passed=False) == SETTINGS.first_interval


def test_a_top_level_check_has_its_own_bounds() -> None:
    (check,) = read_checks(MachineConfig(image="i", checks={"up": {"type": "tcp", "port": 1, "interval": "1s"}}))
    assert check.every(SETTINGS, passed=True) == 2.0


@pytest.mark.parametrize(("status", "passes"), [(200, True), (204, True), (299, True), (199, False), (301, False)])
def test_only_2xx_passes(status: int, passes: bool) -> None:
    """DOCUMENTED reference/configuration; redirects are not followed. One box there says exactly 200."""
    assert http_passes(status, SETTINGS) is passes
    assert http_passes(status, CheckSettings(only_200=True)) is (status == 200)


def started(*checks: Json, settings: LifeSettings | None = None, **top_level: Json) -> Life:
    life = Life(id="m", app="a", name="n", region="ams", config=config(*checks, **top_level), version="v1",
                created_at=0.0, updated_at=0.0)  # fmt: skip
    tell(life, on.Prepared(), on.Start(), on.Started(), settings=settings)
    return life


def tell(life: Life, *events: on.Happening, settings: LifeSettings | None = None) -> None:
    for event in events:
        life.step(event, 1.0, settings=settings or LifeSettings(), mint=lambda _: "e")


TCP = "servicecheck-00-tcp-8080"


def test_a_started_machine_waits_for_its_first_pass() -> None:
    """ASSUMED: checks that have not run keep requests away; a setting."""
    life = started({"type": "tcp"})
    assert not life.health.healthy
    assert life.machine().checks[0] | {"updated_at": ""} == {
        "name": TCP,
        "status": "warning",
        "output": "waiting for status update",
        "updated_at": "",
    }
    assert life.health.heard(life.health.round, TCP, True, "Success", 5.0) is Status.PASSING
    assert life.health.healthy
    assert life.machine().checks[0]["updated_at"] == "1970-01-01T00:00:05.000Z"
    assert started({"type": "tcp"}, settings=LifeSettings(gate_before_first_pass=False)).health.healthy
    assert started().health.healthy


def test_a_check_that_fails_gates_and_one_that_recovers_opens() -> None:
    """DOCUMENTED reference/health-checks: failing → no traffic until passing; the machine is left alone."""
    life = started({"type": "tcp"}, settings=LifeSettings(gate_before_first_pass=False))
    number = life.health.round
    assert life.health.heard(number, TCP, False, "refused", 2.0) is Status.CRITICAL
    assert (life.health.healthy, life.state) == (False, "started")
    assert life.health.heard(number, TCP, False, "refused still", 3.0) is None
    assert life.machine().checks[0]["output"] == "refused still"
    assert life.health.heard(number, TCP, True, "Success", 4.0) is Status.PASSING
    assert life.health.healthy


def test_only_gating_checks_gate() -> None:
    life = started(info={"type": "tcp", "port": 1}, ready={"type": "tcp", "port": 2, "kind": "readiness"})
    number = life.health.round
    life.health.heard(number, "info", False, "", 2.0)
    assert not life.health.healthy
    life.health.heard(number, "ready", True, "", 2.0)
    assert life.health.healthy


@pytest.mark.parametrize("after", [(on.Exited(0),), (on.Stop(),), (on.Suspend(),), (on.Restart(),), (on.Recovered(),)])
def test_late_results_of_an_earlier_start_are_dropped(after: tuple[on.Happening, ...]) -> None:
    life = started({"type": "tcp"})
    number = life.health.round
    life.health.heard(number, TCP, True, "Success", 2.0)
    tell(life, *after)
    assert life.health.heard(number, TCP, True, "Success", 3.0) is None
    assert life.health.heard(life.health.round, TCP, True, "Success", 3.0) is None
    assert (life.machine().checks[0]["status"], life.health.healthy) == ("warning", False)
    assert life.machine().checks[0]["output"] == "the machine hasn't started"


def test_an_update_brings_other_checks() -> None:
    life = started({"type": "tcp"})
    tell(life, on.Update(config(up={"type": "tcp", "port": 7}), "v2", {}), on.Exited(), on.Started())
    assert [check["name"] for check in life.machine().checks] == ["up"]
    assert life.health.heard(life.health.round, TCP, True, "", 3.0) is None


def test_what_was_written_down_by_somebody_who_did_not_look_does_no_harm() -> None:
    assert started({"type": "nonsense"}).health.healthy


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from([TCP, "up", "x"]), st.booleans())))
def test_healthy_is_what_the_last_result_of_every_gating_check_says(told: list[tuple[int, str, bool]]) -> None:
    health = Health()
    health.begin(config({"type": "tcp"}, up={"type": "tcp", "port": 1}), 0.0, running=True)
    last = False
    for number, name, passed in told:
        health.heard(number, name, passed, "", 1.0)
        if (number, name) == (1, TCP):
            last = passed
    assert health.healthy is last
