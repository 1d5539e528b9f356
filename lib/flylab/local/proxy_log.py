"""The lines of the edges in the logs of apps, with Fly's codes: one file of bounded size for each app.

    Walk ──refusal──► ProxyLog ──► <state>/proxies/<app>/log, .1    read by api_logs.py beside those of the machines

A record has the mark ``p`` and, before its text, level, region of the edge and machine:
``2026-10-05T07:00:00.123Z p error ams 148e21d4b2c0a1 [PR03] …``. Whoever floods fills neither the disk nor the file:
the same again is counted (``rules/chatter.py``), and a file that is full is the older one of two.
"""

import shutil
from collections import OrderedDict
from pathlib import Path

from flylab.clock import Clock
from flylab.local.output import LogFile
from flylab.rules.chatter import Chatter
from flylab.wire.proxy_codes import PROXY_CODES, Level

_MOST = 1 << 20  # bytes of one file, of which there are two; our choice
_APPS = 256  # whose repetitions are remembered; our choice
_LONGEST = 2000  # characters of a line; our choice


class ProxyLog:
    """What the edges of one platform have to say about their apps."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._chatter: OrderedDict[str, Chatter] = OrderedDict()

    def path(self, app: str) -> Path:
        """The newest file of an app; it may not be there."""
        return self._folder / app / "log"

    def tell(self, app: str, code: str, text: str, *, region: str, machine: str = "") -> None:
        """An exchange of the app has ended by the proxy's doing, at the edge of ``region``."""
        known = PROXY_CODES.get(code)
        if known is None:  # such as a request that makes no sense, which is the client's
            return
        self._tell(app, known.level, region, machine, f"[{code}] {text}", kind=code)

    def say(self, app: str, text: str, *, region: str, machine: str) -> None:
        """The proxy has done something of its own: it started or stopped a machine."""
        self._tell(app, Level.INFO, region, machine, text, kind=text.partition(" in ")[0])

    def _tell(self, app: str, level: Level, region: str, machine: str, text: str, *, kind: str) -> None:
        chatter = self._chatter.setdefault(app, Chatter())
        self._chatter.move_to_end(app)
        if len(self._chatter) > _APPS:
            self._chatter.popitem(last=False)
        left_out = chatter.admit((kind, region, machine), self._clock.now())
        if left_out is not None:
            again = f" ({left_out} more like this were left out)" if left_out else ""
            self._write(app, level, region, machine, f"{text}{again}")

    def drop(self, app: str) -> None:
        """The app is deleted."""
        self._chatter.pop(app, None)
        shutil.rmtree(self._folder / app, ignore_errors=True)

    def _write(self, app: str, level: Level, region: str, machine: str, text: str) -> None:
        line = " ".join(text.split())[:_LONGEST]
        try:
            self.path(app).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            log = LogFile(str(self.path(app)), _MOST)
        except OSError:  # the disk is full or gone; requests go on
            return
        log.write(b"p", f"{level} {region} {machine or '-'} {line}\n".encode())
        log.close()
