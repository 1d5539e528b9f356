"""Logs as Fly's own clients ask for them: path, forms of the token, fields, and going on where they stopped."""

import pytest

from tests.local.up import up
from tests.support import wait_until


@pytest.fixture(scope="module")
def platform():
    with up() as running:
        running.app()
        running.app("other")
        yield running
        running.end()


@pytest.fixture(scope="module")
def printed(platform):
    """The id of a machine that has printed six lines and ended."""
    script = "for n in 1 2 3 4 5 6; do echo line $n; done"
    init = {"exec": ["sh", "-c", script]}
    made = platform.create(image="local/process", init=init, restart={"policy": "no"})
    wait_until(lambda: len(told(platform)) == 6, 20)
    return made["id"]


def told(platform, app="app", **params):
    return [row["attributes"] for row in platform.ok("GET", f"/api/v1/apps/{app}/logs", params=params)["data"]]


def test_lines_have_the_fields_that_flyctl_and_flaude_read(platform, printed):
    lines = told(platform, instance=printed)
    assert [line["message"] for line in lines] == [f"line {n}" for n in range(1, 7)]
    for line in lines:
        assert line["instance"] == line["meta"]["instance"] == printed
        assert line["region"] == line["meta"]["region"]
        assert line["level"] == "info"
        assert line["timestamp"].endswith("Z")
    assert told(platform, instance="0123456789abcd") == []
    assert told(platform, app="other") == []


def test_the_token_of_an_answer_goes_on_after_its_last_line(platform, printed):
    first = platform.ok("GET", "/api/v1/apps/app/logs")
    token = first["meta"]["next_token"]
    for _ in range(2):
        again = platform.ok("GET", "/api/v1/apps/app/logs", params={"next_token": token})
        assert again["data"] == []
        token = again["meta"]["next_token"]
    lines = told(platform)
    third = lines[2]["timestamp"]
    token = f"{third},{sum(line['timestamp'] == third for line in lines[:3])}"
    assert told(platform, next_token=token) == lines[3:]
    assert platform.call("GET", "/api/v1/apps/app/logs", params={"next_token": "yesterday"}).status_code == 400


@pytest.mark.parametrize("form", ["{}", "Bearer {}", "FlyV1 {}"])
def test_the_token_may_stand_alone(platform, printed, form):
    header = {"authorization": form.format(platform.info["token"])}
    assert platform.call("GET", "/api/v1/apps/app/logs", headers=header).status_code == 200


@pytest.mark.parametrize("header", ["", "nonsense", "Bearer nonsense"])
def test_others_are_refused(platform, header):
    answer = platform.call("GET", "/api/v1/apps/app/logs", headers={"authorization": header})
    assert answer.status_code == 401


def test_a_token_of_another_app_reads_none(platform):
    deploy = platform.ok("POST", "/v1/apps/other/deploy_token", {})["token"]
    header = {"authorization": f"Bearer {deploy}"}
    assert platform.call("GET", "/api/v1/apps/app/logs", headers=header).status_code == 403
    assert platform.call("GET", "/api/v1/apps/other/logs", headers=header).status_code == 200
    assert platform.call("GET", "/api/v1/apps/none/logs").status_code == 404
