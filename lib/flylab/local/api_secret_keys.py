"""Secret keys of apps: made, listed without their values, and used (openapi, Secretkeys; hidden in flyctl as yet).

Bytes are lists of numbers, as the official document has them; base64, as Go's clients send bytes, is read too, and Go
reads lists. On Fly machines use keys through files below ``/.fly/kms``, which are not there here.
"""

import base64
import binascii

from quart import Quart, Response, request

from flylab import ids
from flylab.errors import RuleError
from flylab.local import keyring
from flylab.local.api_requests import Control, answer, empty, read_body
from flylab.local.api_secrets import require_version, shown_version
from flylab.rules.secret_keys import DeleteKey, PutKey, SecretKey, check_key
from flylab.wire.fields import Fields, Json

_KEYS = "/v1/apps/<app_name>/secretkeys"
_KEY = f"{_KEYS}/<secret_name>"


def register(api: Quart, control: Control) -> None:
    """Add the routes; an endpoint bears the operation id of the official document."""
    platform, kept = control.platform, control.platform.fleet.belongings.secrets

    def put(app_name: str, name: str, kind: str, value: bytes) -> Response:
        public = keyring.public_half(kind, value)
        platform.apply(
            PutKey(
                app=app_name,
                name=name,
                type=kind,
                value=base64.b64encode(value).decode(),
                public=base64.b64encode(public).decode(),
                salt=ids.token(platform.rng),
            )
        )
        return answer(_shown(kept.key(app_name, name)) | shown_version(kept.version(app_name)), 201)

    async def used(app_name: str, name: str) -> tuple[str, bytes, Fields]:
        """Type and value of a key, and what is to be done with it."""
        require_version(control, app_name)
        key = kept.key(app_name, name)
        return key.type, base64.b64decode(key.value), await read_body()

    @api.get(_KEYS, endpoint="Secretkeys_list")
    async def list_keys(app_name: str) -> Response:
        require_version(control, app_name)
        wanted = [kind for kind in request.args.get("types", "").split(",") if kind]
        keys = [_shown(key) for key in kept.keys(app_name) if not wanted or key.type in wanted]
        return answer({"secret_keys": keys})

    @api.get(_KEY, endpoint="Secretkey_get")
    async def get_key(app_name: str, secret_name: str) -> Response:
        require_version(control, app_name)
        return answer(_shown(kept.key(app_name, secret_name)))

    @api.post(_KEY, endpoint="Secretkey_set")
    async def set_key(app_name: str, secret_name: str) -> Response:
        platform.fleet.app(app_name)
        f = await read_body()
        check_key(secret_name, kind := f.text("type"))
        return put(app_name, secret_name, kind, _bytes(f, "value"))

    @api.post(f"{_KEY}/generate", endpoint="Secretkey_generate")
    async def generate_key(app_name: str, secret_name: str) -> Response:
        platform.fleet.app(app_name)
        check_key(secret_name, kind := (await read_body()).text("type"))
        return put(app_name, secret_name, kind, keyring.generate(kind))

    @api.delete(_KEY, endpoint="Secretkey_delete")
    async def delete_key(app_name: str, secret_name: str) -> Response:
        platform.apply(DeleteKey(app=app_name, name=secret_name))
        return answer(shown_version(kept.version(app_name)))

    @api.post(f"{_KEY}/sign", endpoint="Secretkey_sign")
    async def sign(app_name: str, secret_name: str) -> Response:
        kind, value, f = await used(app_name, secret_name)
        return answer({"signature": list(keyring.sign(kind, value, _bytes(f, "plaintext")))})

    @api.post(f"{_KEY}/verify", endpoint="Secretkey_verify")
    async def verify(app_name: str, secret_name: str) -> Response:
        kind, value, f = await used(app_name, secret_name)
        keyring.verify(kind, value, _bytes(f, "plaintext"), _bytes(f, "signature"))
        return empty(204)

    @api.post(f"{_KEY}/encrypt", endpoint="Secretkey_encrypt")
    async def encrypt(app_name: str, secret_name: str) -> Response:
        kind, value, f = await used(app_name, secret_name)
        text = keyring.encrypt(kind, value, _bytes(f, "plaintext"), _bytes(f, "associated_data"))
        return answer({"ciphertext": list(text)})

    @api.post(f"{_KEY}/decrypt", endpoint="Secretkey_decrypt")
    async def decrypt(app_name: str, secret_name: str) -> Response:
        kind, value, f = await used(app_name, secret_name)
        text = keyring.decrypt(kind, value, _bytes(f, "ciphertext"), _bytes(f, "associated_data"))
        return answer({"plaintext": list(text)})


def _shown(key: SecretKey) -> Json:
    return key.to_json() | ({"public_key": list(base64.b64decode(key.public))} if key.public else {})


def _bytes(f: Fields, name: str) -> bytes:
    """A list of numbers or base64; a refusal does not quote what may be a secret."""
    given = f.take(name)
    try:
        match given:
            case None:
                return b""
            case str():
                return base64.b64decode(given, validate=True)
            case list() if all(type(each) is int for each in given):
                return bytes(given)
    except (ValueError, binascii.Error):
        pass
    raise RuleError("invalid_argument", f"cannot read {name}: a list of numbers up to 255, or base64, is expected")
