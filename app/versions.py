"""Which versions run here; looked up on the first question, not at start."""

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from app.protocol import VERSION

_PACKAGES = ("quart", "uvicorn", "uvloop", "websockets", "msgspec", "obstore")


@cache
def versions() -> dict[str, str]:
    """Name and version of what the room server is made of; a package that is not installed is left out."""
    found = {"protocol": str(VERSION), "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
