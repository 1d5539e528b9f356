"""The life of a machine: created, started, stopped, updated, destroyed, and what may be asked twice."""

import re
from contextlib import suppress
from dataclasses import replace

import pytest

from flylab.client.errors import AlreadyExists, Conflict, NotFound, PreconditionFailed
from flylab.wire.machine import MachineState, Restart

ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


async def test_a_machine_is_created_and_starts_by_itself(client, service, app):
    made = await client.create_machine(app, service.sleeper(COLOUR="blue"), region="ams", name="first")
    assert made.state in (MachineState.CREATED, MachineState.STARTING, MachineState.STARTED)
    assert await client.wait(app, made.id, "started", timeout=service.patience) == "started"
    machine = await client.machine(app, made.id)
    assert re.fullmatch(r"[0-9a-f]{14,15}", machine.id)
    assert ULID.fullmatch(machine.version)
    assert (machine.name, machine.region, machine.state) == ("first", "ams", "started")
    assert machine.config.env == {"COLOUR": "blue"}
    assert machine.config.guest.memory_mb == 256
    assert machine.private_ip.startswith("fdaa:")
    assert machine.created_at.endswith("Z")
    assert not machine.cordoned


async def test_the_wire_has_the_documented_fields(raw, app, machine):
    shown = (await raw("GET", f"/apps/{app}/machines/{machine.id}")).json()
    fields = {
        "id",
        "name",
        "state",
        "region",
        "instance_id",
        "private_ip",
        "config",
        "events",
        "created_at",
        "updated_at",
    }
    assert set(shown) >= fields
    assert shown.get("version", shown["instance_id"]) == shown["instance_id"]
    assert set(shown["image_ref"]) >= {"registry", "repository"}


async def test_without_a_name_it_gets_one(client, service, app):
    made = await client.create_machine(app, service.sleeper(), region="ams", skip_launch=True)
    assert re.fullmatch(r"[a-z]+-[a-z]+-\d+", made.name)


async def test_without_a_region_it_gets_one(client, service, app):
    made = await client.create_machine(app, service.sleeper(), skip_launch=True)
    assert re.fullmatch(r"[a-z]{3}", made.region)


async def test_a_machine_that_is_not_launched_waits_to_be_started(client, service, app):
    made = await client.create_machine(app, service.sleeper(), region="iad", skip_launch=True)
    assert made.state == "created"
    assert await client.start(app, made.id) is True
    assert await client.wait(app, made.id, timeout=service.patience) == "started"


async def test_stop_and_start_again(client, service, app, machine):
    await client.stop(app, machine.id)
    assert await client.wait(app, machine.id, "stopped", version=machine.version, timeout=service.patience) == "stopped"
    assert (await client.machine(app, machine.id)).state == "stopped"
    assert await client.start(app, machine.id) is True
    assert await client.wait(app, machine.id, timeout=service.patience) == "started"
    assert (await client.machine(app, machine.id)).version == machine.version


async def test_stopping_what_is_stopped_is_fine(raw, client, service, app, machine):
    for _ in range(2):
        answer = await raw("POST", f"/apps/{app}/machines/{machine.id}/stop")
        assert (answer.status_code, answer.json()) == (200, {"ok": True})
        await client.wait(app, machine.id, "stopped", timeout=service.patience)


async def test_starting_what_runs_is_a_conflict_that_the_client_takes_as_done(raw, client, app, machine):
    answer = await raw("POST", f"/apps/{app}/machines/{machine.id}/start")
    assert answer.status_code in (409, 412)
    assert "still attempting to start" in answer.json()["error"]
    assert await client.start(app, machine.id) is False


async def test_the_answer_to_a_start_names_the_previous_state(raw, client, service, app, machine):
    await client.stop(app, machine.id)
    await client.wait(app, machine.id, "stopped", timeout=service.patience)
    answer = await raw("POST", f"/apps/{app}/machines/{machine.id}/start")
    if answer.status_code == 412:  # Fly refuses for some seconds after a stop
        assert "still active" in answer.json()["error"]
        return
    assert answer.status_code == 200
    assert set(answer.json()) >= {"previous_state", "migrated", "new_host"}
    assert answer.json()["previous_state"] == "stopped"


async def test_an_update_makes_a_new_version_and_keeps_the_machine(client, service, app, machine):
    updated = await client.update_machine(app, machine.id, service.sleeper(COLOUR="red"))
    assert updated.id == machine.id
    assert updated.version != machine.version
    assert await client.wait(app, machine.id, version=updated.version, timeout=service.patience) == "started"
    shown = await client.machine(app, machine.id)
    assert (shown.version, shown.config.env, shown.name) == (updated.version, {"COLOUR": "red"}, machine.name)


async def test_an_update_of_a_version_that_is_not_current_changes_nothing(client, service, app, machine):
    updated = await client.update_machine(app, machine.id, service.sleeper(N="1"), current_version=machine.version)
    await client.wait(app, machine.id, version=updated.version, timeout=service.patience)
    with pytest.raises(Conflict):
        await client.update_machine(app, machine.id, service.sleeper(N="2"), current_version=machine.version)
    shown = await client.machine(app, machine.id)
    assert (shown.version, shown.config.env) == (updated.version, {"N": "1"})


async def test_a_stopped_machine_is_updated_and_stays_stopped(client, service, app, machine):
    await client.stop(app, machine.id)
    await client.wait(app, machine.id, "stopped", timeout=service.patience)
    updated = await client.update_machine(app, machine.id, service.sleeper(N="1"), skip_launch=True)
    assert updated.version != machine.version
    await client.wait(app, machine.id, "stopped", version=updated.version, timeout=service.patience)
    assert (await client.machine(app, machine.id)).state == "stopped"
    assert await client.start(app, machine.id) is True
    assert await client.wait(app, machine.id, timeout=service.patience) == "started"


async def test_versions_are_kept_in_a_list(raw, client, service, app, machine):
    updated = await client.update_machine(app, machine.id, service.sleeper(N="1"))
    answer = await raw("GET", f"/apps/{app}/machines/{machine.id}/versions")
    assert answer.status_code == 200
    versions = {row["version"]: row["user_config"] for row in answer.json()}
    assert set(versions) == {machine.version, updated.version}
    assert versions[updated.version]["env"] == {"N": "1"}


async def test_a_running_machine_is_destroyed_with_force_alone(client, service, app, machine):
    with pytest.raises(PreconditionFailed, match="not currently stopped"):
        await client.destroy(app, machine.id)
    await client.destroy(app, machine.id, force=True)
    assert await client.wait(app, machine.id, "destroyed", timeout=service.patience) == "destroyed"


@pytest.mark.parametrize("switch", ["force", "kill"])
async def test_both_words_for_force_are_understood(raw, client, service, app, machine, switch):
    answer = await raw("DELETE", f"/apps/{app}/machines/{machine.id}", params={switch: "true"})
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    await client.wait(app, machine.id, "destroyed", timeout=service.patience)


async def test_destroying_twice_is_done(raw, client, service, app, machine):
    await client.destroy(app, machine.id, force=True)
    await client.wait(app, machine.id, "destroyed", timeout=service.patience)
    await client.destroy(app, machine.id, force=True)
    answer = await raw("DELETE", f"/apps/{app}/machines/{machine.id}")
    assert answer.status_code == 404
    assert "machine not found" in answer.json()["error"]


async def test_a_destroyed_machine_is_seen_for_a_while_or_not_at_all(client, service, app, machine):
    await client.destroy(app, machine.id, force=True)
    await client.wait(app, machine.id, "destroyed", timeout=service.patience)
    with suppress(NotFound):
        assert (await client.machine(app, machine.id)).state in ("destroying", "destroyed")
    assert machine.id not in [each.id for each in await client.machines(app)]


async def test_a_name_belongs_to_one_live_machine(client, service, app, machine):
    with pytest.raises(AlreadyExists) as caught:
        await client.create_machine(app, service.sleeper(), region="ams", name=machine.name)
    assert (caught.value.status, caught.value.machine_id) == (409, machine.id)


async def test_the_name_of_a_destroyed_machine_is_free_again(client, service, app, machine):
    await client.destroy(app, machine.id, force=True)
    await client.wait(app, machine.id, "destroyed", timeout=service.patience)
    again = await client.create_machine(app, service.sleeper(), region="ams", name=machine.name, skip_launch=True)
    assert again.id != machine.id


async def test_a_machine_is_known_in_its_own_app_alone(client, service, app, machine, name):
    other = f"{name}-other"
    await client.create_app(other, service.org)
    try:
        with pytest.raises(NotFound):
            await client.machine(other, machine.id)
    finally:
        await client.delete_app(other)


async def test_cordon_and_uncordon_may_be_asked_twice(client, app, machine):
    for cordoned in (True, False):
        for _ in range(2):
            await (client.cordon if cordoned else client.uncordon)(app, machine.id)
            assert (await client.machine(app, machine.id)).cordoned is cordoned


async def test_a_machine_can_be_born_cordoned(client, service, app):
    made = await client.create_machine(
        app, service.sleeper(), region="ams", skip_launch=True, skip_service_registration=True
    )
    assert (await client.machine(app, made.id)).cordoned is True


async def test_what_nobody_knows_in_a_configuration_comes_back(raw, client, service, app):
    config = service.sleeper().to_json() | {"dns": {"skip_registration": True}}
    made = await raw("POST", f"/apps/{app}/machines", json={"config": config, "region": "ams", "skip_launch": True})
    assert made.status_code == 200
    assert made.json()["config"]["dns"] == {"skip_registration": True}
    assert (await client.machine(app, made.json()["id"])).config.extra["dns"] == {"skip_registration": True}


async def test_bodies_with_and_without_nulls_say_the_same(raw, client, service, app):
    config = service.sleeper().to_json()
    empty = {"services": None, "checks": None, "restart": None, "stop_config": None, "mounts": None, "env": None}
    nothing = {"name": None, "skip_launch": True, "lease_ttl": None, "min_secrets_version": None, "skip_secrets": None}
    versions = []
    for body in ({"config": config | empty, **nothing}, {"config": config, "skip_launch": True}):
        made = await raw("POST", f"/apps/{app}/machines", json={"region": "ams", **body})
        assert made.status_code == 200, made.text
        versions.append({key: made.json()["config"].get(key) for key in ("image", "env", "guest", "services")})
    assert versions[0] == versions[1]


async def test_an_older_size_is_answered_as_a_guest(raw, client, service, app):
    config = {key: value for key, value in service.sleeper().to_json().items() if key != "guest"}
    body = {"region": "ams", "skip_launch": True, "config": config | {"size": "shared-cpu-2x"}}
    made = await raw("POST", f"/apps/{app}/machines", json=body)
    assert made.status_code == 200
    assert made.json()["config"]["guest"]["cpus"] == 2


async def test_size_and_guest_together_are_refused(local, raw, client, service, app):
    config = service.sleeper().to_json() | {"size": "shared-cpu-2x", "guest": {"cpus": 2}}
    assert (await raw("POST", f"/apps/{app}/machines", json={"region": "ams", "config": config})).status_code == 400
    assert await client.machines(app) == []


async def test_a_standby_has_no_services(local, raw, client, service, app):
    config = service.sleeper().to_json() | {"standbys": ["148e21d4b2c0a1"]}
    body = {"region": "ams", "skip_launch": True, "config": config}
    assert (await raw("POST", f"/apps/{app}/machines", json=body)).json()["config"]["standbys"] == ["148e21d4b2c0a1"]
    body["config"] = config | {"services": [{"internal_port": 8080}]}
    assert (await raw("POST", f"/apps/{app}/machines", json=body)).status_code == 400


async def test_what_an_update_cannot_change(raw, client, service, app, machine):
    for change in ({"region": "iad"}, {"name": "another"}):
        answer = await raw(
            "POST", f"/apps/{app}/machines/{machine.id}", json={"config": service.sleeper().to_json(), **change}
        )
        if service.kind == "local":
            assert answer.status_code == 400
        shown = await client.machine(app, machine.id)
        assert (shown.region, shown.name) == (machine.region, machine.name)


@pytest.mark.parametrize(
    "params", [{}, {"timeout": "5"}, {"timeout": "1m"}, {"signal": "SIGTERM"}, {"force_stop": "true"}], ids=str
)
async def test_a_restart_keeps_the_version(raw, client, service, app, machine, params):
    newest = (await client.events(app, machine.id))[0]
    answer = await raw("POST", f"/apps/{app}/machines/{machine.id}/restart", params=params)
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    waited = {"state": "started", "timeout": 60, "from_event_id": newest.id}
    assert (await raw("GET", f"/apps/{app}/machines/{machine.id}/wait", params=waited)).status_code == 200
    assert (await client.machine(app, machine.id)).version == machine.version


@pytest.mark.parametrize("params", [{"timeout": "soon"}, {"signal": "SIGNOTHING"}], ids=str)
async def test_a_restart_that_makes_no_sense_is_refused(raw, client, app, machine, params):
    assert (await raw("POST", f"/apps/{app}/machines/{machine.id}/restart", params=params)).status_code == 400
    assert (await client.machine(app, machine.id)).state == "started"


@pytest.mark.parametrize("body", [None, {}, {"id": "x"}, {"signal": None, "timeout": None}, {"timeout": "1s"}], ids=str)
async def test_every_body_of_a_stop_is_understood(raw, client, service, app, machine, body):
    answer = await raw("POST", f"/apps/{app}/machines/{machine.id}/stop", json=body)
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    await client.wait(app, machine.id, "stopped", timeout=service.patience)


@pytest.mark.parametrize("given", [9, "SIGKILL", "KILL", "sigkill"])
async def test_a_signal_has_a_name_or_a_number(local, raw, client, service, app, given):
    made = await client.create_machine(app, replace(service.sleeper(), restart=Restart(policy="no")), region="ams")
    await client.wait(app, made.id, timeout=service.patience)
    answer = await raw("POST", f"/apps/{app}/machines/{made.id}/signal", json={"signal": given})
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    await client.wait(app, made.id, "stopped", timeout=service.patience)
    (ended, *_) = [event for event in await client.events(app, made.id) if event.type == "exit"]
    assert ended.request["exit_event"]["guest_signal"] == 9


@pytest.mark.parametrize("given", ["SIGNOTHING", 99, None, True, [9]])
async def test_a_signal_that_nobody_knows_is_refused(raw, app, machine, given):
    answer = await raw("POST", f"/apps/{app}/machines/{machine.id}/signal", json={"signal": given})
    assert answer.status_code == 400
