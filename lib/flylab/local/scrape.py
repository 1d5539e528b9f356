"""Asks machines for their own metrics (config `metrics`): Fly does every 15 s, here it is done when somebody asks."""

import asyncio
import http.client
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from flylab.local.exposition import Family, relabelled

MOST = 16 * 1024 * 1024  # bytes of one machine (monitoring/metrics)
_PATIENCE = 5.0  # seconds for one machine; our choice
_IN_ALL = 4 * MOST  # bytes of all machines together; our choice
_AT_ONCE = 4  # machines asked at the same time; our choice
_CHUNK = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a machine tells its metrics, and the labels that say whose they are."""

    host: str
    port: int
    path: str
    https: bool
    labels: Mapping[str, str]


async def scrape(
    sources: list[Source], *, most: int = MOST, in_all: int = _IN_ALL, patience: float = _PATIENCE
) -> tuple[list[Family], list[tuple[Source, str]]]:
    """What all of them say, and of those that could not be read why."""
    left = in_all
    turn, loop = asyncio.Semaphore(_AT_ONCE), asyncio.get_running_loop()
    # Threads of their own: a machine that takes its time must not keep others from the loop's.
    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="scrape")

    async def one(source: Source) -> list[Family]:
        nonlocal left
        async with turn, asyncio.timeout(2 * patience):
            if left <= 0:
                raise ValueError(f"all machines together say more than {in_all} bytes")
            body = await loop.run_in_executor(pool, _ask, source, most, patience)
            left -= len(body)
            return await loop.run_in_executor(pool, relabelled, body.decode("utf-8", "replace"), source.labels)

    try:
        told = await asyncio.gather(*(one(source) for source in sources), return_exceptions=True)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    families: list[Family] = []
    failed: list[tuple[Source, str]] = []
    for source, said in zip(sources, told, strict=True):
        if isinstance(said, BaseException):
            if not isinstance(said, (OSError, http.client.HTTPException, ValueError)):
                raise said
            failed.append((source, str(said) or type(said).__name__))
        else:
            families += said
    return families, failed


def _ask(source: Source, most: int, patience: float) -> bytes:
    deadline = time.monotonic() + patience
    connection: http.client.HTTPConnection
    if source.https:
        # A machine's certificate is its own business; Fly does not say that it is checked.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(source.host, source.port, timeout=patience, context=context)
    else:
        connection = http.client.HTTPConnection(source.host, source.port, timeout=patience)
    try:
        connection.request("GET", source.path)
        answer = connection.getresponse()
        if answer.status != 200:
            raise ValueError(f"it answers with status {answer.status}")
        body = bytearray()
        while piece := answer.read1(_CHUNK):
            body += piece
            if len(body) > most:
                raise ValueError(f"it says more than {most} bytes")
            if time.monotonic() > deadline:
                raise TimeoutError(f"it takes more than {patience:g} s")
    finally:
        connection.close()
    return bytes(body)
