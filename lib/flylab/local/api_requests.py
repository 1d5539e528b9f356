"""Reading requests and writing answers of the Machines API: bodies, flags, pages and the few words they share."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from quart import Response, request

from flylab.errors import RuleError
from flylab.local.fault_gate import Gate
from flylab.local.images import Image
from flylab.local.platform import Platform
from flylab.local.timeouts import Timeouts
from flylab.local.troubles import Troubles
from flylab.published.network import Region
from flylab.rules.admission import Catalogue
from flylab.rules.life import Life
from flylab.rules.rates import Rates
from flylab.rules.tallies import Tallies
from flylab.wire.fields import Fields, Json
from flylab.wire.machine import MachineState
from flylab.wire.strict_json import read_json

T = TypeVar("T")
_TRUE = frozenset({"1", "t", "true", "T", "TRUE", "True"})  # what Go's ParseBool takes for true


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What the handlers of one platform work with: ``rng`` names requests.

    ``describe`` fills /_flylab/platform, ``ports`` /_flylab/ports.
    """

    platform: Platform
    rng: Random
    catalogue: Catalogue
    images: dict[str, Image]
    regions: tuple[Region, ...]
    organization: str
    token: str
    rates: Rates | None
    describe: Callable[[], Json]
    faults: Troubles
    gate: Gate
    timeouts: Timeouts
    tallies: Callable[[], list[Tallies]]
    ports: Callable[[str], list[Json]]

    def life(self, app_name: str, machine_id: str) -> Life:
        """One machine of an app; a destroyed one is shown for a while and then is not found."""
        life = self.platform.fleet.machine(app_name, machine_id)
        if self.platform.fleet.is_forgotten(life, self.platform.clock.wall()):
            raise RuleError("machine_not_found", "machine not found")
        return life

    def living(self, app_name: str, machine_id: str) -> Life:
        """The same, of those that are not destroyed."""
        life = self.life(app_name, machine_id)
        if life.state is MachineState.DESTROYED:
            raise RuleError("machine_not_found", "machine not found")
        return life

    def check_organization(self, slug: str) -> None:
        """Raise unless it is the one that this platform has, or none is named."""
        if slug not in ("", self.organization):
            text = f"organization '{slug[:80]}' is unknown here, the only one is '{self.organization}'"
            raise RuleError("unprocessable", text)


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return answer_text(json.dumps(body).encode(), status, headers)


def answer_text(text: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer whose JSON is there already."""
    return Response(text, status, headers, content_type="application/json")


def empty(status: int) -> Response:
    return Response(b"", status)


async def read_body() -> Fields:
    """The JSON object in the body; an empty body is an empty object."""
    data = await request.get_data(cache=False, as_text=False)
    if not data.strip():
        return Fields({}, "")
    if (encoding := request.headers.get("content-encoding", "").strip()) not in ("", "identity"):
        raise RuleError("malformed", f"cannot read a body with content-encoding '{encoding[:80]}', send it as it is")
    try:
        body = read_json(bytes(data, "utf-8") if isinstance(data, str) else data)
    except ValueError as exc:
        raise RuleError("malformed", f"cannot read the request's body as JSON: {exc}") from exc
    if not isinstance(body, dict):
        raise RuleError("malformed", f"the request's body is a JSON {type(body).__name__}, an object is expected")
    return Fields(body, "")


def flag(name: str) -> bool:
    """A switch in the query."""
    return request.args.get(name, "") in _TRUE


def count(name: str, default: int, most: int) -> int:
    """A whole number between 1 and ``most`` in the query."""
    text = request.args.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and 1 <= int(text) <= most):
        raise RuleError("invalid_argument", f"{name} '{text[:80]}' is not a number between 1 and {most}")
    return int(text)


def page(items: Sequence[T], key: Callable[[T], str], most: int) -> tuple[Sequence[T], str]:
    """The part of a list that ``limit`` and ``cursor`` ask for, and the next cursor; everything without a limit."""
    if not request.args.get("limit"):
        return items, ""
    return page_of(items, key, count("limit", most, most))


def page_of(items: Sequence[T], key: Callable[[T], str], limit: int) -> tuple[Sequence[T], str]:
    """The part of at most ``limit`` items that ``cursor`` asks for, and the next cursor."""
    cursor = request.args.get("cursor", "")
    start = 0
    if cursor:
        places = [i for i, item in enumerate(items) if key(item) == cursor]
        if not places:
            raise RuleError("invalid_argument", f"cursor '{cursor}' is unknown or too old")
        start = places[0] + 1
    part = items[start : start + limit]
    return part, key(part[-1]) if part and start + limit < len(items) else ""
