"""The official document of the Machines API, and whether an answer is one that it describes.

``data/machines-openapi.json`` is the file published at https://docs.machines.dev/spec/openapi3.json (Apache 2.0),
unmodified, as the public mirror alchemy-run/distilled-spec-fly-io kept it on 2026-05-07. It describes successes and few
refusals; refusals are held to the statuses of ``flylab.wire.codes`` and to a text where clients look for it.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from flylab.wire.codes import API

FILE = Path(__file__).parent / "data" / "machines-openapi.json"
PREFIX = "/v1"
_REFUSALS = frozenset(code.http for code in API if code.http < 500)
_JSON = "application/json"
# The document's own ErrorResponse requires nothing, and its list of words for ``status`` lacks some that clients know.
_REFUSAL = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("error", "status", "message", "code")},
    "anyOf": [{"required": ["error"]}, {"required": ["message"]}],  # fly-go reads message first: leases have it
}
# Where the document gives a text, and an answer has something else all the same: machines/api/volumes-resource shows
# null for nobody, and the document's own description says that answers have booleans for autostop.
_BESIDES: dict[object, type] = {
    "attached_machine_id": type(None), "attached_alloc_id": type(None), "autostop": bool,
}  # fmt: skip
_SHOWN = 5  # problems of one answer that are told


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str
    responses: dict[str, Any]

    def matches(self, method: str, path: str) -> bool:
        pattern = PREFIX + re.sub(r"\{[^}]+\}", "[^/]+", self.path)
        return method == self.method and re.fullmatch(pattern, path) is not None


@cache
def document() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return read


@cache
def operations() -> tuple[Operation, ...]:
    return tuple(
        Operation(operation["operationId"], method.upper(), path, operation["responses"])
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    )


def find(method: str, path: str) -> Operation | None:
    """The operation behind a request; fixed words of a path go before names that fit anything."""
    found = [each for each in operations() if each.matches(method, path)]
    return min(found, key=lambda each: each.path.count("{"), default=None)


def problems(method: str, path: str, status: int, content_type: str, content: bytes) -> list[str]:
    """What the document does not allow in this answer, one sentence each; nothing for paths that it does not have."""
    operation = find(method, path)
    if operation is None:
        return []
    where = f"{operation.id} ({method} {path}) answered {status}"
    described = operation.responses.get(str(status))
    if described is None and status == 501:
        # A whole operation is refused by its own name (tests/local/test_api.py), a single field by the field's.
        return [] if b"not emulated" in content else [f"{where} without saying what is not emulated"]
    if described is None and status not in _REFUSALS:
        return [f"{where}, which is neither in the document nor a refusal of the table in wire/codes.py"]
    kinds = described.get("content", {}) if described and status < 400 else {_JSON: {"schema": _REFUSAL}}
    if not kinds:
        return []  # the document says nothing about the body
    kind = content_type.partition(";")[0].strip()
    if kind not in kinds:
        return [f"{where} as '{kind}', the document has {', '.join(kinds)}"]
    if kind != _JSON:
        return []
    try:
        value = json.loads(content)
    except ValueError:
        return [f"{where} with a body that is no JSON: {content[:80]!r}"]
    return [f"{where}: {text}" for text in _mismatches(json.dumps(kinds[kind].get("schema", {})), value)]


def _mismatches(schema: str, value: object) -> list[str]:
    found = [error for error in _validator(schema).iter_errors(value) if not _is_known(error)]
    found.sort(key=lambda error: error.json_path)
    return [f"{error.json_path} {error.message[:200]}" for error in found[:_SHOWN]]


def _is_known(error: ValidationError) -> bool:
    field = error.absolute_path[-1] if error.absolute_path else ""
    return error.validator in ("type", "enum") and type(error.instance) is _BESIDES.get(field)


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema) | {"components": document()["components"]})
