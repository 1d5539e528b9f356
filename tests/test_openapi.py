"""The check against the official document finds what is outside of it, and the routes bear the document's names."""

import csv
import hashlib
import re
from importlib.resources import files

import pytest

from tests import openapi

MACHINES = "/v1/apps/blue/machines"
JSON = "application/json; charset=utf-8"


def test_the_document_is_the_published_one():
    digest = hashlib.sha256(openapi.FILE.read_bytes()).hexdigest()
    assert digest == "45efe4aaecb2f7c0185831792cd7335528990a304bbbb7eb7e6f91725c53daeb"
    assert len(openapi.operations()) == 76


def test_the_platform_knows_every_operation_of_it():
    rows = csv.DictReader(files("flylab.local").joinpath("operations.csv").read_text().splitlines())
    ours = {(row["method"], row["path"], row["operation"]) for row in rows}
    assert ours == {(each.method, openapi.PREFIX + each.path, each.id) for each in openapi.operations()}


@pytest.mark.parametrize(
    ("method", "path", "status", "kind", "body", "says"),
    [
        ("GET", MACHINES, 200, JSON, b"[]", None),
        ("GET", MACHINES, 200, JSON, b'[{"id": "a", "state": "started"}]', None),
        ("GET", MACHINES, 200, JSON, b"{}", "is not of type 'array'"),
        ("GET", MACHINES, 200, JSON, b'[{"id": 3}]', r"\$\[0\].id 3 is not of type 'string'"),
        ("GET", MACHINES, 200, JSON, b'[{"config": {"guest": {"cpus": "x"}}}]', "cpus 'x' is not of type 'integer'"),
        ("GET", MACHINES, 200, JSON, b"[", "no JSON"),
        ("GET", "/v1/apps/blue/volumes", 200, JSON, b'[{"attached_machine_id": null}]', None),
        ("GET", MACHINES, 200, JSON, b'[{"config": {"services": [{"autostop": true}]}}]', None),
        ("GET", "/v1/apps/blue/volumes", 200, JSON, b'[{"attached_machine_id": 3}]', "3 is not of type 'string'"),
        ("GET", "/v1/apps/blue/volumes", 200, JSON, b'[{"id": null}]', "None is not of type 'string'"),
        ("GET", "/v1/apps/blue/volumes", 200, JSON, b"null", "None is not of type 'array'"),
        ("GET", MACHINES, 200, "text/html", b"[]", "as 'text/html', the document has application/json"),
        ("GET", MACHINES, 201, JSON, b"[]", "answered 201, which is neither"),
        ("GET", MACHINES, 500, JSON, b'{"error": "x"}', "answered 500"),
        ("GET", MACHINES, 404, JSON, b'{"error": "not_found: x"}', None),
        ("GET", MACHINES, 404, JSON, b'{"reason": "x"}', "is not valid under any"),
        ("GET", MACHINES, 418, JSON, b'{"error": "x"}', "answered 418"),
        ("GET", f"{MACHINES}/a/lease", 409, JSON, b'{"status": "error", "message": "held"}', None),
        ("GET", f"{MACHINES}/a/lease", 501, JSON, b'{"error": "Machines_show_lease is not emulated"}', None),
        ("GET", f"{MACHINES}/a/lease", 501, JSON, b'{"error": "no"}', "without saying"),
        ("DELETE", "/v1/apps/blue", 202, "", b"", None),
        ("GET", "/_flylab/platform", 200, JSON, b"[]", None),
    ],
)
def test_what_the_document_does_not_allow_is_found(method, path, status, kind, body, says):
    found = openapi.problems(method, path, status, kind, body)
    if says is None:
        assert found == []
    else:
        (text,) = found
        assert re.search(says, text), text
