"""flylab: running, measuring and explaining stateful rooms on Fly Machines, steered by the Fly-Replay header."""

import sys

# jsonschema loads rfc3987_syntax if it is there, and that compiles a grammar for two seconds in every process which
# shows a plotly figure or reads a notebook. jsonschema treats the package as optional, so we say that it is absent.
# Known upstream: python-jsonschema/jsonschema 1428, jupyter-server/jupyter_server 1559.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

__version__ = "0.1.0"
