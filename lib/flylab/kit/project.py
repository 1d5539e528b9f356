"""Where the project's folders are, and whether a person is looking at the notebook."""

import os
from pathlib import Path

from flylab.errors import UsageError


def root() -> Path:
    """The folder that holds ``notebooks/``: the checkout this package was installed from, else the working folder."""
    here = Path(__file__).resolve().parents[3]
    for folder in (here, Path.cwd(), *Path.cwd().parents):
        if (folder / "notebooks").is_dir():
            return folder
    raise UsageError("cannot find the folder 'notebooks': run this inside a checkout of flylab")


def build() -> Path:
    """Where results go: ``build/`` of the checkout, or the folder that FLYLAB_BUILD names."""
    chosen = os.environ.get("FLYLAB_BUILD")
    return Path(chosen).resolve() if chosen else root() / "build"


def interactive() -> bool:
    """True in JupyterLab, false under papermill and nbval: only the lab sets JPY_SESSION_NAME."""
    return "JPY_SESSION_NAME" in os.environ
