"""Secret keys through the API of a real platform: made, used and deleted, with answers that the document describes."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from tests import openapi
from tests.local.up import Answer, Up, up

pytestmark = pytest.mark.usefixtures("nothing_left")

KEYS = "/v1/apps/app/secretkeys"
TEXT = list(b"open sesame")


@pytest.fixture(scope="module")
def platform() -> Iterator[Up]:
    with up() as running:
        running.app()
        yield running


@pytest.fixture(scope="module", autouse=True)
def nothing_left() -> None:
    """The platform of this module outlives each of its tests."""


def call(platform: Up, method: str, path: str, body: Any = None) -> Answer:
    """An answer that the official document describes."""
    answer = platform.call(method, f"{KEYS}{path}", body)
    kind = answer.headers.get("content-type", "")
    where = f"{KEYS}{path}".partition("?")[0]
    assert openapi.problems(method, where, answer.status_code, kind, answer.content) == []
    return answer


def test_a_key_is_generated_shown_used_and_deleted(platform: Up) -> None:
    """DOCUMENTED openapi Secretkey_generate 201, _get, _sign 200, _verify 204, _delete 200, Secretkeys_list."""
    made = call(platform, "POST", "/signs/generate", {"type": "nacl_sign"})
    assert made.status_code == 201
    assert (made.json()["name"], made.json()["type"], len(made.json()["public_key"])) == ("signs", "nacl_sign", 32)
    assert "value" not in made.json()
    shown = call(platform, "GET", f"/signs?min_version={made.json()['version']}").json()
    assert shown == {key: value for key, value in made.json().items() if key.lower() != "version"}
    signature = call(platform, "POST", "/signs/sign", {"plaintext": TEXT}).json()["signature"]
    assert len(signature) == 64
    good = call(platform, "POST", "/signs/verify", {"plaintext": TEXT, "signature": signature})
    assert (good.status_code, good.content) == (204, b"")
    bad = call(platform, "POST", "/signs/verify", {"plaintext": TEXT[1:], "signature": signature})
    assert bad.status_code == 400
    assert call(platform, "GET", "").json() == {"secret_keys": [shown]}
    assert call(platform, "GET", "?types=hs256,nacl_auth").json() == {"secret_keys": []}
    gone = call(platform, "DELETE", "/signs")
    assert gone.json()["version"] == made.json()["version"] + 1
    for method, path in (("GET", "/signs"), ("DELETE", "/signs"), ("POST", "/signs/sign")):
        assert call(platform, method, path, {}).status_code == 404


def test_a_text_is_encrypted_and_decrypted(platform: Up) -> None:
    """DOCUMENTED openapi Secretkey_encrypt, _decrypt: with data that belongs to it and is not in it."""
    call(platform, "POST", "/hides/generate", {"type": "xaes256gcm"})
    body = {"plaintext": TEXT, "associated_data": [1, 2]}
    hidden = call(platform, "POST", "/hides/encrypt", body).json()["ciphertext"]
    read = call(platform, "POST", "/hides/decrypt", {"ciphertext": hidden, "associated_data": [1, 2]})
    assert read.json() == {"plaintext": TEXT}
    for wrong in ({"ciphertext": hidden}, {"ciphertext": hidden[1:], "associated_data": [1, 2]}, {}):
        assert call(platform, "POST", "/hides/decrypt", wrong).status_code == 400
    assert call(platform, "POST", "/hides/sign", {"plaintext": TEXT}).status_code == 400


def test_a_key_of_ones_own_in_both_forms_of_bytes(platform: Up) -> None:
    """OBSERVED-IN-CLIENT fly-go secrets_types.go: []byte, which Go writes as base64; the document has numbers."""
    value = b"Jefe" + bytes(28)
    wanted = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"  # RFC 4231, 4.3
    plain = b"what do ya want for nothing?"
    for form in (list, lambda data: base64.b64encode(data).decode()):
        made = call(platform, "POST", "/mine", {"type": "hs256", "value": form(value)})
        assert made.status_code == 201
        signed = call(platform, "POST", "/mine/sign", {"plaintext": form(plain)}).json()["signature"]
        assert bytes(signed).hex() == wanted


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/k", {}, 400),
        ("/k", {"type": "hs256"}, 400),
        ("/k", {"type": "hs256", "value": [256]}, 400),
        ("/k", {"type": "hs256", "value": [True]}, 400),
        ("/k", {"type": "hs256", "value": "c2VjcmV0LXZhbHVl!"}, 400),
        ("/k", {"type": "hs256", "value": "c2VjcmV0LXZhbHVl"}, 400),
        ("/k", {"type": "hs256", "value": {"secret-value": 1}}, 400),
        ("/k/generate", {"type": "rot13"}, 400),
        ("/k/generate", {"type": 1}, 400),
        ("/k/generate", {"type": "nacl_secretbox"}, 501),
        ("/a%20b/generate", {"type": "hs256"}, 400),
    ],
)
def test_what_is_no_key_is_refused_without_its_value(platform: Up, path: str, body: Any, status: int) -> None:
    answer = call(platform, "POST", path, body)
    assert answer.status_code == status, answer.text
    assert "c2Vj" not in answer.text
    assert "secret-value" not in answer.text
    assert call(platform, "GET", "/k").status_code == 404


def test_an_app_that_is_not_there_has_none(platform: Up) -> None:
    for method, path in (("GET", ""), ("GET", "/k"), ("POST", "/k/generate"), ("DELETE", "/k"), ("POST", "/k/sign")):
        answer = platform.call(method, f"/v1/apps/nobody/secretkeys{path}", {"type": "hs256"})
        assert answer.status_code == 404, (method, path)
