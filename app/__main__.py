"""``python -m app``: the room server; settings come from the environment (docs/rooms.md)."""

import time

_STARTED = time.time()

import gc  # noqa: E402 - the time above is that of the first line

gc.disable()  # what is imported stays: to look through it again and again takes a twentieth of a start

import os  # noqa: E402
import sys  # noqa: E402

from app.boot import Boot  # noqa: E402
from app.config import Settings  # noqa: E402
from app.lean import leave_out_unused  # noqa: E402
from flylab.errors import FlylabError  # noqa: E402


def main() -> int:
    """Serve until told to stop; 0 after a clean end, 2 when what was asked for cannot be done."""
    try:
        settings = Settings.from_env(os.environ)
        _serve(settings, Boot(_STARTED))
    except FlylabError as exc:
        print(f"room server: {exc}", file=sys.stderr)
        return 2
    return 0


def _serve(settings: Settings, boot: Boot) -> None:
    # Imported here, so that a wrong setting is told in a tenth of the time.
    leave_out_unused()
    from app import logs
    from app.server import bind, serve
    from app.site import open_site

    gc.freeze()
    gc.enable()
    logs.set_up()
    boot.mark("imported")
    place = settings.place
    kind = f"lobby for {settings.rooms_app}" if settings.lobby else f"rooms at {settings.rooms_url}"
    with bind(settings.host, settings.port) as sock:
        serve(
            open_site(settings, boot),
            sock,
            announce=lambda address: print(
                f"room server: {address} (app {place.app}, machine {place.machine}, region {place.region}, {kind})",
                flush=True,
            ),
        )


if __name__ == "__main__":
    sys.exit(main())
