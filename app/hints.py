"""Hints: what the store says of a room without anybody reading its log. Nothing depends on them being right."""

import asyncio
from dataclasses import dataclass, field

from app import logs
from app.layout import hint_key, public_key
from app.ownership import Hint
from app.store import Store, StoreError
from flylab.errors import ParseError


@dataclass(slots=True)
class Told:
    """What was last written about a room, so that the same is not written again, and nothing out of order."""

    hint: Hint | None = None
    wanted: Hint | None = None
    marked: bool | None = None  # whether the room's marker is there; None: not seen to yet
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)


class Hints:
    """Reads and writes ``owners/<room>``, and the markers of listed rooms."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.changes = 0  # of what the list of rooms shows, but for members

    async def read(self, room: str) -> Hint | None:
        """The hint of a room; None also when the store does not answer."""
        try:
            body = await self._store.get(hint_key(room))
            return None if body is None else Hint.from_json(room, body)
        except (StoreError, ParseError):
            return None

    async def write(self, hint: Hint, told: Told, *, visited: bool) -> None:
        """Tell the lobbies; a failure is only logged. Of many that wait for their turn, the latest alone is written.

        A room that was not ``visited`` by anybody is not listed yet (`mark`); that it was in an earlier epoch stays so.
        """
        told.wanted = hint
        try:
            async with told.writing:
                if told.wanted is not hint:
                    return
                await self._store.put(hint_key(hint.room), hint.to_json().encode())
                if told.hint is None or told.hint.awake != hint.awake:
                    self.changes += 1
                told.hint = hint
                if visited or not _shown(hint):
                    await self._mark(hint, told)
        except StoreError as exc:
            logs.warn("hint not written", room=hint.room, why=str(exc))

    async def mark(self, hint: Hint, told: Told) -> None:
        """Somebody is in the room: list it if it is to be listed; a failure is only logged."""
        try:
            async with told.writing:
                await self._mark(hint, told)
        except StoreError as exc:
            logs.warn("room not listed", room=hint.room, why=str(exc))

    async def _mark(self, hint: Hint, told: Told) -> None:
        if told.marked is _shown(hint):
            return
        if _shown(hint):
            await self._store.put(public_key(hint.room), b"")
        else:
            await self._store.delete([public_key(hint.room)])
        told.marked = _shown(hint)
        self.changes += 1


def _shown(hint: Hint) -> bool:
    return hint.listed and bool(hint.public)
