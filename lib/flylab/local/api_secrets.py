"""The secrets of apps: set, listed with digests only, shown on demand (openapi, Secrets).

Bodies are read by hand here: the errors of ``Fields`` quote what they refuse, and that may be a secret.
"""

from quart import Quart, Response, request

from flylab import ids
from flylab.errors import RuleError
from flylab.local.api_requests import Control, answer, flag, read_body
from flylab.rules.secrets import DeleteSecret, SetSecrets
from flylab.wire.fields import Json

_SECRETS = "/v1/apps/<app_name>/secrets"


def register(api: Quart, control: Control) -> None:
    """Add the routes; an endpoint bears the operation id of the official document."""
    platform, secrets = control.platform, control.platform.fleet.belongings.secrets

    def put(app_name: str, values: dict[str, str | None]) -> int:
        platform.apply(SetSecrets(app=app_name, values=values, salt=ids.token(platform.rng)))
        return secrets.version(app_name)

    @api.get(_SECRETS, endpoint="Secrets_list")
    async def list_secrets(app_name: str) -> Response:
        require_version(control, app_name)
        show = flag("show_secrets")
        return answer({"secrets": [secret.to_json(show=show) for secret in secrets.of(app_name)]})

    @api.post(_SECRETS, endpoint="Secrets_update")
    async def update_secrets(app_name: str) -> Response:
        version = put(app_name, _values((await read_body()).take("values")))
        return answer({"secrets": [secret.to_json() for secret in secrets.of(app_name)], **shown_version(version)})

    @api.get(f"{_SECRETS}/<secret_name>", endpoint="Secret_get")
    async def get_secret(app_name: str, secret_name: str) -> Response:
        require_version(control, app_name)
        return answer(secrets.get(app_name, secret_name).to_json(show=flag("show_secrets")))

    @api.post(f"{_SECRETS}/<secret_name>", endpoint="Secret_create")
    async def create_secret(app_name: str, secret_name: str) -> Response:
        value = (await read_body()).take("value")
        if value is None:
            raise RuleError("invalid_argument", "value is missing")
        version = put(app_name, _values({secret_name: value}))
        return answer(secrets.get(app_name, secret_name).to_json() | shown_version(version), 201)

    @api.delete(f"{_SECRETS}/<secret_name>", endpoint="Secret_delete")
    async def delete_secret(app_name: str, secret_name: str) -> Response:
        platform.apply(DeleteSecret(app=app_name, name=secret_name))
        return answer(shown_version(secrets.version(app_name)))


def require_version(control: Control, app_name: str) -> None:
    """Raise unless the app is there and its secrets have reached the version that the query asks for."""
    control.platform.fleet.app(app_name)
    text = request.args.get("min_version", "")
    if text and not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise RuleError("invalid_argument", f"min_version '{text[:80]}' is not a whole number")
    control.platform.fleet.belongings.secrets.require(app_name, int(text or 0), "min_version")


def shown_version(version: int) -> Json:
    return {"version": version, "Version": version}  # the second one is deprecated (openapi)


def _values(given: object) -> dict[str, str | None]:
    if not isinstance(given, dict):
        raise RuleError("invalid_argument", "values is missing or no object of names and texts")
    for name, value in given.items():
        if value is not None and not isinstance(value, str):
            raise RuleError("invalid_argument", f"the value of secret {str(name)[:80]!r} is neither a text nor null")
    return dict(given)
