"""The workflow cannot run here: it is held to what it may name, and to what exists in the repository."""

import re
from typing import Any

import pytest
import yaml

from tests.support import ROOT

PATH = ROOT / ".github" / "workflows" / "checks.yml"
TEXT = PATH.read_text(encoding="utf-8")
WORKFLOW: dict[Any, Any] = yaml.safe_load(TEXT)
JOBS: dict[str, Any] = WORKFLOW["jobs"]
STEPS = [(name, step) for name, job in JOBS.items() for step in job["steps"]]
# What GitHub knows, of which a misspelt key would be ignored or refused there (workflow syntax, read 2026-11-27).
TOP = {"name", "on", "permissions", "concurrency", "jobs", "env", "defaults", "run-name"}
JOB = {"name", "runs-on", "timeout-minutes", "permissions", "needs", "if", "environment", "steps", "env", "strategy"}
STEP = {"name", "id", "if", "uses", "with", "run", "env", "working-directory", "timeout-minutes"}


def test_every_key_is_one_that_github_knows() -> None:
    # YAML 1.1 reads the key `on` as true; GitHub does not.
    assert {"on" if key is True else key for key in WORKFLOW} <= TOP
    for name, job in JOBS.items():
        assert set(job) <= JOB, name
        assert set(job.get("needs", [])) <= set(JOBS), name
    for name, step in STEPS:
        assert set(step) <= STEP, (name, step)
        assert ("uses" in step) != ("run" in step), (name, step)


def test_actions_are_pinned_to_a_commit_and_say_which_version_it_is() -> None:
    pinned = re.compile(r"uses: (actions/[a-z-]+)@([0-9a-f]{40}) # v(\d+\.\d+\.\d+)$", re.MULTILINE)
    found = pinned.findall(TEXT)
    assert len(found) == TEXT.count("uses:") == sum("uses" in step for _, step in STEPS)
    assert len({action for action, _, _ in found}) == len(set(found)), "one action, two versions"


def test_what_it_runs_is_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    ran = [line.split() for _, step in STEPS for line in step.get("run", "").splitlines()]
    assert ran
    for command, *arguments in ran:
        assert command == "make", command
        assert set(arguments) <= targets, arguments
    assert {"make test", "make site"} <= {" ".join(line) for line in ran}


def test_it_publishes_what_is_built_of_the_main_branch_alone_and_after_the_tests() -> None:
    (upload,) = [step for _, step in STEPS if "upload-pages-artifact" in step.get("uses", "")]
    assert upload["with"]["path"] == "build/site"
    publish = JOBS["publish"]
    assert publish["if"] == "github.ref == 'refs/heads/main'"
    assert set(publish["needs"]) == {"test", "site"}
    assert publish["environment"]["name"] == "github-pages"
    assert [step["id"] for step in publish["steps"]] == ["deployment"]


def test_nobody_may_do_more_than_they_must_or_run_for_ever() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    writing = {name for name, job in JOBS.items() if "write" in job.get("permissions", {}).values()}
    assert writing == {"publish"}
    for name, job in JOBS.items():
        assert 0 < job["timeout-minutes"] <= 60, name
    for _, step in STEPS:
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False
    assert "secrets." not in TEXT
    assert "pull_request_target" not in TEXT


def test_its_python_is_one_that_we_say_we_support() -> None:
    supported = set(re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text()))
    asked = {step["with"]["python-version"] for _, step in STEPS if "setup-python" in step.get("uses", "")}
    assert asked
    assert asked <= supported


@pytest.mark.parametrize("reference", sorted(set(re.findall(r"steps\.(\w+)\.outputs", TEXT))))
def test_a_step_that_is_asked_for_its_outcome_exists(reference: str) -> None:
    assert reference in {step.get("id") for _, step in STEPS}
