"""Metadata: set, read and removed without a new version, and found again by it."""

import pytest


def path(app, machine, key=""):
    return f"/apps/{app}/machines/{machine.id}/metadata{'/' + key if key else ''}"


async def test_a_key_is_set_read_and_removed(client, app, machine):
    await client.set_metadata(app, machine.id, "room", "blue")
    assert (await client.metadata(app, machine.id))["room"] == "blue"
    await client.set_metadata(app, machine.id, "room", "red")
    assert (await client.metadata(app, machine.id))["room"] == "red"
    await client.delete_metadata(app, machine.id, "room")
    assert "room" not in await client.metadata(app, machine.id)


async def test_it_makes_no_new_version_and_no_restart(client, app, machine):
    await client.set_metadata(app, machine.id, "room", "blue")
    shown = await client.machine(app, machine.id)
    assert (shown.version, shown.state) == (machine.version, "started")
    assert shown.config.metadata["room"] == "blue"


async def test_the_wire_answers_204_and_a_value(raw, app, machine):
    assert (await raw("POST", path(app, machine, "room"), json={"value": "blue"})).status_code == 204
    one = await raw("GET", path(app, machine, "room"))
    assert (one.status_code, one.json()) == (200, {"value": "blue"})
    assert (await raw("DELETE", path(app, machine, "room"))).status_code == 204
    assert (await raw("GET", path(app, machine, "room"))).status_code == 404


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_a_patch_leaves_alone_what_it_does_not_name(raw, client, app, machine, method):
    """DOCUMENTED openapi Machines_update_metadata: PUT is a deprecated name of PATCH and replaces no more than that."""
    await client.set_metadata(app, machine.id, "a", "1")
    await client.set_metadata(app, machine.id, "b", "2")
    answer = await raw(method, path(app, machine), json={"metadata": {"b": None, "c": "3"}})
    assert answer.status_code == 204
    found = await client.metadata(app, machine.id)
    assert {key: found.get(key) for key in "abc"} == {"a": "1", "b": None, "c": "3"}


async def test_a_patch_for_another_version_is_refused(raw, client, app, machine):
    answer = await raw("PATCH", path(app, machine), json={"metadata": {"a": "1"}, "machine_version": "0" * 26})
    assert answer.status_code == 412
    assert "a" not in await client.metadata(app, machine.id)


async def test_machines_are_found_by_their_metadata(client, service, app, machine):
    other = await client.create_machine(app, service.sleeper(), region="ams", skip_launch=True)
    await client.set_metadata(app, machine.id, "room", "blue")
    await client.set_metadata(app, machine.id, "floor", "2")
    await client.set_metadata(app, other.id, "room", "blue")

    async def ids(**metadata):
        return {each.id for each in await client.machines(app, metadata=metadata)}

    assert await ids(room="blue") == {machine.id, other.id}
    assert await ids(room="blue", floor="2") == {machine.id}
    assert await ids(room="green") == set()
