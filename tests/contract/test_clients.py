"""What clients that others wrote rely on, each found by running one (docs/compatibility.md), and what flyctl reads."""

import pytest

pytestmark = pytest.mark.usefixtures("app")


async def made(raw, app, service, **more):
    """A machine as the answer to its creation has it; ``more`` goes into its config, known or not."""
    body = {"config": service.sleeper().to_json() | more, "region": "ams", "skip_launch": True}
    answer = await raw("POST", f"/apps/{app}/machines", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(("sent", "back"), [("stop", True), ("off", False), ("suspend", "suspend"), (True, True)])
async def test_answers_use_booleans_for_autostop_as_the_document_says(raw, app, service, sent, back):
    services = [{"protocol": "tcp", "internal_port": 8080, "autostop": sent, "ports": []}]
    machine = await made(raw, app, service, services=services)
    assert machine["config"]["services"][0]["autostop"] == back
    assert type(machine["config"]["services"][0]["autostop"]) is type(back)


async def test_fields_that_the_document_does_not_have_come_back_as_hyperterse_sandboxer_sends_them(raw, app, service):
    sent = {"auto_start_machines": True, "stop_timeout": "60s"}
    machine = await made(raw, app, service, **sent)
    shown = (await raw("GET", f"/apps/{app}/machines/{machine['id']}")).json()
    assert sent.items() <= machine["config"].items()
    assert sent.items() <= shown["config"].items()


async def test_documented_init_is_in_every_answer_even_when_nothing_was_said(raw, app, service):
    """DOCUMENTED flyctl/machine-status: its output has `"init": {}`; fly-admin's types require the field."""
    body = {"config": {"image": service.sleeper().image}, "region": "ams", "skip_launch": True}
    machine = (await raw("POST", f"/apps/{app}/machines", json=body)).json()
    for found in (machine, (await raw("GET", f"/apps/{app}/machines/{machine['id']}")).json()):
        assert found["config"]["init"] == {}


async def test_the_command_of_exec_is_a_text_in_cmd_and_a_list_in_command(raw, app, machine):
    path = f"/apps/{app}/machines/{machine.id}/exec"
    refused = await raw("POST", path, json={"cmd": ["echo", "hi"]})
    assert (refused.status_code, "cmd" in refused.text) == (400, True)
    for body in ({"cmd": "echo hi"}, {"command": ["echo", "hi"]}):
        assert (await raw("POST", path, json=body)).json()["stdout"] == "hi\n"


async def test_force_in_the_body_of_a_delete_forces_nothing(raw, app, machine):
    refused = await raw("DELETE", f"/apps/{app}/machines/{machine.id}", json={"force": True})
    assert refused.status_code == 412


async def test_everything_that_flyctl_reads_of_a_machine_is_there(raw, app, machine):
    [listed] = (await raw("GET", f"/apps/{app}/machines")).json()
    shown = (await raw("GET", f"/apps/{app}/machines/{machine.id}")).json()
    for found in (listed, shown):
        texts = ("id", "name", "state", "region", "instance_id", "private_ip", "created_at", "updated_at")
        assert all(isinstance(found[field], str) and found[field] for field in texts)
        assert found["host_status"] == "ok"
        assert {"registry", "repository", "tag", "digest", "labels"} <= found["image_ref"].keys()
        assert found["image_ref"]["digest"].startswith("sha256:")
        assert {"cpu_kind", "cpus", "memory_mb"} <= found["config"]["guest"].keys()
        assert found["config"]["image"]
    first, *_, last = shown["events"]
    assert first["timestamp"] >= last["timestamp"]
    assert all({"id", "type", "status", "source", "timestamp"} <= event.keys() for event in shown["events"])


async def test_a_copy_of_what_was_shown_makes_a_machine_as_flyctl_clones(raw, app, machine):
    shown = (await raw("GET", f"/apps/{app}/machines/{machine.id}")).json()
    body = {"config": shown["config"], "region": "iad", "name": "", "skip_launch": True}
    copy = await raw("POST", f"/apps/{app}/machines", json=body)
    assert copy.status_code == 200, copy.text
    assert copy.json()["config"] == shown["config"]
