"""The IP addresses of apps: listed, assigned, released (openapi, App_IPAssignments). They are invented."""

from quart import Quart, Response

from flylab.errors import RuleError
from flylab.local.api_requests import Control, answer, empty, read_body
from flylab.rules.addresses import GLOBAL, AssignAddress, ReleaseAddress

_ADDRESSES = "/v1/apps/<app_name>/ip_assignments"


def register(api: Quart, control: Control) -> None:
    """Add the routes; an endpoint bears the operation id of the official document."""
    platform, addresses = control.platform, control.platform.fleet.belongings.addresses

    @api.get(_ADDRESSES, endpoint="App_IPAssignments_list")
    async def list_addresses(app_name: str) -> Response:
        platform.fleet.app(app_name)
        return answer({"ips": [address.to_json() for address in addresses.of(app_name)]})

    @api.post(_ADDRESSES, endpoint="App_IPAssignments_create")
    async def assign_address(app_name: str) -> Response:
        f = await read_body()
        region, organization = f.text("region"), f.text("org_slug")
        if region not in ("", GLOBAL) and region not in control.catalogue.published:
            raise RuleError("invalid_argument", f"region '{region[:80]}' is unknown")
        control.check_organization(organization)
        kind = f.text("type")
        platform.apply(
            AssignAddress(
                app=app_name,
                type=kind,
                region=region,
                network=f.text("network"),
                service_name=f.text("service_name"),
            )
        )
        return answer(addresses.latest(app_name, kind).to_json())

    @api.delete(f"{_ADDRESSES}/<ip>", endpoint="App_IPAssignments_delete")
    async def release_address(app_name: str, ip: str) -> Response:
        platform.apply(ReleaseAddress(app=app_name, ip=ip))
        return empty(204)
