"""Checks, restart policies and what is told of an exit, as clients read them."""

from dataclasses import replace

from flylab.wire.machine import Restart, Service
from tests.support import until

QUICK = {"interval": "2s", "timeout": "1s", "grace_period": "1s"}


async def test_checks_are_told_by_name_and_status(client, service, app):
    """OBSERVED-IN-CLIENT fly-go: name, status, output and updated_at; those of services begin with servicecheck-."""
    config = replace(
        service.sleeper(),
        services=(Service(internal_port=8080, checks=({"type": "tcp", **QUICK},)),),
        checks={"alive": {"type": "tcp", "port": 8081, **QUICK}},
    )
    made = await client.create_machine(app, config, region="ams")
    await client.wait(app, made.id, "started", timeout=service.patience)

    async def critical():
        checks = {check["name"]: check for check in (await client.machine(app, made.id)).checks}
        return checks if checks and all(check["status"] == "critical" for check in checks.values()) else None

    checks = await until(critical, service.patience, what="nobody listens, so both checks are critical")
    assert "alive" in checks
    assert [name.split("-")[0] for name in checks if name != "alive"] == ["servicecheck"]
    assert all({"name", "status", "output", "updated_at"} <= check.keys() for check in checks.values())
    assert (await client.machine(app, made.id)).state == "started"  # DOCUMENTED: a failing check stops nothing


async def test_an_exit_is_told_with_its_status(client, service, app):
    """OBSERVED-IN-CLIENT fly-go machine_types.go, DOCUMENTED: policy no never restarts."""
    config = replace(service.leaver(3), restart=Restart(policy="no"))
    made = await client.create_machine(app, config, region="ams")
    await client.wait(app, made.id, "stopped", timeout=service.patience)

    async def told():
        events = await client.events(app, made.id)
        found = [event.request for event in events if event.type == "exit"]
        requests = [request.get("MonitorEvent", request) for request in found]
        return [request["exit_event"] for request in requests if "exit_event" in request]

    (exit_event,) = await until(told, service.patience)
    assert (exit_event["exit_code"], exit_event["oom_killed"], exit_event["requested_stop"]) == (3, False, False)


async def test_an_on_failure_policy_gives_up(client, service, app):
    """DOCUMENTED machines/guides-examples/machine-restart-policy: up to max_retries, then stopped."""
    config = replace(service.leaver(1), restart=Restart(policy="on-failure", max_retries=1))
    made = await client.create_machine(app, config, region="ams")

    async def given_up():
        exits = [event for event in await client.events(app, made.id, limit=50) if event.type == "exit"]
        return len(exits) >= 2 and (await client.machine(app, made.id)).state == "stopped"

    await until(given_up, service.patience)


async def test_auto_destroy_takes_the_machine_away_when_it_ends(client, service, app):
    """DOCUMENTED machines-resource; also after a non-zero exit (REPORTED 2026-09)."""
    config = replace(service.leaver(1), restart=Restart(policy="no"), auto_destroy=True)
    made = await client.create_machine(app, config, region="ams")
    await client.wait(app, made.id, "destroyed", timeout=service.patience)
