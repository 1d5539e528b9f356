"""The control room on one screen: the world, the story, the controls, and the room in frames; each does one deed.

world ◄── feed ◄── platform ◄── deeds, visitors, story ◄── buttons            frames ── rooms, through three edges
"""

import asyncio
import html
from collections.abc import Mapping
from typing import Any

from ipywidgets import Tab

from flylab.errors import UsageError
from flylab.kit import project
from flylab.kit.control import tour
from flylab.kit.control.controls import StoryBar
from flylab.kit.control.feed import Feed
from flylab.kit.control.frames import Frames
from flylab.kit.control.stage import Stage
from flylab.kit.control.storyboard import Now, Phase, Storyboard
from flylab.kit.control.tabs import FrameBar, Tabs
from flylab.kit.control.view import World
from flylab.kit.control.visitors import Visitors
from flylab.kit.record import Record
from flylab.kit.target import Lab
from flylab.kit.widgets import Panel

DWELL = 5.0  # seconds that a step stays for a reader; our choice
FRAMES_AT = "Both draw"  # the step at which the room is shown in frames, if it is to be

_open: list["ControlRoom"] = []


async def control_room(
    lab: Lab, record: Record | None = None, *, stage: Stage | None = None, dwell: float | None = None
) -> "ControlRoom":
    """Set up a stage on the lab's platform, follow it, and return the widget; ``await room.end()`` ends all of it."""
    if lab.target != "local":
        raise UsageError(
            "the control room is for the local platform: Fly has no streams to follow and no faults to arm"
        )
    if dwell is None:
        dwell = DWELL if project.interactive() else 0.0
    if not 0 <= dwell <= 60:
        raise UsageError(f"dwell is {dwell:g}; it is a number of seconds between 0 and 60")
    for old in [each for each in _open if each.lab is not lab and each.lab.platform is lab.platform]:
        await old.end()  # of an earlier run of the same cell
        for app in list(old.lab.apps):
            await old.lab.api.delete_app(app, force=True)
            old.lab.apps.remove(app)
    stage = stage or Stage(lab, record or Record("control-room", target="local"))
    await stage.ready()
    await stage.reset()
    room = ControlRoom(stage, await Feed(lab).start(), dwell=dwell)
    _open.append(room)
    return room


class ControlRoom(Panel):
    """All of it; ``press(name)`` does what a click on that button does and waits for its end."""

    def __init__(self, stage: Stage, feed: Feed, *, dwell: float) -> None:
        self.lab, self.stage, self.feed = stage.lab, stage, feed
        self.visitors = Visitors(stage.lab)
        self.frames = Frames()
        self.world = World(feed)
        self.story: Storyboard = tour.tour(stage, dwell=dwell)
        super().__init__("The control room", [])
        self.bar = StoryBar(self)
        self.tabs = Tabs(self)
        self.rooms = FrameBar(self)
        self._shown: tuple[object, ...] = ()
        titled = self.tabs.titled
        tabs = Tab(list(titled.values()), titles=list(titled))
        self.children = [self.bar, self.world, self.status, tabs, self.rooms, self.frames]
        self.story.listen(self._told)
        self.world.on_pick(self._picked)
        self._end = feed.listen(self._changed)
        self._changed({})
        self._caption(self.story.now)

    # ── what is heard ───────────────────────────────────────────────────────────────────────────────────────────

    def _told(self, now: Now) -> None:
        """The story is somewhere else."""
        self._caption(now)
        self.bar.at(now)
        if now.seen or now.phase is not Phase.PLAYING:
            return
        # Frames are visitors too: they would keep awake what is to sleep, and wake what is to be woken by others.
        if now.number in (1, now.of):
            self.frames.hide()
        elif now.title == FRAMES_AT and self.rooms.wanted:
            self.rooms.present()

    def _caption(self, now: Now) -> None:
        self.world.caption = now.caption

    def _picked(self, chosen: str) -> None:
        """Somebody chose a machine or a region in the world."""
        for part in self.tabs.titled.values():
            part.pick(chosen)

    def _changed(self, _: Mapping[str, Any]) -> None:
        """The feed has news; lists are only made again when something in them is another."""
        machines = tuple(
            sorted((each["name"], each["id"], each["state"]) for each in self.feed.picture.machines.values())
        )
        faults = tuple(fault["id"] for fault in self.feed.picture.faults)
        if (shown := (machines, faults, self.feed.picture.platform)) != self._shown:
            self._shown = shown
            for part in self.tabs.titled.values():
                part.look(self.feed.picture)
        self.tabs.visitors.count()

    # ── for its parts ───────────────────────────────────────────────────────────────────────────────────────────

    def machine(self, machine_id: str) -> Mapping[str, Any]:
        """As the picture has it; UsageError when there is none."""
        found = self.feed.picture.machines.get(machine_id)
        if found is None:
            raise UsageError("no machine is chosen" if not machine_id else f"machine {machine_id} is gone")
        return found

    async def quiet(self, *, anew: bool = False) -> None:
        """Before the story begins: visitors and frames would wake what is to sleep."""
        if anew or self.story.phase in (Phase.READY, Phase.DONE, Phase.FAILED):
            self.frames.hide()
            await self.visitors.stop()

    async def set_up(self) -> str:
        """Everything as before the story: also what is broken, or a platform that has ended."""
        if self.story.phase is Phase.PLAYING:
            raise UsageError("the story is playing; pause it first")
        await self.quiet(anew=True)
        await self.stage.reset()
        return f"Set up: {len(self.stage.machines)} machines, all stopped; the room is called {self.stage.room}."

    async def end(self) -> None:
        """Nobody visits any more, nothing is followed; app and platform are the lab's to remove."""
        if self in _open:
            _open.remove(self)
        self._end()
        self.frames.hide()
        self.story.pause()
        await asyncio.gather(self.visitors.stop(), self.feed.stop())
        await self.stage.close()
        self.world.close()

    async def finish(self) -> None:
        """In the cleanup cell: in JupyterLab the controls go on working until the kernel ends; else ``end()``."""
        if not project.interactive():
            await self.end()

    def still(self) -> str:
        """As it looks without a kernel: the world, and what came of each step."""
        steps = "".join(
            f"<li><strong>{html.escape(outcome.step.title)}.</strong> {html.escape(outcome.seen)}</li>"
            for outcome in self.story.outcomes
        )
        note = "The control room as it looked in this run. Open the notebook in JupyterLab to use it."
        story = f"<ol>{steps}</ol>" if steps else ""
        return f'<div class="panel"><p><small>{note}</small></p>{self.world.still()}{story}</div>'
