"""Machines, configurations and apps as JSON: nothing is lost, and what is wrong is named by its path."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flylab.errors import ParseError
from flylab.wire.lease import Lease
from flylab.wire.machine import (
    App,
    Concurrency,
    Event,
    File,
    Guest,
    Init,
    Machine,
    MachineConfig,
    MachineState,
    Port,
    Restart,
    Service,
    StopConfig,
    parse_state,
)

SENT = {
    "image": "local/room",
    "env": {"MODE": "test"},
    "guest": {"cpu_kind": "shared", "cpus": 2, "memory_mb": 512, "kernel_args": ["quiet"]},
    "init": {"exec": ["python"], "entrypoint": ["sh"], "cmd": ["-c"], "tty": True},
    "services": [
        {
            "protocol": "tcp",
            "internal_port": 8080,
            "ports": [{"port": 443, "handlers": ["tls", "http"], "force_https": True, "tls_options": {"alpn": ["h2"]}}],
            "autostart": True,
            "autostop": "suspend",
            "min_machines_running": 1,
            "concurrency": {"type": "requests", "soft_limit": 5, "hard_limit": 0, "burst": 3},
            "checks": [{"type": "http", "interval": "15s"}],
            "force_instance_key": "k",
        }
    ],
    "metadata": {"fly_process_group": "app"},
    "restart": {"policy": "on-failure", "max_retries": 0, "gpu_bid_price": 1.5},
    "auto_destroy": True,
    "stop_config": {"signal": "SIGTERM", "timeout": "1m30s", "x": None},
    "files": [{"guest_path": "/etc/x", "raw_value": "aGk=", "mode": 420, "note": "n"}],
    "checks": {"alive": {"type": "tcp", "port": 8080}},
    "schedule": "hourly",
}


def test_a_configuration_survives_the_trip_with_what_we_do_not_know() -> None:
    assert MachineConfig.from_json(SENT).to_json() == SENT


def test_a_configuration_is_read_into_values() -> None:
    config = MachineConfig.from_json(SENT)
    assert config.stop_config == StopConfig(signal="SIGTERM", timeout=90.0, extra={"x": None})
    assert config.services[0].concurrency == Concurrency(
        type="requests", soft_limit=5, hard_limit=0, extra={"burst": 3}
    )
    assert config.extra == {"schedule": "hourly"}


def test_little_is_said_of_a_small_configuration() -> None:
    assert MachineConfig(image="local/sleep").to_json() == {"image": "local/sleep"}
    assert MachineConfig.from_json({"image": "local/sleep", "guest": None, "services": None}) == MachineConfig(
        image="local/sleep"
    )


@pytest.mark.parametrize(("sent", "kept"), [(True, "stop"), (False, "off"), (None, None), ("suspend", "suspend")])
def test_autostop_comes_as_boolean_or_text(sent: object, kept: str | None) -> None:
    service = Service.from_json({"internal_port": 80, "autostop": sent})
    assert service.autostop == kept
    assert Service.from_json(service.to_json()) == service


def test_autostop_that_was_never_said_is_not_sent() -> None:
    # Two clients generated from Fly's document, in Python and TypeScript, cannot read an answer with a boolean in it.
    assert "autostop" not in Service.from_json({"internal_port": 80}).to_json()


def test_booleans_are_sent_for_off_and_stop_as_fly_does() -> None:
    assert [Service(internal_port=80, autostop=word).to_json()["autostop"] for word in ("off", "stop", "suspend")] == [
        False,
        True,
        "suspend",
    ]


WRONG: list[tuple[Any, str]] = [
    ({"services": [{}]}, "config.services[0].internal_port"),
    ({"services": [{"internal_port": 70000}]}, "config.services[0].internal_port"),
    ({"services": [{"internal_port": "80"}]}, "config.services[0].internal_port"),
    ({"services": {}}, "config.services"),
    ({"services": [{"internal_port": 80, "autostop": "on"}]}, "config.services[0].autostop"),
    ({"services": [{"internal_port": 80, "autostart": 1}]}, "config.services[0].autostart"),
    ({"services": [{"internal_port": 80, "ports": [{"port": 0}]}]}, "config.services[0].ports[0].port"),
    ({"services": [{"internal_port": 80, "ports": [{"handlers": [1]}]}]}, "config.services[0].ports[0].handlers[0]"),
    ({"services": [{"internal_port": 80, "concurrency": {"type": "x"}}]}, "config.services[0].concurrency.type"),
    ({"services": [{"internal_port": 80, "checks": ["x"]}]}, "config.services[0].checks[0]"),
    ({"restart": {"policy": "sometimes"}}, "config.restart.policy"),
    ({"env": {"A": 1}}, "config.env.A"),
    ({"env": []}, "config.env"),
    ({"image": 3}, "config.image"),
    ({"guest": {"cpus": True}}, "config.guest.cpus"),
    ({"files": [{"guest_path": "etc/x"}]}, "config.files[0].guest_path"),
    ({"stop_config": {"timeout": "soon"}}, "config.stop_config.timeout"),
    ({"checks": {"alive": 1}}, "config.checks.alive"),
    ("image", "config"),
]


@pytest.mark.parametrize(("sent", "path"), WRONG)
def test_an_error_names_the_path_of_the_field(sent: object, path: str) -> None:
    with pytest.raises(ParseError) as caught:
        MachineConfig.from_json(sent)
    assert caught.value.what == path


def test_a_body_that_is_no_object_is_called_so() -> None:
    with pytest.raises(ParseError, match="an object is expected"):
        Machine.from_json([1])


@pytest.mark.parametrize(
    "part", [Port(), Restart(), StopConfig(), Init(), Guest(), File(guest_path="/x"), Concurrency()]
)
def test_every_part_reads_what_it_writes(part: Any) -> None:
    assert type(part).from_json(part.to_json()) == part


def test_a_machine_sends_its_version_under_both_names() -> None:
    machine = Machine(
        id="m", state=MachineState.STARTED, instance_id="v1", checks=({"name": "c"},), nonce="n", extra={"new": 1}
    )
    sent = machine.to_json()
    assert (sent["version"], sent["instance_id"]) == ("v1", "v1")
    assert Machine.from_json(sent) == machine
    assert Machine.from_json({"id": "m", "state": "started", "instance_id": "v0"}).version == "v0"


def test_a_machine_without_configuration_can_be_read() -> None:
    # host_status other than ok: Fly sends incomplete_config instead (fly-go machine_types.go).
    machine = Machine.from_json({"id": "m", "state": "started", "incomplete_config": {"image": "x"}})
    assert machine.config == MachineConfig()
    assert machine.extra == {"incomplete_config": {"image": "x"}}


def test_of_a_host_that_cannot_be_asked_the_configuration_is_called_incomplete() -> None:
    machine = Machine(id="m", state=MachineState.STARTED, config=MachineConfig(image="x"), host_status="unreachable")
    assert machine.to_json()["incomplete_config"] == {"image": "x"}
    assert "config" not in machine.to_json()


def test_a_lease_is_read_with_and_without_its_envelope() -> None:
    lease = Lease(nonce="n", owner="o", description="d", expires_at=5, version="v", extra={"new": 1})
    assert Lease.from_json(lease.to_json()) == lease
    assert Lease.from_json({"status": "success", "data": lease.to_json()}) == lease
    with pytest.raises(ParseError, match=r"lease\.data\.expires_at"):
        Lease.from_json({"data": {"expires_at": "soon"}})


def test_a_machine_shows_its_lease_without_the_nonce() -> None:
    lease = Lease(nonce="n", owner="o", description="d", expires_at=5, version="v")
    sent = Machine(id="m", state=MachineState.STARTED, lease=lease).to_json()
    assert sent["lease"] == {"owner": "o", "description": "d", "expires_at": 5}
    assert Machine.from_json(sent).lease == Lease(owner="o", description="d", expires_at=5)
    assert "lease" not in Machine(id="m", state=MachineState.STARTED).to_json()


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(ParseError, match=r"cannot read machine\.state 'dreaming'"):
        Machine.from_json({"state": "dreaming"})
    assert parse_state("started") is MachineState.STARTED


def test_an_app_carries_its_organisation() -> None:
    sent = {"id": "1", "name": "a", "organization": {"slug": "personal", "name": "Mine"}, "internal_numeric_id": 7}
    app = App.from_json(sent)
    assert (app.organization, app.organization_name, app.extra) == ("personal", "Mine", {"internal_numeric_id": 7})
    assert App.from_json(app.to_json()) == app
    assert App.from_json({"name": "a"}).organization == ""


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,  # what lies deeper comes back by the same lines
)


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_fields_of_the_future_come_back_out(unknown: dict[str, Any]) -> None:
    known = {"id", "type", "status", "source", "timestamp", "request"}
    extra = {key: value for key, value in unknown.items() if key not in known}
    event = Event.from_json({"id": "e", "type": "start", "status": "started", **extra})
    assert event.extra == extra
    assert Event.from_json(json.loads(json.dumps(event.to_json()))) == event


def test_a_service_of_the_api_wakes_nobody_unless_it_says_so() -> None:
    """DOCUMENTED openapi fly.MachineService: autostart is false when it is not said."""
    assert not Service.from_json({"internal_port": 80}).autostart
    assert Service.from_json({"internal_port": 80, "autostart": True}).autostart
