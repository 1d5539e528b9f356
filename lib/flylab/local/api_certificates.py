"""The hostnames of apps (openapi, App_Certificates); the edges take requests for them from then on."""

from quart import Quart, Response, request

from flylab.errors import RuleError
from flylab.local.api_requests import Control, answer, count, empty, page_of, read_body
from flylab.rules import certificates as order
from flylab.rules.certificates import parse_hostname

_CERTIFICATES = "/v1/apps/<app_name>/certificates"
_ONE = f"{_CERTIFICATES}/<hostname>"


def register(api: Quart, control: Control) -> None:
    """Add the routes; an endpoint bears the operation id of the official document."""
    platform, certificates = control.platform, control.platform.fleet.belongings.certificates

    def detail(app_name: str, hostname: str, status: int = 200, **more: object) -> Response:
        return answer(certificates.get(app_name, hostname).detail() | more, status)

    @api.get(_CERTIFICATES, endpoint="App_Certificates_list")
    async def list_certificates(app_name: str) -> Response:
        platform.fleet.app(app_name)
        wanted = request.args.get("filter", "").lower()
        found = [row for row in certificates.of(app_name) if wanted in row.hostname]
        part, cursor = page_of(found, lambda row: row.hostname, count("limit", 25, 500))
        body: dict[str, object] = {"certificates": [row.summary() for row in part], "total_count": len(found)}
        return answer(body | ({"next_cursor": cursor} if cursor else {}))

    @api.post(f"{_CERTIFICATES}/acme", endpoint="App_Certificates_acme_create")
    async def add_acme(app_name: str) -> Response:
        hostname = (await read_body()).text("hostname")
        platform.apply(order.AddAcme(app=app_name, hostname=hostname))
        return detail(app_name, parse_hostname(hostname), 201)

    @api.post(f"{_CERTIFICATES}/custom", endpoint="App_Certificates_custom_create")
    async def add_custom(app_name: str) -> Response:
        f = await read_body()
        # A key of the wrong type is not quoted in the refusal.
        chain, key = f.take("fullchain"), f.take("private_key")
        if not isinstance(chain, str) or not isinstance(key, str):
            raise RuleError("unprocessable", "fullchain or private_key is missing or no text")
        hostname = f.text("hostname")
        platform.apply(order.AddCustom(app=app_name, hostname=hostname, fullchain=chain, private_key=key))
        return detail(app_name, parse_hostname(hostname), 201)

    @api.get(_ONE, endpoint="App_Certificates_show")
    async def show_certificate(app_name: str, hostname: str) -> Response:
        platform.fleet.app(app_name)
        return detail(app_name, hostname)

    @api.post(f"{_ONE}/check", endpoint="App_Certificates_check")
    async def check_certificate(app_name: str, hostname: str) -> Response:
        platform.fleet.app(app_name)
        return detail(app_name, hostname, dns_records={"a": [], "aaaa": [], "cname": [], "resolved_addresses": []})

    @api.delete(_ONE, endpoint="App_Certificates_delete")
    async def remove_hostname(app_name: str, hostname: str) -> Response:
        platform.apply(order.RemoveHostname(app=app_name, hostname=hostname))
        return empty(204)

    @api.delete(f"{_ONE}/acme", endpoint="App_Certificates_acme_delete")
    async def remove_acme(app_name: str, hostname: str) -> Response:
        platform.apply(order.RemoveAcme(app=app_name, hostname=hostname))
        return detail(app_name, hostname)

    @api.delete(f"{_ONE}/custom", endpoint="App_Certificates_custom_delete")
    async def remove_custom(app_name: str, hostname: str) -> Response:
        platform.apply(order.RemoveCustom(app=app_name, hostname=hostname))
        return detail(app_name, hostname)
