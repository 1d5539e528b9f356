"""The apps of the Machines API and its list of regions (machines/api/apps-resource, openapi)."""

from quart import Quart, Response, request

from flylab import ids
from flylab.errors import RuleError
from flylab.local.api_requests import Control, answer, empty, flag, page, read_body
from flylab.rules.orders import CreateApp, DeleteApp


def register(api: Quart, control: Control) -> None:
    """Add the routes; an endpoint bears the operation id of the official document."""
    platform = control.platform

    @api.get("/v1/apps", endpoint="Apps_list")
    async def list_apps() -> Response:
        organization = request.args.get("org_slug", "")
        if not organization:
            raise RuleError("invalid_argument", "org_slug is missing")
        everything = [platform.fleet.show_app(app.name) for app in platform.fleet.apps(organization)]
        part, cursor = page(everything, lambda app: app.name, 5000)
        body: dict[str, object] = {"total_apps": len(everything), "apps": [app.to_json() for app in part]}
        return answer(body | ({"next_cursor": cursor} if cursor else {}))

    @api.post("/v1/apps", endpoint="Apps_create")
    async def create_app() -> Response:
        f = await read_body()
        name = f.text("name") or f.text("app_name")
        organization = f.text("org_slug") or control.organization
        control.check_organization(organization)
        event = CreateApp(
            id=ids.token(platform.rng, 15),
            name=name,
            organization=organization,
            network=f.text("network"),
            idempotency_key=f.text("idempotency_key"),
        )
        # `?wait=true` (fly-go) asks for an answer once the app can be used: here that is at once. Subdomains change
        # nothing that can be seen here, but the field must be what the document says.
        f.flag("enable_subdomains")
        platform.apply(event)
        key = event.idempotency_key
        made = [app for app in platform.fleet.apps() if app.name == name or (key and app.idempotency_key == key)]
        return answer({"id": made[0].id, "created_at": round(made[0].created_at * 1000)}, 201)

    @api.get("/v1/apps/<app_name>", endpoint="Apps_show")
    async def show_app(app_name: str) -> Response:
        return answer(platform.fleet.show_app(app_name).to_json())

    @api.delete("/v1/apps/<app_name>", endpoint="Apps_delete")
    async def delete_app(app_name: str) -> Response:
        platform.apply(DeleteApp(name=app_name, force=flag("force")))
        return empty(202)

    @api.get("/v1/platform/regions", endpoint="Platform_regions_get")
    async def regions() -> Response:
        listed = [
            {
                "code": region.code,
                "name": region.name,
                "latitude": region.latitude,
                "longitude": region.longitude,
                "gateway_available": region.gateway_available,
                "requires_paid_plan": False,
                "deprecated": region.deprecated,
                "geo_region": region.geo_region,
                "mpg_available": False,  # Managed Postgres is not emulated
            }
            for region in control.regions
        ]
        nearest = control.catalogue.regions[0]
        # Capitals on the wire (fly-go), small letters in the document: both are sent.
        return answer({"Regions": listed, "Nearest": nearest, "regions": listed, "nearest": nearest})
