"""Inside a running machine: commands, processes, memory."""

import pytest

NOBODY = "00000000000000"


def path(app, machine, tail):
    return f"/apps/{app}/machines/{machine.id}/{tail}"


@pytest.fixture
async def resting(client, service, app):
    """A machine that was never launched."""
    return await client.create_machine(app, service.sleeper(), region="ams", skip_launch=True)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/octet-stream", "application/octet-stream"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("application/json, application/octet-stream;q=0.5", "application/json"),
        ("text/html", "application/json"),
    ],
)
async def test_openapi_exec_answers_in_the_type_that_is_asked_for(local, raw, app, machine, accept, kind):
    """DOCUMENTED openapi Machines_exec 200 has both types, of one schema; that Accept chooses is assumed."""
    asked = {"json": {"command": ["echo", "hi"]}, "headers": {"accept": accept}}
    answer = await raw("POST", path(app, machine, "exec"), **asked)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert answer.json()["stdout"] == "hi\n"


async def test_a_command_tells_how_it_ended(raw, app, machine):
    body = {"command": ["sh", "-c", "echo out; echo err >&2; exit 3"]}
    answer = await raw("POST", path(app, machine, "exec"), json=body)
    assert answer.status_code == 200  # also when the command failed (DOCUMENTED)
    told = answer.json()
    assert (told["exit_code"], told["stdout"], told["stderr"]) == (3, "out\n", "err\n")
    assert told.get("exit_signal", 0) == 0


async def test_the_older_form_of_a_command_is_understood(raw, app, machine):
    answer = await raw("POST", path(app, machine, "exec"), json={"cmd": "sh -c 'echo \"a b\"'"})
    assert answer.status_code == 200
    assert answer.json()["stdout"] == "a b\n"


async def test_a_command_gets_input(raw, app, machine):
    answer = await raw("POST", path(app, machine, "exec"), json={"command": ["cat"], "stdin": "hello"})
    assert answer.json()["stdout"] == "hello"


async def test_a_command_has_the_environment_of_its_machine(raw, app, machine):
    body = {"command": ["sh", "-c", "echo $FLY_MACHINE_ID $FLY_REGION $FLY_APP_NAME"]}
    answer = await raw("POST", path(app, machine, "exec"), json=body)
    assert answer.json()["stdout"] == f"{machine.id} ams {app}\n"


@pytest.mark.parametrize("body", [{}, {"command": []}, {"command": "ls"}, {"command": ["ls"], "timeout": -1}])
async def test_what_is_no_command_is_refused(raw, app, machine, body):
    assert (await raw("POST", path(app, machine, "exec"), json=body)).status_code == 400


async def test_a_command_that_takes_too_long_is_ended(local, raw, app, machine):
    body = {"command": ["sleep", "60"], "timeout": 1}
    answer = await raw("POST", path(app, machine, "exec"), json=body)
    assert answer.status_code == 408
    assert answer.json()["error"].startswith("deadline_exceeded")


@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [
        ("POST", "exec", {"command": ["true"]}),
        ("GET", "ps", None),
        ("GET", "memory", None),
        ("PUT", "memory", {"limit_mb": 100}),
        ("POST", "memory/reclaim", {"amount_mb": 1}),
        ("POST", "signal", {"signal": "SIGTERM"}),
    ],
)
async def test_inside_what_does_not_run_is_nothing(raw, app, resting, method, tail, body):
    answer = await raw(method, path(app, resting, tail), json=body)
    assert answer.status_code == 412
    assert answer.json()["error"].startswith("failed_precondition")
    assert "not running" in answer.json()["error"]
    missing = await raw(method, f"/apps/{app}/machines/{NOBODY}/{tail}", json=body)
    assert missing.status_code == 404


async def test_processes_are_listed(raw, app, machine):
    answer = await raw("GET", path(app, machine, "ps"))
    assert answer.status_code == 200
    fields = {"pid", "command", "directory", "cpu", "rss", "rtime", "stime", "listen_sockets"}
    assert all(set(process) >= fields for process in answer.json())
    assert any("sleep" in process["command"] for process in answer.json())


async def test_processes_are_sorted(local, raw, app, machine):
    for order, reverse in (("asc", False), ("desc", True)):
        listed = (await raw("GET", path(app, machine, "ps"), params={"sort_by": "rss", "order": order})).json()
        assert [process["rss"] for process in listed] == sorted((each["rss"] for each in listed), reverse=reverse)
    for params in ({"sort_by": "beauty"}, {"order": "up"}):
        assert (await raw("GET", path(app, machine, "ps"), params=params)).status_code == 400


async def test_memory_has_a_limit_and_a_rest(raw, app, machine):
    told = (await raw("GET", path(app, machine, "memory"))).json()
    assert told["limit_mb"] == 256
    assert 0 <= told["available_mb"] <= 256


async def test_a_limit_of_memory_can_be_set_and_taken_back(local, raw, app, machine):
    assert (await raw("PUT", path(app, machine, "memory"), json={"limit_mb": 200})).json()["limit_mb"] == 200
    assert (await raw("GET", path(app, machine, "memory"))).json()["limit_mb"] == 200
    for limit in (0, 257, None, "200"):
        assert (await raw("PUT", path(app, machine, "memory"), json={"limit_mb": limit})).status_code == 400
    assert (await raw("PUT", path(app, machine, "memory"), json={"limit_mb": 256})).json()["limit_mb"] == 256


async def test_nothing_is_reclaimed(local, raw, app, machine):
    reclaim = path(app, machine, "memory/reclaim")
    assert (await raw("POST", reclaim, json={"amount_mb": 10})).json() == {"actual_mb": 0}
    assert (await raw("POST", reclaim, json={"amount_mb": -1})).status_code == 400


async def test_the_client_runs_commands(client, app, machine):
    ran = await client.execute(app, machine.id, ["sh", "-c", "cat; exit 3"], stdin="hello")
    assert (ran.exit_code, ran.stdout, ran.stderr) == (3, "hello", "")
