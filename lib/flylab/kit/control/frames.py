"""A room in several frames side by side, each through another region's edge, with how long edits take between them."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import anywidget
import traitlets

from flylab.errors import UsageError
from flylab.kit.control.deeds import check_region, check_room, city
from flylab.kit.target import Lab

MOST = 4  # more do not fit beside each other; our choice


def address(lab: Lab, app: str, room: str, region: str) -> str:
    """Where a browser opens the room through that region's edge."""
    check_region(lab, region)
    return f"{lab.room_url(app, region)}/rooms/{check_room(room)}"


class Frames(anywidget.AnyWidget):
    """``arrivals`` says of each way between two frames how long the last edit took, in ms, the median, and of how many.

    The times are taken in the browser, from an edit's leaving one page until its coming to the other.
    """

    _esm = files("flylab.kit.control").joinpath("static/frames.js").read_text(encoding="utf-8")
    _css = files("flylab.kit.control").joinpath("static/frames.css").read_text(encoding="utf-8")
    frames: Any = traitlets.List().tag(sync=True)
    arrivals: Any = traitlets.List().tag(sync=True)

    def show(self, lab: Lab, app: str, room: str, regions: Sequence[str]) -> str:
        """Open the room in a frame for each region, in place of whatever was shown."""
        if not 1 <= len(regions) <= MOST or len(set(regions)) != len(regions):
            raise UsageError(f"rooms are shown from 1 to {MOST} different regions, not from {list(regions)}")
        self.arrivals = []
        self.frames = [
            {"city": city(region), "region": region, "url": address(lab, app, room, region)} for region in regions
        ]
        return f"The room {room} as it is seen from {', '.join(map(city, regions))}."

    def hide(self) -> str:
        """Nobody is in the room by these frames any more."""
        self.frames = []
        return "The frames are closed."

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        note = "Three rooms side by side can be seen in JupyterLab alone: they need the platform that they live on."
        data = dict(data or {}) | {"text/html": f"<p><small>{note}</small></p>"}
        return (data, bundle[1]) if isinstance(bundle, tuple) else data
