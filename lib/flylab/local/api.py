"""The Machines API as one Quart application: who may ask, what is answered when nothing fits, common headers."""

import csv
import re
from functools import cache
from importlib.resources import files

from quart import Quart, Response, g, request
from werkzeug.exceptions import HTTPException

from flylab import __version__, ids
from flylab.errors import FlylabError, ParseError, RuleError
from flylab.local import (
    api_addresses,
    api_apps,
    api_certificates,
    api_details,
    api_faults,
    api_fly_logs,
    api_flylab,
    api_inside,
    api_leases,
    api_links,
    api_logs,
    api_machines,
    api_metrics,
    api_org_volumes,
    api_orgs,
    api_policies,
    api_secret_keys,
    api_secrets,
    api_tokens,
    api_volumes,
)
from flylab.local.api_access import admit_request, refuse_rebinding, settled
from flylab.local.api_requests import Control, answer
from flylab.wire.codes import CODES, refuse

_LONGEST = 800  # characters of a refusal; our choice


def create_api(control: Control) -> Quart:
    """The application; it starts nothing and keeps nothing but what ``control`` owns."""
    api = Quart("flylab", static_folder=None)
    api.config["MAX_CONTENT_LENGTH"] = control.platform.settings.body_limit
    api.config["PROPAGATE_EXCEPTIONS"] = False
    api.url_map.strict_slashes = False
    api.url_map.merge_slashes = False  # else a redirect in HTML, to a path of the caller's
    belongings = (
        api_secrets,
        api_secret_keys,
        api_addresses,
        api_certificates,
        api_tokens,
        api_policies,
        api_volumes,
        api_org_volumes,
    )
    machines = (api_machines, api_details, api_leases, api_inside)
    watching = (api_flylab, api_faults, api_links, api_logs, api_fly_logs, api_metrics)
    for routes in (api_apps, *machines, *belongings, api_orgs, *watching):
        routes.register(api, control)
    region = control.catalogue.regions[0]

    @api.before_request
    async def admit() -> None:
        g.request_id = ids.request_id(control.rng, control.platform.clock.wall(), region)
        if not request.path.startswith("/v1/"):
            refuse_rebinding()
            return
        named = request.view_args or {}
        await settled(control)
        g.holders = admit_request(control, named.get("app_name", ""), named.get("machine_id", ""))
        if control.rates is not None and request.endpoint is not None:
            identifier = str(named.get("machine_id", named.get("app_name", "")))
            control.rates.take(request.endpoint, identifier, control.platform.clock.now())
        await control.gate.before(request.endpoint or "", named)

    @api.after_request
    async def sign(response: Response) -> Response:
        response = await control.gate.after(response)
        response.headers["fly-request-id"] = g.request_id
        response.headers["server"] = f"Fly/flylab-{__version__}"
        response.headers["via"] = "1.1 fly.io"
        return response

    @api.errorhandler(FlylabError)
    async def refused(exc: FlylabError) -> Response:
        code = (
            exc.code
            if isinstance(exc, RuleError)
            else "invalid_argument"
            if isinstance(exc, ParseError)
            else "internal"
        )
        status, body = refuse(code, _shortened(str(exc)))
        if (request.endpoint or "").endswith("_lease"):
            return answer(api_leases.failed(body["error"], CODES[code].word), status)
        return answer(body, status)

    @api.errorhandler(HTTPException)
    async def failed(exc: HTTPException) -> Response:
        status, body = _explain(exc)
        return answer(body, status)

    return api


def _shortened(text: str) -> str:
    """A refusal names the value at fault, however long that was; clients look at the beginning and at the end."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}… {text[-_LONGEST // 2 :]}"


def _explain(exc: HTTPException) -> tuple[int, dict[str, str]]:
    method, path = request.method, request.path
    if exc.code in (404, 405) and (operation := operation_of(method, path)):
        return refuse("not_implemented", f"{operation} ({method} {path}) is not emulated")
    match exc.code:
        case 404:
            return refuse("no_such_path", f"no such path: {_shortened(path)}")
        case 405:
            return refuse("method_not_allowed", f"{method} is not allowed on {_shortened(path)}")
        case 413:
            return refuse("body_too_large", "the request's body is too large")
        case 500:
            return refuse("internal", "the platform failed to handle the request, its log says why")
        case _:
            return exc.code or 500, {"error": exc.description or exc.name}


def operation_of(method: str, path: str) -> str:
    """The operation id of the official document, empty when it does not have that method and path."""
    return next((name for verb, pattern, name in _operations() if verb == method and pattern.fullmatch(path)), "")


@cache
def _operations() -> tuple[tuple[str, re.Pattern[str], str], ...]:
    # operations.csv holds method, path and operation id of the OpenAPI document at docs.machines.dev (2026-05-07).
    text = files(__package__).joinpath("operations.csv").read_text(encoding="utf-8")
    return tuple(
        (row["method"], re.compile(re.sub(r"\{[^}]+\}", "[^/]+", row["path"])), row["operation"])
        for row in csv.DictReader(text.splitlines())
    )
