"""Requests made from the official document, whole and bent, for every operation: no crash, no hang, no surprise."""

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.transport import Response

from tests import openapi
from tests.local.up import Up, up

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("FLYLAB_FUZZ", "5"))  # a way and an operation; 5 take about 20 s
PATIENCE = 10.0  # seconds for an answer; each of these takes milliseconds
SCHEMA = schemathesis.openapi.from_dict(openapi.document())
OPERATIONS = {
    (found := result.ok()).definition.raw["operationId"] + " " + found.method.upper(): found
    for result in SCHEMA.get_all_operations()
}
# Fields of a configuration that the platform does not know come back as they were sent, of the wrong kind too.
ECHOED = re.compile(r" answered 200: \$(\[\d+\])?\.(user_)?config\.")
# Where only texts of the path are asked for, nothing can be bent: any text is one.
CASES = [(name, GenerationMode.POSITIVE) for name in sorted(OPERATIONS)] + [
    (name, GenerationMode.NEGATIVE) for name in sorted(OPERATIONS) if OPERATIONS[name].body or OPERATIONS[name].query
]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    settings = tmp_path_factory.mktemp("fuzz") / "settings.toml"
    # What is asked of a machine that somebody has leased is refused at once: no call may wait for what was made up.
    settings.write_text("[lease]\nholds_stop = false\nholds_destroy = false\n")
    with up("--settings", str(settings)) as running:
        yield running
        assert running.process.poll() is None
        assert running.end()[0] == 0
        assert "Traceback" not in running.process.stderr.read()


class Bench:
    """An app with a machine that stay there whatever the requests do; they are made anew when needed."""

    def __init__(self, platform: Up) -> None:
        self.platform = platform
        self.machine = ""
        self.session = requests.Session()
        self.session.trust_env = False

    def names(self) -> dict[str, str]:
        """What exists, by the parameter of the path that names it."""
        listed = self.platform.call("GET", "/v1/apps/app/machines")
        if listed.status_code == 404:
            self.platform.app()
        if self.machine not in [each["id"] for each in (listed.json() if listed.is_success else [])]:
            self.machine = self.platform.create()["id"]
        return {"app_name": "app", "machine_id": self.machine, "org_slug": "personal", "key": "k"}


@pytest.fixture(scope="module")
def bench(platform: Up) -> Iterator[Bench]:
    made = Bench(platform)
    yield made
    made.session.close()


@pytest.mark.parametrize(("name", "way"), CASES, ids=lambda each: getattr(each, "value", each))
def test_every_operation_answers_as_the_document_says(name: str, way: GenerationMode, bench: Bench) -> None:
    operation, names = OPERATIONS[name], bench.names()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize="FLYLAB_FUZZ" not in os.environ,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy(generation_mode=way))
        for parameter in case.path_parameters:
            if parameter in names and data.draw(st.sampled_from([True, True, False])):
                case.path_parameters[parameter] = names[parameter]
        bend(name.partition(" ")[0], case, data)
        response = case.call(
            base_url=f"{bench.platform.info['api']}{openapi.PREFIX}",
            session=bench.session,
            headers={"authorization": f"Bearer {bench.platform.info['token']}"},
            timeout=PATIENCE,
        )
        assert [text for text in judge(response) if way is GenerationMode.POSITIVE or not ECHOED.search(text)] == []

    ask()


def bend(operation: str, case: Any, data: st.DataObject) -> None:
    """Let more of what is made come past the first refusals, and none of it wait for long."""
    if operation == "Machines_wait":
        case.query = {**case.query, "timeout": data.draw(st.sampled_from(["1", "1", "0", "x"]))}
    body = case.body
    if isinstance(body, dict) and isinstance(body.get("config"), dict) and data.draw(st.booleans()):
        body["config"]["image"] = "local/sleep"
        body["skip_launch"] = data.draw(st.sampled_from([True, True, True, False]))
        body["region"] = "ams"


def judge(response: Response) -> list[str]:
    path, kind = response.request.path_url.partition("?")[0], "".join(response.headers.get("content-type", []))
    found = openapi.problems(response.request.method, path, response.status_code, kind, response.content)
    if response.status_code >= 500 and response.status_code != 501:
        found.append(f"{response.request.method} {path} answered {response.status_code}")
    if "fly-request-id" not in response.headers:
        found.append(f"{response.request.method} {path} answered without fly-request-id")
    return found
