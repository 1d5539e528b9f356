"""Stores for the tests: a real S3 server on loopback, one in this process that can fail, and a loop in virtual time."""

import asyncio
import itertools
import logging
import os
import selectors
import threading
import urllib.request
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from app.store import StoreError

_Result = TypeVar("_Result")
_prefixes = itertools.count(1)
PAGE = 100  # keys in an answer of the S3 server (1,000 on S3 itself, which took six seconds to exceed)


@contextmanager
def serve_bucket() -> Iterator[str]:
    """moto's S3 server with the bucket ``rooms``, until the block ends; yields its address.

    moto looks for the object and writes it in two steps. One request at a time makes ``If-None-Match: *`` a promise.
    """
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application = DomainDispatcherApplication(create_backend_app)
    turn = threading.Lock()

    def one_at_a_time(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        with turn:
            return list(application(environ, start))

    server = make_server("127.0.0.1", 0, one_at_a_time, threaded=True, request_handler=MotoRequestHandler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request"}
    urllib.request.urlopen(urllib.request.Request(f"{address}/rooms", method="PUT", headers=signed)).close()
    yield address
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """The address of an S3 server, with the environment set so that ``s3://rooms/…`` is on it."""
    with serve_bucket() as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", str(PAGE))
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ENDPOINT", address)
        patch.setenv("AWS_ALLOW_HTTP", "true")
        patch.setenv("AWS_REGION", "us-east-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        yield address


@pytest.fixture(params=["memory", "file", "s3"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store of each kind."""
    if request.param == "s3":
        request.getfixturevalue("bucket")
        return f"s3://rooms/test-{next(_prefixes)}/deep"
    return (tmp_path / "made" / "here").as_uri() if request.param == "file" else "memory:///"


class Shelf:
    """A `Store` in this process whose answers can be late, lost or refused.

    ``before`` is awaited before a call is carried out, ``after`` before its answer; either may raise `StoreError`. Both
    get the name of the call and the key.
    """

    shared = True

    def __init__(self, objects: dict[str, bytes] | None = None) -> None:
        self.objects: dict[str, bytes] = {} if objects is None else objects
        self.calls: list[tuple[str, str]] = []
        self.before: Callable[[str, str], Awaitable[None]] = self._pass
        self.after: Callable[[str, str], Awaitable[None]] = self._pass

    @staticmethod
    async def _pass(call: str, key: str) -> None:
        pass

    async def _carry_out(self, call: str, key: str, act: Callable[[], _Result]) -> _Result:
        self.calls.append((call, key))
        await asyncio.sleep(0)
        await self.before(call, key)
        result = act()
        await self.after(call, key)
        return result

    async def create(self, key: str, body: bytes) -> bool:
        def act() -> bool:
            made = key not in self.objects
            self.objects.setdefault(key, body)
            return made

        return await self._carry_out("create", key, act)

    async def put(self, key: str, body: bytes) -> None:
        await self._carry_out("put", key, lambda: self.objects.update({key: body}))

    async def get(self, key: str) -> bytes | None:
        return await self._carry_out("get", key, lambda: self.objects.get(key))

    async def keys(self, prefix: str, *, after: str = "") -> list[str]:
        return await self._carry_out(
            "list", prefix, lambda: sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        )

    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            await self._carry_out("delete", key, lambda key=key: self.objects.pop(key, None))


class Refused(StoreError):
    """What a `Shelf` in a test raises."""


class _Jump(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000_000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("everybody waits for somebody else")
        if not ready and timeout:
            self.now += timeout
        return ready


class _JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now


def run_virtually(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run a coroutine on a loop whose clock jumps to the next timer when nothing else is to be done."""
    with asyncio.Runner(loop_factory=_JumpingLoop) as runner:
        return runner.run(work)
