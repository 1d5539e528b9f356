"""What the control room's rows of controls are made of, and the row that plays the story."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ipywidgets import HTML, BoundedFloatText, Button, Dropdown, HBox, Layout, VBox

from flylab.errors import UsageError
from flylab.kit.control.deeds import city
from flylab.kit.control.picture import Picture
from flylab.kit.control.storyboard import Now, Phase
from flylab.kit.target import Lab
from flylab.kit.widgets import AUTO, Do

if TYPE_CHECKING:
    from flylab.kit.control.panel import ControlRoom

WIDE, NARROW = Layout(width="19em"), Layout(width="14em")
LABELS = {"description_width": "initial"}


def places(lab: Lab) -> list[tuple[str, str]]:
    """The regions for a list to choose from, by city: ``("Tokyo (nrt)", "nrt")``."""
    return sorted((f"{city(region)} ({region})", region) for region in lab.edges)


def row(*children: Any) -> HBox:
    return HBox(children, layout=Layout(flex_flow="row wrap", align_items="center", grid_gap="0 8px"))


class Part(VBox):  # type: ignore[misc]
    """Some rows of controls."""

    def __init__(self, room: "ControlRoom", rows: Sequence[Any]) -> None:
        self.room = room
        super().__init__(list(rows))

    def pick(self, chosen: str) -> None:
        """Somebody chose a machine or a region in the world."""

    def look(self, picture: Picture) -> None:
        """Machines or faults are others than before."""


def button(room: "ControlRoom", name: str, text: str, tip: str, do: Do) -> Button:
    """A button that does this when it is clicked; ``name`` is what tests press."""
    made = Button(description=text, tooltip=tip, layout=AUTO)
    room.when_clicked(name, made, do)
    return made


def choice(label: str, options: Sequence[Any], value: Any = None, layout: Layout = WIDE) -> Dropdown:
    return Dropdown(description=label, options=options, value=value, layout=layout, style=LABELS)


def number(label: str, value: float, least: float, most: float) -> BoundedFloatText:
    step = 1 if value == int(value) else 0.1
    wide = Layout(width=f"{0.5 * len(label) + 7:g}em")  # the label as it is, and room for six digits
    return BoundedFloatText(description=label, value=value, min=least, max=most, step=step, layout=wide, style=LABELS)


class StoryBar(Part):
    """Play, pause, next, again."""

    def __init__(self, room: "ControlRoom") -> None:
        story = room.story
        tip = "It drives everything by itself and explains each step"
        self.play = button(room, "play", "Play the story", tip, self._play)
        self.stop = button(room, "pause", "Pause", "After the step that is under way", self._pause)
        self.step = button(room, "next", "Next step", "One step, then it waits", self._next)
        tip = "From the beginning, on another platform if this one has ended"
        self.anew = button(room, "again", "Again", tip, self._again)
        self.clean = button(room, "set-up", "Set up anew", "Stop all machines, mend all that is broken", room.set_up)
        self.where = HTML(f"{story.title}, in {len(story.steps)} steps.")
        super().__init__(room, [row(self.play, self.stop, self.step, self.anew, self.clean, self.where)])

    def at(self, now: Now) -> None:
        self.play.description = "Go on" if now.phase is Phase.PAUSED else "Play the story"
        words = {Phase.DONE: "the end", Phase.FAILED: "ended early", Phase.PLAYING: "under way"}
        self.where.value = f"Step {now.number} of {now.of}: {words.get(now.phase, 'paused')}."

    async def _play(self) -> str:
        await self.room.quiet()
        return self._said(await self.room.story.play())

    async def _next(self) -> str:
        await self.room.quiet()
        return self._said(await self.room.story.next())

    async def _again(self) -> str:
        await self.room.quiet(anew=True)
        return self._said(await self.room.story.again())

    async def _pause(self) -> str:
        if self.room.story.phase is not Phase.PLAYING:
            raise UsageError("the story is not playing")
        self.room.story.pause()
        return "It pauses after this step."

    def _said(self, outcomes: Sequence[Any]) -> str:
        story = self.room.story
        if story.phase is Phase.DONE:
            return f"The end: all {len(outcomes)} steps were seen to be so."
        return f"Paused after step {len(outcomes)} of {len(story.steps)}. {story.now.seen}"
