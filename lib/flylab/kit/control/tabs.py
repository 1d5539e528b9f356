"""The tabs of the control room: what is chosen in each, and which deed a click does."""

import html
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ipywidgets import HTML, Button, Checkbox, Layout, SelectMultiple, Text, VBox

from flylab.errors import UsageError
from flylab.kit.control import deeds
from flylab.kit.control.controls import LABELS, NARROW, WIDE, Part, button, choice, number, places, row
from flylab.kit.control.deeds import city
from flylab.kit.control.frames import address
from flylab.kit.control.picture import Picture
from flylab.kit.target import Lab
from flylab.rules.fault_names import KNOWN, Unit
from flylab.wire.fault import Value

if TYPE_CHECKING:
    from flylab.kit.control.panel import ControlRoom

VIEWS = ("nrt", "cdg", "iad")  # three continents
OnMachine = Callable[[Lab, str, str], Awaitable[str]]
EVERYTHING, THE_APP, THE_REGION, THE_MACHINE = "everything", "the rooms' app", "the region", "the machine"


class VisitorTab(Part):
    """Visitors from chosen cities at a chosen rate."""

    def __init__(self, room: "ControlRoom") -> None:
        chosen = tuple(region for region in VIEWS if region in room.lab.edges)
        self.cities = SelectMultiple(
            description="Cities", options=places(room.lab), value=chosen, rows=6, layout=WIDE, style=LABELS
        )
        self.rate = number("A second from each", 2.0, 0.1, 200.0)
        self.inside = Checkbox(
            description="They ask for the room", value=False, indent=False, layout=Layout(width="auto")
        )
        send = button(room, "send", "Send visitors", "They keep coming, answered or not", self._send)
        stop = button(room, "send-off", "Stop them", "Nobody comes any more", room.visitors.stop)
        self.said = HTML()
        super().__init__(room, [row(self.cities, VBox([self.rate, self.inside, row(send, stop), self.said]))])

    async def _send(self) -> str:
        rates = dict.fromkeys(self.cities.value, self.rate.value)
        name = self.room.stage.room if self.inside.value else ""
        return await self.room.visitors.start(self.room.stage.app, rates, room=name)

    def count(self) -> None:
        """How the visitors fare."""
        if self.room.visitors.running and self.said.value != (said := self.room.visitors.say()):
            self.said.value = said

    def pick(self, chosen: str) -> None:
        if chosen in self.room.lab.edges:
            self.cities.value = (chosen,)


class MachineTab(Part):
    """What the Machines API does to a machine, and what befalls one."""

    def __init__(self, room: "ControlRoom") -> None:
        self.room = room
        self.chosen = choice("Machine", [])
        self.region = choice("In", places(room.lab), room.stage.regions[0])
        api = [
            self._button("start", "Start", "Ask the Machines API to start it", deeds.start),
            self._button("stop", "Stop", "Ask the Machines API to stop it", deeds.stop),
            self._button("suspend", "Suspend", "Ask the Machines API to freeze it where it is", deeds.suspend),
            self._button("destroy", "Destroy", "Ask the Machines API to remove it", deeds.destroy),
        ]
        fate = [
            self._button("kill", "Kill its process", "SIGKILL, as out of memory", deeds.kill),
            self._button("lose-host", "Lose its host", "Its host is gone with all that ran there", deeds.lose_host),
            self._button("find-host", "Find its host", "The lost host is back", deeds.find_host),
        ]
        make = button(room, "make", "Make a machine", "One more for the rooms", self._make)
        super().__init__(room, [row(self.chosen, *api, *fate), row(self.region, make)])

    def _button(self, name: str, text: str, tip: str, deed: OnMachine) -> Button:
        async def do() -> str:
            machine = self.room.machine(self.chosen.value or "")
            return await deed(self.room.lab, machine["app"], machine["id"])

        return button(self.room, name, text, tip, do)

    async def _make(self) -> str:
        stage = self.room.stage
        return await deeds.create(stage.lab, stage.app, self.region.value, stage.config())

    def look(self, picture: Picture) -> None:
        machines = sorted(picture.machines.values(), key=lambda each: (each["name"] or each["id"], each["id"]))
        before, known = self.chosen.value, [each["id"] for each in machines]
        self.chosen.options = [
            (f"{each['name'] or each['id']} in {city(each['region'])}: {each['state']}", each["id"])
            for each in machines
        ]
        self.chosen.value = before if before in known else next(iter(known), None)

    def pick(self, chosen: str) -> None:
        if chosen in self.room.feed.picture.machines:
            self.chosen.value = chosen
        elif chosen in self.room.lab.edges:
            self.region.value = chosen
            here = [key for key, each in self.room.feed.picture.machines.items() if each["region"] == chosen]
            if here:
                self.chosen.value = here[0]


class RegionTab(Part):
    """A region that is full, and links that are slow or cut."""

    def __init__(self, room: "ControlRoom") -> None:
        lab, options = room.lab, places(room.lab)
        self.region = choice("Region", options, room.stage.regions[0])
        self.a = choice("Link between", options, room.stage.regions[0])
        self.b = choice("and", options, room.stage.regions[1])
        self.ms = number("ms more", 300.0, 1.0, 10_000.0)
        tip = "No new machine gets a place there"
        fill = button(room, "fill", "Fill it", tip, lambda: deeds.fill_region(lab, self.region.value))
        tip = "There is room again"
        free = button(room, "free", "Make room", tip, lambda: deeds.free_region(lab, self.region.value))
        slow = button(room, "slow", "Slow", "Every round trip takes longer", self._slow)
        tip = "Nothing passes, and open connections break"
        cut = button(room, "cut", "Cut", tip, lambda: deeds.cut_link(lab, self.a.value, self.b.value))
        mend = button(room, "mend", "Mend", "As it was", lambda: deeds.mend_link(lab, self.a.value, self.b.value))
        super().__init__(room, [row(self.region, fill, free), row(self.a, self.b, self.ms, slow, cut, mend)])

    async def _slow(self) -> str:
        return await deeds.slow_link(self.room.lab, self.a.value, self.b.value, self.ms.value)

    def pick(self, chosen: str) -> None:
        if chosen in self.room.lab.edges:
            self.region.value = self.a.value = chosen


class FaultTab(Part):
    """Any fault by its name, for whom it is aimed at."""

    def __init__(self, room: "ControlRoom") -> None:
        names = [known.name for known in deeds.armable()]
        self.fault = choice("Fault", names, names[0])
        self.aim = choice("for", [EVERYTHING, THE_APP, THE_REGION, THE_MACHINE], THE_APP)
        self.region = choice("region", places(room.lab), room.stage.regions[0])
        self.probability = number("Probability", 1.0, 0.0, 1.0)
        self.count = number("Times at most (0: no end)", 0.0, 0.0, 1_000_000.0)
        self.probability.step = 0.1
        self.value = Text(description="Value", placeholder="as usual", layout=Layout(width="13em"), style=LABELS)
        self.about = HTML()
        self.armed = choice("Armed", [])
        arm = button(room, "arm", "Arm", "From now on", self._arm)
        disarm = button(room, "disarm", "Disarm", "The chosen one", self._disarm)
        clear = button(room, "clear", "Disarm and mend all", "Faults and links", self._clear)
        self.fault.observe(self._describe, "value")
        self._describe()
        super().__init__(
            room,
            [
                row(self.fault, self.aim, self.region),
                self.about,
                row(self.value, self.probability, self.count, arm),
                row(self.armed, disarm, clear),
            ],
        )

    def _describe(self, _: Any = None) -> None:
        known = KNOWN[self.fault.value]
        usual = f" {known.unit}, usually {known.value:g}" if isinstance(known.value, float) else ""
        words = f" one of {', '.join(known.words)}" if known.words else ""
        value = f" Value:{usual or words}." if usual or words else ""
        what = known.what.replace("`", "")
        self.about.value = html.escape(
            f"{what[:1].upper()}{what[1:]}.{value} Can be aimed at: {', '.join(known.targets)}."
        )
        self.value.disabled = known.unit is Unit.NONE

    async def _arm(self) -> str:
        aimed = {
            EVERYTHING: {},
            THE_APP: {"app": self.room.stage.app},
            THE_REGION: {"region": self.region.value},
            THE_MACHINE: {"machine": self.room.tabs.machines.chosen.value or ""},
        }[self.aim.value]
        if self.aim.value == THE_MACHINE:
            self.room.machine(aimed["machine"])
        told = await deeds.arm(
            self.room.lab,
            self.fault.value,
            probability=self.probability.value,
            count=int(self.count.value),
            value=self._value(),
            **aimed,
        )
        self.room.feed.look()
        return told

    def _value(self) -> Value | None:
        text = str(self.value.value).strip()
        known = KNOWN[self.fault.value]
        if not text or known.unit is Unit.NONE:
            return None
        if known.unit is Unit.WORD:
            return text
        try:
            return float(text)
        except ValueError:
            raise UsageError(f"value {text!r} of fault {known.name} is not a number of {known.unit}") from None

    async def _disarm(self) -> str:
        if not self.armed.value:
            raise UsageError("no fault is armed")
        told = await deeds.disarm(self.room.lab, self.armed.value)
        self.room.feed.look()
        return told

    async def _clear(self) -> str:
        told = await deeds.clear(self.room.lab)
        self.room.feed.look()
        return told

    def look(self, picture: Picture) -> None:
        self.armed.options = [(f"{each['name']} ({each['id']})", each["id"]) for each in picture.faults]

    def pick(self, chosen: str) -> None:
        if chosen in self.room.lab.edges:
            self.region.value = chosen


class RoomTab(Part):
    """A room that moves or sleeps, and when rooms and machines rest."""

    def __init__(self, room: "ControlRoom") -> None:
        options = places(room.lab)
        self.name = Text(description="Room", placeholder=room.stage.room, layout=WIDE, style=LABELS)
        self.city = choice("City", options, room.stage.regions[0])
        tip = "Who is in it comes along"
        move = button(room, "move", "Move it there", tip, self._move)
        sleep = button(room, "sleep", "Put it to sleep", "It wakes for whoever enters next", self._sleep)
        enter = button(room, "open", "Open it from there", "A link to the room through that region's edge", self._open)
        self.link = HTML()
        self.asleep = number("An empty room sleeps after s", 2.0, 0.0, 86_400.0)
        self.idle = number("An empty machine ends after s", 4.0, 0.0, 86_400.0)
        self.wake = number("wake_timeout in s", 60.0, 0.1, 3600.0)
        self.connect = number("connect_timeout in s", 0.1, 0.1, 3600.0)
        rest = button(room, "rest", "Set for all machines", "New versions, one machine after the other", self._rest)
        times = button(room, "times", "Set for all edges", "For what begins from now on", self._times)
        super().__init__(
            room,
            [
                row(self.name, self.city, move, sleep, enter, self.link),
                row(self.asleep, self.idle, rest),
                row(self.wake, self.connect, times),
            ],
        )

    @property
    def _room(self) -> str:
        return self.name.value.strip() or self.room.stage.room

    async def _move(self) -> str:
        return await deeds.move_room(self.room.lab, self.room.stage.app, self._room, self.city.value)

    async def _sleep(self) -> str:
        return await deeds.put_to_sleep(self.room.lab, self.room.stage.app, self._room)

    async def _open(self) -> str:
        where = address(self.room.lab, self.room.stage.app, self._room, self.city.value)
        text = f"{self._room} from {city(self.city.value)}"
        self.link.value = f'<a href="{where}" target="_blank" rel="noopener">{text}</a>'
        return f"The link opens the room {self._room} through the edge in {city(self.city.value)}."

    async def _rest(self) -> str:
        stage = self.room.stage
        sleep, idle = int(self.asleep.value), int(self.idle.value)
        return await deeds.set_idle(stage.lab, stage.app, list(stage.machines.values()), sleep=sleep, idle=idle)

    async def _times(self) -> str:
        return await deeds.set_timeouts(self.room.lab, wake_timeout=self.wake.value, connect_timeout=self.connect.value)

    def pick(self, chosen: str) -> None:
        if chosen in self.room.lab.edges:
            self.city.value = chosen


class FrameBar(Part):
    """From where the room is shown in frames, and whether the story shows it."""

    def __init__(self, room: "ControlRoom") -> None:
        options = places(room.lab)
        views = [*(region for region in VIEWS if region in room.lab.edges), *room.stage.regions][:3]
        labels = ("From", "and", "and")
        self.views = [choice(label, options, view, NARROW) for label, view in zip(labels, views, strict=False)]
        self.with_story = Checkbox(
            description="The story shows it", value=True, indent=False, layout=Layout(width="auto")
        )
        show = button(room, "show", "Show the room", "In a frame from each of these cities", self._show)
        hide = button(room, "hide", "Close the frames", "These visitors leave", self._hide)
        super().__init__(room, [row(*self.views, show, hide, self.with_story)])

    @property
    def wanted(self) -> bool:
        return bool(self.with_story.value)

    def present(self) -> str:
        stage = self.room.stage
        return self.room.frames.show(stage.lab, stage.app, stage.room, [view.value for view in self.views])

    async def _show(self) -> str:
        return self.present()

    async def _hide(self) -> str:
        return self.room.frames.hide()


class Tabs:
    """All of them, by what they are about."""

    def __init__(self, room: "ControlRoom") -> None:
        self.visitors = VisitorTab(room)
        self.machines = MachineTab(room)
        self.regions = RegionTab(room)
        self.faults = FaultTab(room)
        self.rooms = RoomTab(room)

    @property
    def titled(self) -> dict[str, Part]:
        return {
            "Visitors": self.visitors,
            "Machines": self.machines,
            "Regions": self.regions,
            "Faults": self.faults,
            "Rooms": self.rooms,
        }
