"""``/.fly/api`` in every machine: a Unix socket with the Machines API under the machine's own rights, without a token.

A machine's root is a folder here, so the socket is ``.fly/api`` in it. Its path is also in the environment, as
``FLYLAB_API_SOCKET``. It is there before the machine's process is, and is removed when that has ended.
"""

import asyncio
import contextlib
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

VARIABLE = "FLYLAB_API_SOCKET"
_FOLDER, _NAME = ".fly", "api"
_LONGEST = 103  # bytes of a path that fit into a Unix socket's address: 104 with the final zero on macOS, 108 on Linux
_DESCRIPTORS = Path("/proc/self/fd")  # Linux alone has it
_BACKLOG = 64  # our choice; a machine that needs more waits

Protocols = Callable[[], asyncio.Protocol]


class Doors:
    """The open sockets of all machines that run; ``attach`` says who answers behind them."""

    def __init__(self, descriptors: Path = _DESCRIPTORS) -> None:
        self._descriptors = descriptors
        self._behind: Callable[[str], Protocols] | None = None
        self._open: dict[str, tuple[socket.socket, Path]] = {}
        self._servers: dict[str, asyncio.AbstractServer] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def attach(self, behind: Callable[[str], Protocols]) -> None:
        """``behind(machine id)`` makes a protocol for every connection of that machine."""
        self._behind = behind

    def open(self, machine_id: str, home: Path) -> dict[str, str]:
        """Listen below this folder, which is new; the variables that tell the machine where. Raises ``OSError``."""
        if self._behind is None:
            return {}
        (home / _FOLDER).mkdir(mode=0o700)
        listener = _listen(home / _FOLDER, self._descriptors)
        self._open[machine_id] = (listener, home)
        # Connections wait in the backlog until the event loop has taken it over, one step later.
        task = asyncio.get_running_loop().create_task(self._serve(machine_id, listener, self._behind(machine_id)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        path = home / _FOLDER / _NAME
        # A longer path can be reached from the folder that the machine starts in only.
        return {VARIABLE: str(path) if len(os.fsencode(path)) <= _LONGEST else f"{_FOLDER}/{_NAME}"}

    async def _serve(self, machine_id: str, listener: socket.socket, protocols: Protocols) -> None:
        if not self._is_open(machine_id, listener):  # the machine has ended before it began
            listener.close()
            return
        server = await asyncio.get_running_loop().create_unix_server(protocols, sock=listener)
        if self._is_open(machine_id, listener):
            self._servers[machine_id] = server
        else:
            server.close()

    def _is_open(self, machine_id: str, listener: socket.socket) -> bool:
        return machine_id in self._open and self._open[machine_id][0] is listener

    def close(self, machine_id: str) -> None:
        """Stop listening and remove the socket; a machine without one is fine."""
        opened = self._open.pop(machine_id, None)
        if opened is None:
            return
        _, home = opened
        if server := self._servers.pop(machine_id, None):
            server.close()  # with the listener; without a server `_serve` is on its way and does it
        # The machine's process could have put a link in the place of the folder: it is not followed.
        with contextlib.suppress(OSError):
            folder = os.open(home / _FOLDER, os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                os.unlink(_NAME, dir_fd=folder)
            finally:
                os.close(folder)

    def close_all(self) -> None:
        for machine_id in list(self._open):
            self.close(machine_id)


def _listen(folder: Path, descriptors: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    try:
        with _short(folder, descriptors) as way:
            listener.bind(f"{way}/{_NAME}")
            os.chmod(f"{way}/{_NAME}", 0o600)  # fchmod before it is bound would do on Linux alone
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


@contextlib.contextmanager
def _short(folder: Path, descriptors: Path) -> Iterator[str]:
    """A path of the folder that fits into an address however deep it lies, while the context lasts."""
    if descriptors.is_dir():
        descriptor = os.open(folder, os.O_DIRECTORY)
        try:
            yield str(descriptors / str(descriptor))
        finally:
            os.close(descriptor)
        return
    # macOS: a link to the folder, in a folder of ours. Its own folder for temporary files is some 50 bytes deep.
    with tempfile.TemporaryDirectory(prefix="fly-") as place:
        link = Path(place, "d")
        link.symlink_to(folder.absolute(), target_is_directory=True)
        yield str(link)
