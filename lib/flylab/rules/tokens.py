"""Tokens of apps: what is kept of them is a hash, so whoever reads the state cannot use them."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from flylab.errors import RuleError
from flylab.rules.actions import Kept
from flylab.rules.records import AppOrder
from flylab.wire.fields import Json

KIND = "token"
LIFE = 175_200 * 3600.0  # seconds; 20 years, the expiry that `fly tokens create` sends when none is given


def digest(text: str) -> str:
    """What is kept of a token; it holds 256 bits of chance, so it needs no salt."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateToken(AppOrder):
    """``hash`` is the ``digest`` of the token that its holder is given."""

    id: str
    hash: str
    life: float = LIFE  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    id: str
    app: str
    hash: str
    created_at: float
    expires_at: float


class Tokens:
    """The tokens of all apps by hash; those that have expired go when their app gets a new one."""

    def __init__(self) -> None:
        self._rows: dict[str, Token] = {}

    def create(self, event: CreateToken, now: float) -> list[Kept]:
        if event.life <= 0:
            raise RuleError("invalid_argument", "expiry is not in the future")
        old = [row.hash for row in self._rows.values() if row.app == event.app and row.expires_at <= now]
        for key in old:
            del self._rows[key]
        self._rows[event.hash] = Token(
            id=event.id, app=event.app, hash=event.hash, created_at=now, expires_at=now + event.life
        )
        return [Kept(KIND, key) for key in (*old, event.hash)]

    def find(self, text: str, now: float) -> Token | None:
        """The token that this text is; an expired one is none."""
        row = self._rows.get(digest(text))
        return row if row and now < row.expires_at else None

    def drop(self, app: str) -> list[Kept]:
        gone = [row.hash for row in self._rows.values() if row.app == app]
        for key in gone:
            del self._rows[key]
        return [Kept(KIND, key) for key in gone]

    def rows(self) -> dict[str, Token]:
        return self._rows

    def document(self, key: str) -> Json | None:
        row = self._rows.get(key)
        return asdict(row) if row else None

    def restore(self, documents: Mapping[str, Json]) -> None:
        self._rows = {key: Token(**row) for key, row in documents.items()}  # type: ignore[arg-type]  # ours
