"""Where the suite meets its kernels: at Unix sockets in a folder of its own, which nobody else can take.

Jupyter's TCP ports are picked free by whoever starts a kernel, and bound by the kernel a second later, on a busy
computer five. By then any other program may have one of them: the kernel dies of that, and the chapter has not begun.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

LONGEST = 103  # bytes of a path that fit into a Unix socket's address: 104 with the final zero on macOS, 108 on Linux
_NAME = "/99-5"  # what follows the folder: a kernel's number, and that of one of its five channels


class Meeting:
    """A folder for the sockets of all kernels of one suite; TCP where every folder for that has too long a name."""

    def __init__(self, *places: str) -> None:
        self.folder: Path | None = None
        for place in places or (tempfile.gettempdir(), "/tmp"):
            made = Path(tempfile.mkdtemp(prefix="flylab-", dir=place))
            if len(os.fsencode(f"{made}{_NAME}")) <= LONGEST:
                self.folder = made
                break
            made.rmdir()

    def of(self, number: int) -> Any:
        """How the manager of the kernel with this number is configured."""
        from traitlets.config import Config

        if self.folder is None:
            return Config()
        return Config({"ConnectionFileMixin": {"transport": "ipc", "ip": str(self.folder / str(number))}})

    def close(self) -> None:
        """Remove the folder; a kernel that still runs keeps what it has open."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
