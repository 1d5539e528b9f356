"""Leases of the Machines API: look, take or refresh, give back; and the gate that they are for all other calls."""

import uuid

from quart import Quart, Response, request

from flylab import ids
from flylab.errors import RuleError
from flylab.local.api_requests import Control, answer, read_body
from flylab.local.platform import Platform
from flylab.rules.leases import KIND, ReleaseLease, TakeLease
from flylab.wire.fields import Json
from flylab.wire.lease import NONCE_HEADER, Lease

_LEASE = "/v1/apps/<app_name>/machines/<machine_id>/lease"
_NONCE_DIGITS = 12  # as in the examples of the documentation


def register(api: Quart, control: Control) -> None:
    """Add the routes; an endpoint bears the operation id of the official document."""
    platform = control.platform

    @api.get(_LEASE, endpoint="Machines_show_lease")
    async def show_lease(app_name: str, machine_id: str) -> Response:
        return answer(_envelope(_held(platform, control.living(app_name, machine_id).id).to_json()))

    @api.post(_LEASE, endpoint="Machines_create_lease")
    async def take_lease(app_name: str, machine_id: str) -> Response:
        f = await read_body()
        ttl = _ttl(request.args.get("ttl", ""))
        given = f.integer("ttl")
        machine = control.living(app_name, machine_id).id
        platform.apply(wish(platform, machine, ttl or given, f.text("description")))
        return answer(_envelope(_held(platform, machine).to_json()), 201)

    @api.delete(_LEASE, endpoint="Machines_release_lease")
    async def release_lease(app_name: str, machine_id: str) -> Response:
        platform.apply(ReleaseLease(machine=control.living(app_name, machine_id).id, given=_nonce()))
        return answer(_envelope({"ok": True}))


async def admitted(platform: Platform, machine_id: str) -> None:
    """Return when the lease on the machine, if any, lets this request go on; raises ``lease_held``.

    The caller acts in the same step, so no lease can come in between.
    """
    while True:
        now = platform.clock.wall()
        patience = platform.fleet.leases.patience(request.endpoint or "", machine_id, _nonce(), now)
        if not patience:
            return
        await platform.kept.wait(KIND, patience)


def wish(platform: Platform, machine_id: str, ttl: int, description: str = "") -> TakeLease:
    """To take or refresh the lease for the caller of this request. A ttl of 0 stands for the usual."""
    return TakeLease(
        machine=machine_id,
        nonce=ids.token(platform.rng, _NONCE_DIGITS),
        owner=_owner(),
        ttl=ttl or platform.settings.fleet.lease.default_ttl,
        description=description,
        given=_nonce(),
    )


def failed(text: str, word: str) -> Json:
    """The body of a refusal at these endpoints, which is shaped otherwise than at all others (fly-go)."""
    return {"status": "error", "message": text, "code": word or "unknown"}


def _held(platform: Platform, machine_id: str) -> Lease:
    lease = platform.fleet.leases.held(machine_id, platform.clock.wall())
    if lease is None:
        raise RuleError("lease_not_found", "lease not found")
    return lease


def _envelope(data: Json) -> Json:
    return {"status": "success", "data": data}  # as in the documentation and fly-go; the official document has it bare


def _nonce() -> str:
    return request.headers.get(NONCE_HEADER, "").strip()


def _owner() -> str:
    """``<uuid>@tokens.fly.io``, the same one for the same token."""
    token = request.headers.get("authorization", "").partition(" ")[2].strip()
    return f"{uuid.uuid5(uuid.NAMESPACE_OID, token)}@tokens.fly.io"


def _ttl(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise RuleError("invalid_argument", f"ttl '{text}' is not a number of seconds")
    return int(text)
