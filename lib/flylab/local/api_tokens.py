"""Tokens: made for one app, and shown to whoever holds them (openapi, Tokens and App_create_deploy_token)."""

import secrets

from quart import Quart, Response, g

from flylab import ids
from flylab.local.api_requests import Control, answer, read_body
from flylab.rules.rights import Holder
from flylab.rules.tokens import LIFE, CreateToken, digest
from flylab.wire.duration import parse_duration
from flylab.wire.fields import Json


def register(api: Quart, control: Control) -> None:
    """Add the routes; an endpoint bears the operation id of the official document."""
    platform = control.platform

    @api.post("/v1/apps/<app_name>/deploy_token", endpoint="App_create_deploy_token")
    async def create_deploy_token(app_name: str) -> Response:
        expiry = (await read_body()).text("expiry")
        # From the computer's own source of chance: a seed must not let anybody guess a token.
        token = f"fm2_{secrets.token_urlsafe(32)}"
        event = CreateToken(
            app=app_name,
            id=ids.token(platform.rng, 12),
            hash=digest(token),
            life=parse_duration(expiry, "expiry") if expiry else LIFE,
        )
        platform.apply(event)
        return answer({"token": f"FlyV1 {token}"})

    @api.get("/v1/tokens/current", endpoint="CurrentToken_show")
    async def show_tokens() -> Response:
        return answer({"tokens": [_shown(holder, control.organization) for holder in g.holders]})


def _shown(holder: Holder, organization: str) -> Json:
    shown: Json = {"token_id": holder.token_id, "org_slug": organization, "organization": organization}
    if holder.app:
        shown["apps"] = [holder.app]
    if holder.machine:
        shown |= {"restricted_to_machine": holder.machine, "source_machine_id": holder.machine}
    return shown
