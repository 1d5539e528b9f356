"""What is asked of a platform that may be about to end: nobody answers any more, and its process is still there."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from flylab.client.errors import TransportError
from flylab.kit.platform import STOP_SECONDS, Attached, Platform


async def ended(platform: Platform | Attached | None) -> bool:
    """Whether a platform of our own that has just not answered has ended; waits for the end of one that is ending."""
    if not isinstance(platform, Platform):
        return False
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(platform.ended(), STOP_SECONDS)
    return not platform.alive


async def unless_it_ends(platform: Platform | Attached | None, do: Callable[[], Awaitable[object]]) -> bool:
    """Whether that was done; false when our platform has ended or ends meanwhile, and with it all there was to do.

    The client goes on asking one that does not answer for some seconds, which is not waited for here.
    """
    if not isinstance(platform, Platform):
        await do()
        return True
    if not platform.alive:
        return False
    doing, end = asyncio.ensure_future(do()), asyncio.ensure_future(platform.ended())
    try:
        await asyncio.wait({doing, end}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            return False
        await doing
    except TransportError:
        if not await ended(platform):
            raise
        return False
    finally:
        doing.cancel()
        end.cancel()
        await asyncio.gather(doing, end, return_exceptions=True)
    return True
