"""Secrets: set, unset, listed without their values, and read by machines when they start."""

from dataclasses import replace

import pytest

from flylab.client.errors import BadRequest, NotFound
from flylab.wire.machine import File, Init

VALUE = "b3BlbiBzZXNhbWU="


def shell(service, script, **env):
    """A machine that runs this and is not restarted; its exit status is what it has to say."""
    config = replace(service.sleeper(), env=env, init=Init(exec=("sh", "-c", script)))
    return replace(config, image="local/process") if service.kind == "local" else config


async def exit_code(client, service, app, config, **options):
    machine = await client.create_machine(app, config, region="ams", **options)
    await client.wait(app, machine.id, "stopped", version=machine.version, timeout=service.patience)
    events = await client.events(app, machine.id)
    return next(event.request["exit_event"]["exit_code"] for event in events if event.type == "exit")


async def test_they_are_set_listed_and_unset_by_the_client(client, app):
    """DOCUMENTED openapi Secrets_update, Secrets_list: values go in and digests come out."""
    first = await client.set_secrets(app, {"A": VALUE, "B": VALUE, "C": "other"})
    a, b, c = sorted(await client.secrets(app), key=lambda secret: secret.name)
    assert (a.name, b.name, c.name) == ("A", "B", "C")
    assert a.digest
    assert a.digest == b.digest != c.digest
    assert VALUE not in repr((a, b, c))
    second = await client.set_secrets(app, {"A": None, "B": "new"})
    assert second > first
    assert [secret.name for secret in await client.secrets(app)] == ["B", "C"]


async def test_the_wire(raw, app):
    """DOCUMENTED openapi Secret_create 201, Secret_get, Secret_delete; null unsets."""
    path = f"/apps/{app}/secrets"
    made = await raw("POST", f"{path}/ONE", json={"value": VALUE})
    assert made.status_code == 201
    assert made.json()["name"] == "ONE"
    assert made.json()["version"] >= 1
    many = await raw("POST", path, json={"values": {"TWO": VALUE, "ONE": None}})
    assert many.status_code == 200
    assert many.json()["version"] > made.json()["version"]
    listed = await raw("GET", path, params={"min_version": str(many.json()["version"])})
    assert [secret["name"] for secret in listed.json()["secrets"]] == ["TWO"]
    assert VALUE not in listed.text
    one = await raw("GET", f"{path}/TWO")
    assert (one.status_code, one.json()["name"]) == (200, "TWO")
    removed = await raw("DELETE", f"{path}/TWO")
    assert removed.status_code == 200
    assert removed.json()["version"] > many.json()["version"]
    assert (await raw("GET", f"{path}/TWO")).status_code == 404


async def test_a_machine_is_given_them(client, service, app):
    """DOCUMENTED reference/configuration: a secret beats an env variable of the same name."""
    version = await client.set_secrets(app, {"CODE": "7"})
    config = shell(service, "exit $CODE", CODE="3")
    assert await exit_code(client, service, app, config, min_secrets_version=version) == 7


async def test_a_machine_is_given_one_as_a_file(client, service, app):
    """DOCUMENTED openapi fly.File secret_name: the secret has the base64 encoded contents."""
    version = await client.set_secrets(app, {"WORDS": VALUE})
    path = "words" if service.kind == "local" else "/words"  # the root of a local machine is the folder it starts in
    config = shell(service, f'[ "$(cat {path})" = "open sesame" ] && exit 9')
    config = replace(config, files=(File(guest_path="/words", secret_name="WORDS"),))
    assert await exit_code(client, service, app, config, min_secrets_version=version) == 9


async def test_a_stopped_machine_reads_them_when_it_is_started(client, service, app):
    """DOCUMENTED apps/secrets: read at start."""
    await client.set_secrets(app, {"CODE": "4"})
    machine = await client.create_machine(app, shell(service, "exit $CODE"), region="ams", skip_launch=True)
    await client.set_secrets(app, {"CODE": "5"})
    await client.start(app, machine.id)
    await client.wait(app, machine.id, "stopped", version=machine.version, timeout=service.patience)
    events = await client.events(app, machine.id)
    assert next(event.request["exit_event"]["exit_code"] for event in events if event.type == "exit") == 5


@pytest.mark.parametrize("bad", ["FLY_REGION", "A-B", "1A"])
async def test_a_bad_name_is_refused_without_the_value(client, app, bad):
    """DOCUMENTED reference/configuration (FLY_); openapi fly.MachineSecret (a valid variable name)."""
    with pytest.raises(BadRequest) as caught:
        await client.set_secrets(app, {bad: VALUE})
    assert VALUE not in str(caught.value)


async def test_an_app_that_is_not_there_has_none(client, name):
    with pytest.raises(NotFound):
        await client.secrets(name)
