"""Reasons for the platform to end: a signal, or the death, however it came, of the process that started it."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PAUSE = 0.5  # seconds between looks where the kernel has no pidfd; our choice


def on_signals(ended: Callable[[], None]) -> Callable[[], None]:
    """Call ``ended`` for every signal that asks for the end; the returned function gives them back.

    A hang-up that was ignored when we started stays ignored: under ``nohup`` it is nobody's wish to end. (SIGINT is not
    treated so: a shell without job control ignores it for whatever it starts in the background.)
    """
    loop = asyncio.get_running_loop()
    deaf = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    heard = [number for number in SIGNALS if not (deaf and number is signal.SIGHUP)]
    for number in heard:
        loop.add_signal_handler(number, ended)

    def undo() -> None:
        for number in heard:
            loop.remove_signal_handler(number)

    return undo


def watch_parent(gone: Callable[[], None], parent: int, *, pause: float = PAUSE) -> Callable[[], None]:
    """Call ``gone`` once when the parent is no more; the returned function stops watching.

    ``parent`` is who it was when this process began, so that a death while it started is noticed too. A process that
    init started has nobody to watch.
    """
    loop = asyncio.get_running_loop()
    if parent <= 1:
        return lambda: None
    try:
        fd = os.pidfd_open(parent)
    except (AttributeError, OSError):
        return _poll(parent, gone, pause)

    def stop() -> None:
        loop.remove_reader(fd)
        with contextlib.suppress(OSError):
            os.close(fd)

    def readable() -> None:
        loop.remove_reader(fd)
        gone()

    loop.add_reader(fd, readable)
    if os.getppid() != parent:  # it died before; the number may be somebody else's by now
        loop.call_soon(gone)
    return stop


def _poll(parent: int, gone: Callable[[], None], pause: float) -> Callable[[], None]:
    async def look() -> None:
        while os.getppid() == parent:  # noqa: ASYNC110
            await asyncio.sleep(pause)  # the kernel tells only those who ask
        gone()

    looking = asyncio.create_task(look())

    def stop() -> None:
        looking.cancel()

    return stop
