"""Folders of volumes: copied as cheaply as the file system allows, measured and removed; everything here blocks.

Links are copied as links and never followed; sockets, pipes and devices are left out.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_CLONE = 0x40049409  # FICLONE of linux/fs.h: both files share their blocks until one is written (btrfs, XFS, bcachefs)
_PIECE = 1 << 20
_NO_SUCH_DATA = errno.ENXIO  # what SEEK_DATA says when only a hole is left
_NO_HOLES = (errno.EINVAL, errno.ENOTTY, errno.ENOTSUP)  # what it says where the file system knows none (lseek(2))


@dataclass(frozen=True, slots=True)
class Copy:
    """What was copied: bytes on disk, a digest of the list of files (not of what is in them), and whether the list was
    another one afterwards."""

    size: int
    digest: str
    changed: bool


class Stopped(Exception):
    """The copy was told to stop; what there was of it is removed."""


Stop = Callable[[], bool]


def copy_folder(source: Path, target: Path, stop: Stop) -> Copy:
    """Make ``target`` a copy of ``source``: whole and under its name, or not there at all."""
    part = target.with_name(f"{target.name}.part")
    for leftover in (part, target):
        remove_folder(leftover)
    part.mkdir(mode=0o700, parents=True)
    try:
        size, before = _survey(source)
        _fill(source, part, stop)
        _, after = _survey(source)
        part.rename(target)
    except BaseException:
        remove_folder(part)
        raise
    return Copy(size=size, digest=before, changed=before != after)


def used_bytes(folder: Path) -> int:
    """Bytes on disk of everything below; a folder that cannot be read counts as far as it can."""
    used = 0
    with contextlib.suppress(OSError):
        for _, found in _walk(folder):
            used += found.st_blocks * 512  # the unit of st_blocks, whatever the file system's own (stat(2))
    return used


def remove_folder(folder: Path) -> None:
    """Remove it with everything below, also below folders that nobody may enter; a link is removed, not followed."""
    if folder.is_symlink():
        folder.unlink()
        return
    with contextlib.suppress(OSError):
        folder.chmod(0o700)
        for path, found in _walk(folder):
            if stat.S_ISDIR(found.st_mode) and found.st_mode & 0o700 != 0o700:
                (folder / path).chmod(0o700)
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)


def _walk(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Everything below as relative path and status, a folder before what is in it and before it is entered."""
    waiting = [""]
    while waiting:
        below = waiting.pop()
        with os.scandir(folder / below) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            path = f"{below}/{name}" if below else name
            try:
                found = os.lstat(folder / path)
            except FileNotFoundError:  # removed by the machine in this moment
                continue
            yield path, found
            if stat.S_ISDIR(found.st_mode):
                waiting.append(path)


def _survey(folder: Path) -> tuple[int, str]:
    used, digest = 0, hashlib.sha256()
    for path, found in _walk(folder):
        used += found.st_blocks * 512
        digest.update(os.fsencode(f"{path}\0{found.st_mode}\0{found.st_size}\0{found.st_mtime_ns}\0"))
    return used, digest.hexdigest()


def _fill(source: Path, target: Path, stop: Stop) -> None:
    folders = []
    for path, found in _walk(source):
        if stop():
            raise Stopped
        try:
            if stat.S_ISDIR(found.st_mode):
                (target / path).mkdir(mode=0o700)
                folders.append((path, found))
            elif stat.S_ISLNK(found.st_mode):
                os.symlink(os.readlink(source / path), target / path)
            elif stat.S_ISREG(found.st_mode):
                _copy_file(source / path, target / path, stop)
        except FileNotFoundError:
            if not (target / path).parent.is_dir():
                raise
    for path, found in reversed(folders):  # last, or a folder that may not be written could not be filled
        os.utime(target / path, ns=(found.st_atime_ns, found.st_mtime_ns))
        (target / path).chmod(stat.S_IMODE(found.st_mode))


def _copy_file(source: Path, target: Path, stop: Stop) -> None:
    # Neither follows a link nor waits for a pipe that took the file's place.
    from_fd = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        found = os.fstat(from_fd)
        if not stat.S_ISREG(found.st_mode):
            return
        to_fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            if not _cloned(from_fd, to_fd):
                _copy_data(from_fd, to_fd, found.st_size, stop)
            os.fchmod(to_fd, stat.S_IMODE(found.st_mode))
            os.utime(to_fd, ns=(found.st_atime_ns, found.st_mtime_ns))
        finally:
            os.close(to_fd)
    finally:
        os.close(from_fd)


def _cloned(from_fd: int, to_fd: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(to_fd, _CLONE, from_fd)
    except OSError:
        return False
    return True


def _copy_data(from_fd: int, to_fd: int, size: int, stop: Stop) -> None:
    """Copy what is there and leave holes as holes: a database of 10 GB may take up one."""
    os.ftruncate(to_fd, size)
    at = 0
    while at < size:
        try:
            at = os.lseek(from_fd, at, os.SEEK_DATA)
            end = min(os.lseek(from_fd, at, os.SEEK_HOLE), size)
        except OSError as exc:
            if exc.errno == _NO_SUCH_DATA:
                return
            if exc.errno not in _NO_HOLES:
                raise
            end = size
        while at < end:
            if stop():
                raise Stopped
            piece = os.pread(from_fd, min(_PIECE, end - at), at)
            if not piece:  # cut off meanwhile
                return
            written = 0
            while written < len(piece):
                written += os.pwrite(to_fd, piece[written:], at + written)
            at += len(piece)
