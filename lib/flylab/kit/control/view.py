"""The control room's widget: what a feed gives, as messages to the page that draws it (static/control.js).

Messages and not traits carry the stream: a trait is state that is kept, compared and sent whole. A page that falls
behind is not sent more until it has caught up, and is then told everything at once.
"""

from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import traitlets

from flylab.errors import UsageError
from flylab.kit.control.bundle import script, style
from flylab.kit.control.feed import Feed
from flylab.kit.control.recording import Recording
from flylab.kit.control.scene import scene
from flylab.kit.control.still import still

Json = dict[str, Any]
Picked = Callable[[str], object]

AHEAD = 30  # batches, three seconds, that may be under way to a page before it is waited for; our choice


class World(anywidget.AnyWidget):
    """The world of a feed as it happens, or of a recording as it was; any number of pages may show it at once."""

    _esm = script()
    _css = style()
    scene = traitlets.Dict().tag(sync=True)
    recording = traitlets.Dict().tag(sync=True)
    caption = traitlets.Dict().tag(sync=True)

    def __init__(self, source: Feed | Recording) -> None:
        self.feed = source if isinstance(source, Feed) else None
        self._sent = self._seen = 0
        self._behind = True  # nobody has asked for anything yet
        self._picked: list[Picked] = []
        self._end: Callable[[], None] = lambda: None
        if isinstance(source, Recording):
            told = source.to_json()
            super().__init__(scene=told["scene"], recording=told)
        else:
            super().__init__(scene=scene(), recording={})
            self._end = source.listen(self._hear)
        self.on_msg(self._message)

    def on_pick(self, callback: Picked) -> None:
        """Call it with the id of the machine, or the code of the region, that somebody chose; ``""`` for none."""
        self._picked.append(callback)

    def close(self) -> None:
        """Show nothing more; twice does no harm."""
        self._end()
        super().close()

    @traitlets.validate("caption")
    def _check_caption(self, proposal: Mapping[str, Any]) -> Json:
        caption = dict(proposal["value"])
        for key, value in caption.items():
            if key not in _CAPTION:
                raise UsageError(f"a caption has no {key!r}; it has {', '.join(_CAPTION)}")
            if not isinstance(value, _CAPTION[key]):
                raise UsageError(f"the {key} of a caption is {value!r}: {_CAPTION[key].__name__} is expected")
        return caption

    @traitlets.observe("caption")
    def _captioned(self, change: Mapping[str, Any]) -> None:
        if self.feed is not None:
            self.feed.say(change["new"])

    def _hear(self, batch: Json) -> None:
        if self._behind:
            return
        if self._sent - self._seen >= AHEAD:
            self._behind = True  # it gets everything when it is back
            return
        self._sent += 1
        self.send({"batch": batch, "n": self._sent})

    def _message(self, _: object, content: Any, __: object) -> None:
        """What pages say: ``hello`` when they begin, ``seen`` as they go on, ``pick`` when somebody chose."""
        if not isinstance(content, dict):
            return
        match content.get("t"):
            case "hello":
                self._tell_all(str(content.get("view", "")))
            case "seen" if isinstance(content.get("n"), int):
                self._seen = max(self._seen, min(content["n"], self._sent))
                if self._behind and self._sent - self._seen < AHEAD:
                    self._tell_all("")
            case "pick":
                chosen = str(content.get("machine") or content.get("region") or "")
                for callback in self._picked:
                    callback(chosen)

    def _tell_all(self, view: str) -> None:
        """Everything that is known, to one page that begins or to all that fell behind."""
        if self.feed is None:
            return
        self._behind = False
        self._sent += 1
        if view:
            self._seen = self._sent  # somebody is there who reads
        self.send({"batch": self.feed.picture.whole(self.feed.clock.wall()), "n": self._sent, "for": view})

    def still(self) -> str:
        """As it looks now, for a page without a kernel and without JavaScript."""
        if self.feed is None:
            return still(Recording.from_json(self.recording))
        return still(Recording(frames=[{"at": 0.0, "batch": self.feed.picture.whole(self.feed.clock.wall())}]))

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        data = dict(data or {})
        note = "<p><small>As it looked in this run. Open the notebook in JupyterLab to use it.</small></p>"
        data["text/html"] = note + self.still()
        return (data, bundle[1]) if isinstance(bundle, tuple) else data


_CAPTION: Mapping[str, type] = {"title": str, "text": str, "step": int, "of": int}
