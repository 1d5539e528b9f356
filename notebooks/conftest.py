"""nbval runs every chapter at its defaults; its data go to a folder of their own."""

import flylab  # noqa: F401  # first: it keeps jsonschema from compiling a grammar for two seconds

# isort: split
import os
from pathlib import Path

os.environ.setdefault("FLYLAB_BUILD", str(Path(__file__).resolve().parents[1] / "build" / "nbval"))
os.environ.pop("JPY_SESSION_NAME", None)
