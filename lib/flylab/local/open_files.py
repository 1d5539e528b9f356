"""How many files may be open at once, and how many clients of an edge that leaves room for."""

import contextlib
import resource

_MOST = 131_072  # files that are asked for: for two edges that are full; our choice
_LEAST = (65_536, 24_576, 10_240)  # where so many cannot be had though nothing says so; macOS refuses above 10,240
_ELSE = 256  # files for everything but clients: the API, the store, listeners, machines' output; our choice
_FEW = 1000  # clients; with room for fewer it is said at the start; our choice


def allow_many_files() -> int:
    """Raise the soft limit as far as it may be: every machine's ports and connections are files; returns it.

    Shells often allow 1024 though more may be had.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for most in (_MOST, *_LEAST):
        wanted = most if hard == resource.RLIM_INFINITY else min(hard, most)
        if soft == resource.RLIM_INFINITY or soft >= wanted:
            break
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            break
    return files()


def files() -> int:
    """How many this process may open."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _MOST if soft == resource.RLIM_INFINITY else soft


def room(connections: int, files: int) -> int:
    """Clients that an edge has room for: each pipe needs two files, and some are left for everything else."""
    return min(connections, max(16, (files - _ELSE) // 2))


def shortage(connections: int, files: int, *, asked: bool) -> str:
    """What to tell whoever ``asked`` for so many connections, or has room for hardly any; nothing when all is well."""
    found = room(connections, files)
    if found >= connections or not (asked or found < _FEW):
        return ""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return (
        f"an edge has room for {found} connections and not for {connections}, which need {2 * connections + _ELSE}"
        f" open files: {files} may be opened here, and `ulimit -Hn`, which is {hard}, says how far that can be raised"
    )
