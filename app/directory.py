"""Reads and claims epochs in an object store; decides nothing about who should own a room (that is placement)."""

import asyncio

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import ObjectStore, from_url

from app.ownership import Owner, Place, format_key, format_prefix, parse_key
from flylab.errors import FlylabError, ParseError

# Records fetched at the same time when all rooms are listed (our choice).
_PARALLEL = 32


class DirectoryError(FlylabError):
    """The object store that holds the owners did not answer."""


class Directory:
    """The owners of all rooms, as objects under one URL; every machine of every region uses the same one."""

    def __init__(self, store: ObjectStore, url: str) -> None:
        self._store = store
        self._url = url

    @classmethod
    def open(cls, url: str) -> "Directory":
        """A directory at ``memory:///``, ``file:///folder`` (made if absent) or ``s3://bucket/prefix``."""
        try:
            store = from_url(url, mkdir=True) if url.startswith("file:") else from_url(url)
        except (BaseError, ValueError, TypeError, OSError) as exc:
            raise ParseError("ROOMS_URL", url, _first_line(exc)) from exc
        return cls(store, url)

    @property
    def shared(self) -> bool:
        """Whether other machines can see it; one in memory makes every machine the owner of its own rooms."""
        return not self._url.startswith("memory:")

    async def owner(self, room: str) -> Owner | None:
        """The owner of a room as of now."""
        epochs = [known[1] for key in await self._list(format_prefix(room)) if (known := parse_key(key))]
        return await self._read(room, max(epochs)) if epochs else None

    async def claim(self, room: str, *, after: int, place: Place, at: float) -> Owner:
        """Create the epoch after ``after``; the returned owner is somebody else when they were first."""
        wanted = Owner(room=room, epoch=after + 1, place=place, at=at)
        try:
            await obstore.put_async(
                self._store, format_key(room, wanted.epoch), wanted.to_json().encode(), mode="create"
            )
        except AlreadyExistsError:
            return await self._read(room, wanted.epoch)
        except (BaseError, OSError) as exc:
            raise self._failed(exc) from exc
        return wanted

    async def rooms(self) -> list[Owner]:
        """The owner of every room, by name; a record that somebody wrote badly is left out."""
        newest: dict[str, int] = {}
        for key in await self._list("rooms/"):
            if known := parse_key(key):
                newest[known[0]] = max(known[1], newest.get(known[0], 0))
        gate = asyncio.Semaphore(_PARALLEL)

        async def read(room: str) -> Owner | None:
            async with gate:
                try:
                    return await self._read(room, newest[room])
                except ParseError:
                    return None

        owners = await asyncio.gather(*(read(room) for room in sorted(newest)))
        return [owner for owner in owners if owner is not None]

    async def _list(self, prefix: str) -> list[str]:
        try:
            return [found["path"] for found in await obstore.list(self._store, prefix).collect_async()]
        except NotFoundError:
            return []
        except (BaseError, OSError) as exc:
            raise self._failed(exc) from exc

    async def _read(self, room: str, epoch: int) -> Owner:
        try:
            found = await obstore.get_async(self._store, format_key(room, epoch))
            return Owner.from_json(room, epoch, bytes(await found.bytes_async()))
        except (BaseError, OSError) as exc:
            raise self._failed(exc) from exc

    def _failed(self, exc: Exception) -> DirectoryError:
        return DirectoryError(f"the room directory {self._url} does not answer: {_first_line(exc)}")


def _first_line(exc: Exception) -> str:
    # obstore's messages go on with a dump of the error's inner structure.
    return str(exc).strip().splitlines()[0] if str(exc).strip() else type(exc).__name__
