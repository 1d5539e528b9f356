"""A suite over small chapters of its own, in a process of its own, and a look at what is left of it."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

MARK = "FLYLAB_TEST_OF"


class Trial:
    """Chapters go to ``notebooks``; everything that the suite starts can be told by ``mark``."""

    def __init__(self, folder: Path) -> None:
        self.notebooks, self.build, self.mark = folder / "notebooks", folder / "build", str(folder)
        self.process: subprocess.Popen[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        # A platform keeps its state below TMPDIR, and its machines work there: that tells them from others.
        return {**os.environ, "FLYLAB_BUILD": str(self.build), MARK: self.mark, "TMPDIR": self.mark}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        code = "import sys; from flylab.kit.suite import main; sys.exit(main(sys.argv[1:]))"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "--folder", str(self.notebooks), *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self.process

    def run(self, *arguments: str) -> tuple[int, str, str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=90)
        return process.returncode, out, err

    def left(self) -> list[psutil.Process]:
        """Every process that was started below the suite and still runs."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                ours = process.environ().get(MARK) == self.mark or process.cwd().startswith(self.mark)
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def close(self) -> None:
        """End the suite and whatever it left, and fail if it left anything."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.process.communicate(timeout=30)
        left = self.left()
        for process in left:
            process.kill()
        assert not left, left
