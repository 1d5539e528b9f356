"""Secret keys of apps: what is kept of one, which may be made and changed. Who computes with them is elsewhere.

They share the versions of the app's secrets (``secrets.py`` has both), so ``min_secrets_version`` is about either.
"""

import re
from dataclasses import dataclass, field

from flylab.errors import RuleError
from flylab.rules.records import AppOrder
from flylab.wire.fields import Json
from flylab.wire.moment import format_moment

# The types of fly-go (secrets_types.go) and their keys in bytes; where several are taken the first is the usual one.
SIZES = {
    "hs256": (32,),
    "hs384": (48,),
    "hs512": (64,),
    "xaes256gcm": (32,),
    "nacl_auth": (32,),
    "nacl_sign": (64, 32),  # a seed and its public key, as NaCl keeps it, or the seed alone
    "es256": (32,),
}
# XSalsa20, which no library of ours has; flyctl itself does not support the second one (keys_common.go).
NOT_EMULATED = ("nacl_secretbox", "nacl_box")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")  # our choice; flyctl: they are names of files below /.fly/kms


@dataclass(frozen=True, slots=True, kw_only=True)
class PutKey(AppOrder):
    """Make or change a key; ``value`` is base64, ``public`` too and empty for keys that have no public half."""

    name: str
    type: str
    value: str = field(repr=False)
    public: str
    salt: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteKey(AppOrder):
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKey:
    """One key; ``version`` is that of the app's secrets when it was last set."""

    name: str
    type: str
    value: str = field(repr=False)
    public: str
    version: int
    created_at: float
    updated_at: float

    def to_json(self) -> Json:
        """Everything but the value, which nobody is shown; the public half is up to the caller, it is bytes."""
        return {
            "name": self.name,
            "type": self.type,
            "created_at": format_moment(self.created_at),
            "updated_at": format_moment(self.updated_at),
        }


def check_key(name: str, kind: str) -> None:
    """Raise ``RuleError`` when there can be no key of that name or type."""
    if not _NAME.fullmatch(name):
        why = "letters, digits, '_', '.' and '-', at most 255 in all"
        raise RuleError("invalid_argument", f"cannot use the key name {name[:80]!r}: {why}")
    if kind in NOT_EMULATED:
        raise RuleError("not_implemented", f"secret keys of type '{kind}' are not emulated")
    if kind not in SIZES:
        raise RuleError("invalid_argument", f"type {kind[:80]!r} is none of {', '.join(SIZES)}")


def make_key(event: PutKey, before: SecretKey | None, version: int, now: float) -> SecretKey:
    check_key(event.name, event.type)
    return SecretKey(
        name=event.name,
        type=event.type,
        value=event.value,
        public=event.public,
        version=version,
        created_at=before.created_at if before else now,
        updated_at=now,
    )
