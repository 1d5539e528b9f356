"""The secrets and secret keys of apps: which may be set, how versions count, and what of them may be shown.

A value leaves this module towards a machine that starts, towards whoever asks for it by name (``show_secrets``) and
towards the store; no error and no ``repr`` has it.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace

from flylab.errors import RuleError
from flylab.rules.actions import Kept
from flylab.rules.records import AppOrder
from flylab.rules.secret_keys import DeleteKey, PutKey, SecretKey, make_key
from flylab.wire.fields import Fields, Json
from flylab.wire.moment import format_moment

KIND = "secrets"  # one record for each app, so that a version and its values are written together
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")  # a valid environment variable name (openapi, fly.MachineSecret)
_LONGEST = 128 * 1024  # bytes of NAME=value and its end, the most that execve(2) takes on Linux (MAX_ARG_STRLEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSettings:
    """Which names beginning with ``FLY_`` are taken all the same."""

    # reference/configuration reserves FLY_ for the platform. This one the platform never sets, and apps that call the
    # Machines API get their token by it (docs/rooms.md).
    fly_names: tuple[str, ...] = ("FLY_API_TOKEN",)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSecrets(AppOrder):
    """Set what has a text and unset what has None; ``salt`` is used when the app has no secrets yet."""

    values: Mapping[str, str | None] = field(repr=False)
    salt: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSecret(AppOrder):
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """One secret of an app; ``version`` is that of the app's secrets when it was last set."""

    name: str
    value: str = field(repr=False)
    digest: str
    version: int
    created_at: float
    updated_at: float

    def to_json(self, *, show: bool = False) -> Json:
        shown: Json = {
            "name": self.name,
            "digest": self.digest,
            "created_at": format_moment(self.created_at),
            "updated_at": format_moment(self.updated_at),
        }
        return shown | ({"value": self.value} if show else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Jar:
    salt: str = field(repr=False)
    version: int = 0
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    keys: Mapping[str, SecretKey] = field(default_factory=dict)


class Secrets:
    """All secrets of one platform."""

    def __init__(self, settings: SecretSettings) -> None:
        self._settings = settings
        self._jars: dict[str, _Jar] = {}

    def set(self, event: SetSecrets, now: float) -> list[Kept]:
        """One version more for all that is set and unset here."""
        if not event.values:
            raise RuleError("invalid_argument", "values is empty, there is no secret to set or to unset")
        for name, value in event.values.items():
            self._check(name, value)
        jar = self._jars.get(event.app) or _Jar(salt=event.salt)
        version = jar.version + 1
        kept = {name: secret for name, secret in jar.secrets.items() if event.values.get(name, "") is not None}
        for name, value in event.values.items():
            if value is not None:
                before = kept.get(name)
                kept[name] = Secret(
                    name=name,
                    value=value,
                    digest=_digest(jar.salt, value),
                    version=version,
                    created_at=before.created_at if before else now,
                    updated_at=now,
                )
        self._jars[event.app] = replace(jar, version=version, secrets=kept)
        return [Kept(KIND, event.app)]

    def delete(self, event: DeleteSecret) -> list[Kept]:
        self.get(event.app, event.name)
        jar = self._jars[event.app]
        kept = {name: secret for name, secret in jar.secrets.items() if name != event.name}
        self._jars[event.app] = replace(jar, version=jar.version + 1, secrets=kept)
        return [Kept(KIND, event.app)]

    def of(self, app: str) -> Iterable[Secret]:
        """By name."""
        jar = self._jars.get(app)
        return sorted(jar.secrets.values(), key=lambda secret: secret.name) if jar else ()

    def get(self, app: str, name: str) -> Secret:
        jar = self._jars.get(app)
        if jar is None or name not in jar.secrets:
            raise RuleError("not_found", f"app '{app}' has no secret '{name[:80]}'")
        return jar.secrets[name]

    def put_key(self, event: PutKey, now: float) -> list[Kept]:
        jar = self._jars.get(event.app) or _Jar(salt=event.salt)
        key = make_key(event, jar.keys.get(event.name), jar.version + 1, now)
        self._jars[event.app] = replace(jar, version=key.version, keys={**jar.keys, key.name: key})
        return [Kept(KIND, event.app)]

    def delete_key(self, event: DeleteKey) -> list[Kept]:
        self.key(event.app, event.name)
        jar = self._jars[event.app]
        kept = {name: key for name, key in jar.keys.items() if name != event.name}
        self._jars[event.app] = replace(jar, version=jar.version + 1, keys=kept)
        return [Kept(KIND, event.app)]

    def keys(self, app: str) -> list[SecretKey]:
        """By name."""
        jar = self._jars.get(app)
        return sorted(jar.keys.values(), key=lambda key: key.name) if jar else []

    def key(self, app: str, name: str) -> SecretKey:
        jar = self._jars.get(app)
        if jar is None or name not in jar.keys:
            raise RuleError("not_found", f"app '{app}' has no secret key '{name[:80]}'")
        return jar.keys[name]

    def values(self, app: str) -> dict[str, str]:
        """What a machine of the app that starts now is given."""
        return {secret.name: secret.value for secret in self.of(app)}

    def version(self, app: str) -> int:
        """0 until something is set; every change adds one."""
        jar = self._jars.get(app)
        return jar.version if jar else 0

    def require(self, app: str, least: int, what: str) -> None:
        """Raise unless the secrets have reached that version.

        Fly waits for it to spread. Here a version is everywhere at once, so one that is not there never was, and the
        refusal is the one that says that nothing has happened (the status is ASSUMED).
        """
        if least > self.version(app):
            text = f"{what} is {least}, the secrets of app '{app}' are at version {self.version(app)}"
            raise RuleError("failed_precondition", text)

    def drop(self, app: str) -> list[Kept]:
        return [Kept(KIND, app)] if self._jars.pop(app, None) else []

    def rows(self) -> dict[str, _Jar]:
        return self._jars

    def document(self, key: str) -> Json | None:
        jar = self._jars.get(key)
        if jar is None:
            return None
        document: Json = {"salt": jar.salt, "version": jar.version}
        document["secrets"] = [asdict(each) for each in jar.secrets.values()]
        return document | ({"keys": [asdict(each) for each in jar.keys.values()]} if jar.keys else {})

    def restore(self, documents: Mapping[str, Json]) -> None:
        self._jars = {}
        for app, document in documents.items():
            f = Fields(document, KIND)
            found = [Secret(**row) for row in f.items("secrets", lambda row, _: row)]  # type: ignore[arg-type]  # ours
            keys = [SecretKey(**row) for row in f.items("keys", lambda row, _: row)]  # type: ignore[arg-type]  # ours
            self._jars[app] = _Jar(
                salt=f.text("salt"),
                version=f.integer("version"),
                secrets={each.name: each for each in found},
                keys={each.name: each for each in keys},
            )

    def _check(self, name: str, value: str | None) -> None:
        if not _NAME.fullmatch(name):
            why = "a letter or '_', then letters, digits and '_', at most 255 in all"
            raise RuleError("invalid_argument", f"cannot use the secret name {name[:80]!r}: {why}")
        if name.startswith("FLY_") and name not in self._settings.fly_names:
            text = f"cannot use the secret name '{name}': names that begin with FLY_ belong to the platform"
            raise RuleError("invalid_argument", text)
        if value is None:
            return
        if "\0" in value:
            raise RuleError("invalid_argument", f"secret '{name}' has a zero character, no process can be given it")
        try:
            size = len(f"{name}={value}\0".encode())
        except UnicodeEncodeError:
            # Without a cause: the error of the codec would quote the value.
            text = f"secret '{name}' has half of a surrogate pair, which is no character"
            raise RuleError("invalid_argument", text) from None
        if size > _LONGEST:
            text = f"secret '{name}' is too long: with its name it has {size} bytes, a process can be given {_LONGEST}"
            raise RuleError("invalid_argument", text)


def _digest(salt: str, value: str) -> str:
    """The same for the same value in one app; 16 hex digits, as ``fly secrets list`` shows them."""
    return hmac.new(salt.encode(), value.encode(), hashlib.sha256).hexdigest()[:16]
