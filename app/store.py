"""The object store, and the only code that knows obstore: a few calls, each with a time-out and one kind of error."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import ObjectStore, from_url

from flylab.errors import FlylabError, ParseError

# How long one call may take before it counts as unanswered (our choice: several times what a far bucket needs).
STORE_TIMEOUT = 10.0
# obstore's own repeats after a refused connection or a 5xx; more are up to whoever calls (our choice).
_RETRIES = 2

_FORMS = "use memory:///, file:///folder or s3://bucket/prefix"
_MISSING = (FileNotFoundError, NotFoundError)  # which of the two depends on obstore's version
_Result = TypeVar("_Result")


class StoreError(FlylabError):
    """The store did not answer, or refused: whether what was asked for happened is unknown."""


class Store(Protocol):
    """Objects under keys. ``shared`` is whether other machines see them."""

    @property
    def shared(self) -> bool: ...

    async def create(self, key: str, body: bytes) -> bool:
        """Put if absent: True when this call made the object, False when there is one.

        After an answer that was lost on its way, the object that is there may be the one that was put.
        """

    async def put(self, key: str, body: bytes) -> None:
        """Store the object, whether or not there is one."""

    async def get(self, key: str) -> bytes | None:
        """The object, or None when there is none."""

    async def keys(self, prefix: str, *, after: str = "") -> list[str]:
        """The keys under a folder (``rooms/blue/``), in order; only those that sort after ``after``."""

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are gone already are no error."""


def open_store(url: str, *, timeout: float = STORE_TIMEOUT) -> Store:
    """The store at ``memory:///``, ``file:///folder`` (made if absent) or ``s3://bucket/prefix``.

    For a bucket, endpoint and credentials are read by obstore from the environment (``AWS_…``).
    """
    try:
        parts = urlsplit(url)
    except ValueError as exc:
        raise ParseError("store", url, f"{exc}; {_FORMS}") from exc
    fits = {
        "memory": not parts.netloc and parts.path == "/",
        "file": url.startswith("file:///") and parts.path != "/",
        "s3": bool(parts.netloc),
    }
    if not fits.get(parts.scheme) or parts.query or parts.fragment or parts.username:
        raise ParseError("store", url, _FORMS)
    try:
        if parts.scheme == "file":
            objects = from_url(url, mkdir=True)
        elif parts.scheme == "s3":
            retries = {"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=timeout)}
            objects = from_url(url, retry_config=retries)  # type: ignore[call-overload] # its type cannot be imported
        else:
            objects = from_url(url)
    except (BaseError, ValueError, TypeError, OSError) as exc:
        raise ParseError("store", url, _first_line(exc)) from exc
    return ObjectsStore(objects, url, timeout=timeout)


class ObjectsStore:
    """A `Store` over one of obstore's."""

    def __init__(self, objects: ObjectStore, url: str, *, timeout: float = STORE_TIMEOUT) -> None:
        self.shared = not url.startswith("memory:")
        self._objects = objects
        self._url = url
        self._timeout = timeout

    async def create(self, key: str, body: bytes) -> bool:
        try:
            await self._answer(obstore.put_async(self._objects, key, body, mode="create", use_multipart=False), key)
        except AlreadyExistsError:
            return False
        except _MISSING as exc:
            raise self._failed(key, exc) from exc
        return True

    async def put(self, key: str, body: bytes) -> None:
        try:
            # In parts, a big object would leave its parts behind when the machine dies in between.
            await self._answer(obstore.put_async(self._objects, key, body, use_multipart=False), key)
        except _MISSING as exc:
            raise self._failed(key, exc) from exc

    async def get(self, key: str) -> bytes | None:
        try:
            return await self._answer(self._read(key), key)
        except _MISSING:
            return None

    async def keys(self, prefix: str, *, after: str = "") -> list[str]:
        listing = obstore.list(self._objects, prefix, offset=after or None)
        try:
            found = await self._answer(listing.collect_async(), prefix)
        except _MISSING:
            return []
        return sorted(meta["path"] for meta in found)

    async def delete(self, keys: Sequence[str]) -> None:
        if not keys:
            return
        try:
            await self._answer(obstore.delete_async(self._objects, keys), keys[0])
        except _MISSING:
            # A folder stops at the first that is missing.
            for key in keys:
                with suppress(*_MISSING):
                    await self._answer(obstore.delete_async(self._objects, key), key)

    async def _read(self, key: str) -> bytes:
        found = await obstore.get_async(self._objects, key)
        return bytes(await found.bytes_async())

    async def _answer(self, call: Awaitable[_Result], key: str) -> _Result:
        try:
            async with asyncio.timeout(self._timeout):
                return await call
        except TimeoutError as exc:
            raise StoreError(f"the store {self._url} did not answer within {self._timeout:g} s for {key}") from exc
        except (*_MISSING, AlreadyExistsError):
            raise
        except (BaseError, OSError, ValueError) as exc:
            raise self._failed(key, exc) from exc

    def _failed(self, key: str, exc: Exception) -> StoreError:
        return StoreError(f"the store {self._url} failed for {key}: {_first_line(exc)}")


def _first_line(exc: Exception) -> str:
    # obstore's messages go on with a dump of the error's inner structure.
    return str(exc).strip().splitlines()[0] if str(exc).strip() else type(exc).__name__
