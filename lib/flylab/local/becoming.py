"""How a forked child of the supervisor turns into a machine's program.

It imports the standard library alone, because the supervisor does.
"""

import errno
import os
from typing import NoReturn

from flylab.local.confinement import Confinement
from flylab.local.descendants import start_session


def become(
    argv: list[str],
    env: dict[str, str],
    cwd: str,
    outputs: tuple[int, int],
    parent: int,
    report: int,
    confinement: Confinement,
) -> NoReturn:
    """In the forked child: turn into the machine's program."""
    try:
        start_session(parent)
        confinement.enter()
        os.chdir(cwd)
        for target, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, outputs[0]), (2, outputs[1])):
            os.dup2(source, target)
        os.execvpe(argv[0], argv, env)
    except (OSError, ValueError) as exc:  # ValueError: a text that no environment or argument can hold
        os.write(report, str(getattr(exc, "errno", None) or errno.EINVAL).encode())
    finally:
        os._exit(127)
