"""The root folder of a machine at its start: new, or the one of before where its configuration says so.

``rootfs.persist`` is documented (machines-resource, reference/configuration): ``restart`` keeps the root file system
over starts, ``always`` over updates too. That an update ends what ``restart`` keeps is assumed.
"""

import shutil
from pathlib import Path

from flylab.wire.machine import Machine

_VERSION = "root-version"  # beside the root: which version of the machine wrote it
_PLATFORMS = ".fly"  # the platform's own, made anew at every start


def prepare(folder: Path, machine: Machine) -> Path:
    """The root below the machine's folder, without anything that the platform puts there. Raises ``OSError``."""
    home, mark = folder / "root", folder / _VERSION
    if home.is_symlink():  # put there by the machine itself; nothing is removed or written through it
        home.unlink()
    persist = persistence(machine)
    kept = persist == "always" or (persist == "restart" and _said(mark) == machine.version)
    _remove(home / _PLATFORMS if kept else home)
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    if persist == "never":
        mark.unlink(missing_ok=True)
    else:
        mark.write_text(machine.version, encoding="utf-8")
    return home


def persistence(machine: Machine) -> str:
    """``never``, ``restart`` or ``always``."""
    rootfs = machine.config.extra.get("rootfs")
    return str(rootfs.get("persist") or "never") if isinstance(rootfs, dict) else "never"


def _said(mark: Path) -> str:
    return mark.read_text(encoding="utf-8") if mark.is_file() else ""


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    shutil.rmtree(path, ignore_errors=True)
