"""The folders of volumes and snapshots below the state folder, and the clock that lets go of them when it is time.

rules ──MakeFolder, CopyFolder, DropFolder──► folders ──Copied──► rules
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Collection, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

from flylab import ids
from flylab.clock import Clock
from flylab.errors import FlylabError
from flylab.local.copying import Copy, Stop, Stopped, copy_folder, remove_folder, used_bytes
from flylab.rules.actions import CopyFolder, DropFolder, FolderAction, MakeFolder
from flylab.rules.volume_orders import Copied, CreateSnapshot, SweepVolumes, VolumeOrder
from flylab.rules.volume_records import SNAPSHOTS, VOLUMES
from flylab.rules.volumes import Volumes

_log = logging.getLogger(__name__)
_COPIES = 2  # at the same time; our choice, more only make a disk seek
_LONGEST = 60.0  # seconds between two looks: the wall clock may be set
_AGAIN = 1.0  # seconds until the next look at what is due and still in use


class VolumeFolders:
    """Owns ``volumes/`` and ``snapshots/``; ``apply`` is how the rules hear of it."""

    def __init__(
        self,
        folder: Path,
        rules: Volumes,
        *,
        apply: Callable[[VolumeOrder], None],
        insist: Callable[[VolumeOrder], None] | None = None,
        clock: Clock,
        rng: Random,
        copy: Callable[[Path, Path, Stop], Copy] = copy_folder,
    ) -> None:
        self._folder = folder
        self._rules = rules
        self._apply = apply
        self._insist = insist or self._tell  # for what has been done and cannot be refused
        self._clock = clock
        self._rng = rng
        self._copy = copy
        self._threads = ThreadPoolExecutor(_COPIES, "volumes")
        self._copies: dict[str, tuple[asyncio.Task[None], threading.Event]] = {}
        self._removals: set[asyncio.Task[None]] = set()
        self._timer: asyncio.Task[None] | None = None
        self._closing = False

    def path(self, kind: str, key: str) -> Path:
        return self._folder / kind / key

    def keep_only(self, volumes: Collection[str], copying: Collection[str], snapshots: Collection[str]) -> None:
        """Remove what belongs to nobody, left by a platform that was killed; make what is missing."""
        known = {VOLUMES: {*volumes, *copying}, SNAPSHOTS: set(snapshots)}
        for kind, names in known.items():
            for folder in self._folder.glob(f"{kind}/*/"):
                if folder.name not in names:
                    remove_folder(folder)
        for volume in volumes:
            self.perform(MakeFolder(volume))

    def perform(self, action: FolderAction) -> None:
        match action:
            case MakeFolder(volume=volume):
                try:
                    self.path(VOLUMES, volume).mkdir(mode=0o700, parents=True, exist_ok=True)
                except OSError as exc:  # tried again by whoever mounts it, who can say so
                    _log.error("cannot make the folder of volume %s: %s", volume, exc)
            case CopyFolder(key=key):
                stop = threading.Event()
                self._copies[key] = (asyncio.create_task(self._fill(action, stop)), stop)
            case DropFolder():
                self._background(self._drop(action))

    async def settled(self, volumes: Collection[str], patience: float) -> None:
        """Wait until nothing is being copied into these, for so long at most."""
        tasks = [self._copies[volume][0] for volume in volumes if volume in self._copies]
        if tasks:
            await asyncio.wait(tasks, timeout=patience)

    async def measure(self, volumes: Collection[str]) -> dict[str, int]:
        """Bytes that each takes on this computer's disk."""
        paths = {volume: self.path(VOLUMES, volume) for volume in volumes}
        return await asyncio.to_thread(lambda: {volume: used_bytes(path) for volume, path in paths.items()})

    def watch(self) -> None:
        """Something has changed: see anew when the next thing is due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._closing and self._rules.next_due() is not None:
            self._timer = asyncio.create_task(self._tick())

    async def close(self) -> None:
        """End all copies and wait for the threads; what was not finished is done anew by the next platform."""
        self._closing = True
        self.watch()
        for _, stop in self._copies.values():
            stop.set()
        tasks = [*(task for task, _ in self._copies.values()), *self._removals]
        if tasks:
            await asyncio.wait(tasks)
        self._threads.shutdown(wait=False)

    async def _fill(self, action: CopyFolder, stop: threading.Event) -> None:
        source, target = self.path(action.from_kind, action.from_key), self.path(action.kind, action.key)
        loop = asyncio.get_running_loop()
        try:
            done = await loop.run_in_executor(self._threads, self._copy, source, target, stop.is_set)
            news = Copied(id=action.key, size=done.size, digest=done.digest, changed=done.changed)
        except (OSError, RecursionError, Stopped) as exc:
            news = Copied(id=action.key, failed=str(exc) or "it was stopped")
            if not isinstance(exc, Stopped):
                _log.error("cannot copy %s %s to %s: %s", action.from_kind, action.from_key, action.key, exc)
        finally:
            self._copies.pop(action.key, None)
        if not self._closing:
            self._insist(news)

    async def _drop(self, action: DropFolder) -> None:
        if action.key in self._copies:
            task, stop = self._copies[action.key]
            stop.set()
            await asyncio.wait([task])
        await asyncio.to_thread(remove_folder, self.path(action.kind, action.key))

    async def _tick(self) -> None:
        while (due := self._rules.next_due()) is not None:
            left = due - self._clock.wall()
            if left <= 0:
                self._tell(SweepVolumes())
                for volume in self._rules.due_backups(self._clock.wall()):
                    key = ids.snapshot_id(self._rng)
                    self._tell(CreateSnapshot(id=key, app=volume.app, volume=volume.id))
                left = _AGAIN
            await self._clock.sleep(min(left, _LONGEST))

    def _tell(self, news: VolumeOrder) -> None:
        try:
            self._apply(news)
        except FlylabError as exc:
            _log.error("%s was not taken: %s", type(news).__name__, exc)

    def _background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._removals.add(task)
        task.add_done_callback(self._removals.discard)
