"""What the Machines API tells of a whole organisation and of the platform: all its machines, and room for new ones."""

from quart import Quart, Response, request

from flylab.errors import RuleError
from flylab.local.api_machines import listed
from flylab.local.api_requests import Control, answer, count, flag, read_body
from flylab.rules.life import Life
from flylab.rules.paging import Place, after
from flylab.rules.placements import place
from flylab.wire.fields import Json
from flylab.wire.moment import format_moment, parse_moment


def register(api: Quart, control: Control) -> None:
    """Add the routes; an endpoint bears the operation id of the official document."""
    platform = control.platform

    def known(organization: str) -> str:
        if organization != control.organization:
            raise RuleError("not_found", f"organization '{organization[:80]}' not found")
        return organization

    @api.get("/v1/orgs/<org_slug>/machines", endpoint="Machines_org_list")
    async def list_machines(org_slug: str) -> Response:
        apps = {app.name for app in platform.fleet.apps(known(org_slug))}
        wanted, cursor = listed(platform), request.args.get("cursor", "")
        since = request.args.get("updated_after", "")
        earliest = parse_moment(since, "updated_after") if since and not cursor else None  # the cursor is stronger
        found = [
            life
            for life in platform.fleet.machines()
            if life.app in apps
            and wanted(life)
            and (earliest is None or _milliseconds(life.updated_at) > _milliseconds(earliest))
        ]
        part, following = after(
            found, _place, limit=count("limit", 1000, 1000), cursor=cursor, now=platform.clock.wall()
        )
        body: Json = {"machines": [_shown(life, summary=flag("summary")) for life in part], "error_regions": []}
        if part:
            body |= {"last_machine_id": part[-1].id, "last_updated_at": format_moment(part[-1].updated_at)}
        return answer(body | ({"next_cursor": following} if following else {}))

    @api.post("/v1/platform/placements", endpoint="Platform_placements_post")
    async def placements() -> Response:
        f = await read_body()
        organization = f.text("org_slug")
        if not organization:
            raise RuleError("invalid_argument", "org_slug is missing")
        known(organization)
        found = place(f, control.gate.roomy(control.catalogue), platform.settings.placement)
        both = {"Regions": [one.to_json(capitals=True) for one in found]}
        return answer(both | {"regions": [one.to_json(capitals=False) for one in found]})


def _milliseconds(moment: float) -> int:
    return round(moment * 1000)  # times are shown in milliseconds, so they are compared in them


def _place(life: Life) -> Place:
    return life.updated_at, life.id  # oldest update first


def _shown(life: Life, *, summary: bool) -> Json:
    """The short form of a machine in this list (official document, OrgMachine)."""
    short: Json = {
        "id": life.id,
        "name": life.name,
        "state": str(life.state),
        "region": life.region,
        "version": life.version,
        "instance_id": life.version,
        "private_ip": life.private_ip,
        "created_at": format_moment(life.created_at),
        "updated_at": format_moment(life.updated_at),
        "app_name": life.app,
    }
    if summary:
        return short
    config = life.config
    guest = config.guest.to_json() if config.guest else {}
    return short | {"config": {"image": config.image, "guest": guest, "metadata": dict(config.metadata)}}
