"""The log of a room server: one JSON object per line on standard output, with room, epoch and seq where it can."""

import json
import logging
import sys
import time
from typing import Any

LOG = logging.getLogger("app")


class Lines(logging.Formatter):
    """One line per record: ``at``, ``level``, ``event`` and whatever was said with it."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps(said, default=str)


def set_up() -> None:
    """Log to standard output from now on; uvicorn's own lines only from warnings on."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Lines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


def say(event: str, **fields: Any) -> None:
    """Log something that happened, such as ``say("epoch begins", room="blue", epoch=3, seq=17)``."""
    LOG.info(event, extra={"fields": fields})


def warn(event: str, **fields: Any) -> None:
    """Log something that should not happen but does."""
    LOG.warning(event, extra={"fields": fields})
