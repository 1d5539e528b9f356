"""Secret keys of apps: which there can be, and that they share the versions of the app's secrets."""

import pytest

from flylab.errors import RuleError
from flylab.rules.actions import Kept
from flylab.rules.secret_keys import SIZES, DeleteKey, PutKey, check_key
from flylab.rules.secrets import KIND, Secrets, SecretSettings, SetSecrets

VALUE = "b3BlbiBzZXNhbWU="


def put(secrets: Secrets, name: str = "K", kind: str = "hs256", now: float = 1.0, app: str = "a") -> list[Kept]:
    return secrets.put_key(PutKey(app=app, name=name, type=kind, value=VALUE, public="", salt="s"), now)


def test_keys_and_secrets_count_together() -> None:
    secrets = Secrets(SecretSettings())
    assert put(secrets) == [Kept(KIND, "a")]
    secrets.set(SetSecrets(app="a", values={"K": "a secret of that name"}, salt="t"), 2.0)
    put(secrets, kind="es256", now=3.0)
    assert (secrets.version("a"), secrets.version("b")) == (3, 0)
    (key,) = secrets.keys("a")
    assert (key.type, key.version, key.created_at, key.updated_at) == ("es256", 3, 1.0, 3.0)
    assert secrets.values("a") == {"K": "a secret of that name"}
    secrets.delete_key(DeleteKey(app="a", name="K"))
    assert (secrets.version("a"), secrets.keys("a"), len(list(secrets.of("a")))) == (4, [], 1)


def test_they_are_listed_by_name_and_never_shown() -> None:
    secrets = Secrets(SecretSettings())
    for name in ("c", "a", "b"):
        put(secrets, name)
    assert [key.name for key in secrets.keys("a")] == ["a", "b", "c"]
    event = PutKey(app="a", name="K", type="hs256", value=VALUE, public="", salt="s")
    assert VALUE not in repr((event, secrets.keys("a"), secrets.key("a", "a").to_json()))
    assert VALUE in str(secrets.document("a"))


@pytest.mark.parametrize("app", ["a", "b"])
def test_one_that_is_not_there(app: str) -> None:
    secrets = Secrets(SecretSettings())
    put(secrets, "other")
    for refused in (lambda: secrets.key(app, "K"), lambda: secrets.delete_key(DeleteKey(app=app, name="K"))):
        with pytest.raises(RuleError, match=f"app '{app}' has no secret key 'K'") as caught:
            refused()
        assert caught.value.code == "not_found"


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("K", "aes", "invalid_argument"),
        ("K", "", "invalid_argument"),
        ("K", "nacl_secretbox", "not_implemented"),
        ("K", "nacl_box", "not_implemented"),
        ("", "hs256", "invalid_argument"),
        ("..", "hs256", "invalid_argument"),
        ("a b", "hs256", "invalid_argument"),
        ("k" * 256, "hs256", "invalid_argument"),
    ],
)
def test_what_can_be_no_key(name: str, kind: str, code: str) -> None:
    """OBSERVED-IN-CLIENT fly-go secrets_types.go: the types; flyctl: names are those of files."""
    with pytest.raises(RuleError) as caught:
        check_key(name, kind)
    assert caught.value.code == code
    for known in SIZES:
        check_key("signing-key.v2", known)
