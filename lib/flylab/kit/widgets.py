"""Control panels for JupyterLab: buttons that make real calls, with their result drawn below them.

Nothing here needs JavaScript of its own: the pictures are SVG in the page's colours. Where no kernel is listening, on
the site, a panel is shown as it looked last, with a note where to use it.
"""

import asyncio
import html
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ipywidgets import HTML, Button, Dropdown, HBox, Layout, VBox

from flylab.kit import waterfall
from flylab.kit.target import Lab, trace

Do = Callable[[], Awaitable[str]]
AUTO = Layout(width="auto")  # the default width cuts longer labels short


class Panel(VBox):  # type: ignore[misc]
    """Controls, a status line that screen readers announce, and a picture."""

    def __init__(self, label: str, controls: list[Any]) -> None:
        self.label = label
        self.status = HTML()
        self.picture = HTML()
        self.task: asyncio.Future[None] | None = None
        self.buttons: dict[str, Button] = {}
        self.say("Ready.")
        super().__init__([HBox(controls, layout=Layout(flex_flow="row wrap")), self.status, self.picture])

    def say(self, text: str) -> None:
        self.status.value = f'<div role="status" aria-live="polite">{html.escape(text)}</div>'

    def when_clicked(self, name: str, button: Button, do: Do) -> None:
        """Run ``do`` for each click; what it returns is the status, and an error becomes the status too."""
        self.buttons[name] = button

        def clicked(_: Button) -> None:
            self.task = asyncio.ensure_future(self._run(button, do))

        button.on_click(clicked)

    async def press(self, name: str) -> None:
        """Click a button, as a reader would, and wait until what it does is done."""
        self.buttons[name].click()
        if self.task is not None:
            await self.task

    async def _run(self, button: Button, do: Do) -> None:
        # An exception in a task of the kernel's loop would vanish, so it is shown here, whatever it is.
        button.disabled = True
        self.say("Working …")
        try:
            self.say(await do())
        except Exception as error:
            self.say(f"That did not work: {error}")
        finally:
            button.disabled = False

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        bundle = dict(super()._repr_mimebundle_(**options) or {})
        bundle["text/html"] = self.still()
        return bundle

    def still(self) -> str:
        """The panel without a kernel."""
        note = f"{html.escape(self.label)}: as it looked in this run. Open the notebook in JupyterLab to use it."
        return f'<div class="panel"><p><small>{note}</small></p>{self.status.value}{self.picture.value}</div>'


class Rows:
    """A plain table of text as the result of a cell."""

    def __init__(self, head: list[str], body: list[list[object]]) -> None:
        self.head = head
        self.body = body

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        lines = [" | ".join(str(cell) for cell in line) for line in [list[object](self.head), *self.body]]
        return {"text/html": rows(self.head, self.body), "text/plain": "\n".join(lines)}


def rows(head: list[str], body: list[list[object]]) -> str:
    """A plain table of text; the space between columns is its own, because JupyterLab gives a widget's table none."""
    style = 'style="text-align:left;padding:.2em .8em .2em 0"'
    # A column without a name is that of the rows' names; an empty head would be read out as one.
    heads = "".join(f'<th scope="col" {style}>{html.escape(name)}</th>' if name else "<td></td>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td {style}>{code(cell)}</td>" for cell in line) + "</tr>" for line in body)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"


def code(cell: object) -> str:
    """Text for a page, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(str(cell)))


def machine_panel(lab: Lab, app: str) -> Panel:
    """Pick a machine, start or stop it, and see every machine's state and how long the change took."""
    pick = Dropdown(description="Machine", options=[], layout=Layout(width="20em"))
    start = Button(description="Start", tooltip="Start the chosen machine", layout=AUTO)
    stop = Button(description="Stop", tooltip="Stop the chosen machine", layout=AUTO)
    look = Button(description="Refresh", tooltip="Ask the API for all machines again", layout=AUTO)
    panel = Panel("Start and stop", [pick, start, stop, look])

    async def refresh() -> str:
        machines = sorted(await lab.api.machines(app), key=lambda machine: machine.name)
        chosen = pick.value
        pick.options = [(f"{machine.name} in {machine.region}", machine.id) for machine in machines]
        known = [machine.id for machine in machines]
        pick.value = chosen if chosen in known else next(iter(known), None)
        panel.picture.value = rows(
            ["machine", "region", "state", "id"], [[m.name, m.region, m.state, m.id] for m in machines]
        )
        return f"{len(machines)} machines."

    def change(wanted: str) -> Do:
        async def do() -> str:
            if pick.value is None:
                return "There is no machine to choose. Press Refresh."
            clock = asyncio.get_running_loop().time
            began = clock()
            await (lab.api.start if wanted == "started" else lab.api.stop)(app, pick.value)
            await lab.api.wait(app, pick.value, wanted)
            took = 1000 * (clock() - began)
            await refresh()
            return f"{wanted} after {took:.0f} ms"

        return do

    panel.when_clicked("start", start, change("started"))
    panel.when_clicked("stop", stop, change("stopped"))
    panel.when_clicked("refresh", look, refresh)
    return panel


def visit_panel(lab: Lab, app: str, paths: Mapping[str, str]) -> Panel:
    """Pick where a visitor is, send one request through that region's edge, and see its hops.

    ``paths`` says for each place what a visitor there asks for.
    """
    pick = Dropdown(description="Visitor in", options=lab.visitors, layout=Layout(width="14em"))
    visit = Button(description="Send a request", tooltip="Enter at that region's edge", layout=AUTO)
    panel = Panel("Visit from a region", [pick, visit])

    async def do() -> str:
        answer = await lab.visitor(pick.value, app).get(paths.get(pick.value, "/"))
        hops = trace(answer)
        panel.picture.value = waterfall.svg(hops) + rows(
            ["visitor", "hops", "total ms", "configured ms", "our own ms"],
            [list(row.values()) for row in waterfall.table({pick.value: hops})],
        )
        served = hops["hops"][-1]["region"] if hops["hops"] else "nobody"
        return f"{pick.value} was served by {served}: status {answer.status_code} after {hops['total_ms']:.1f} ms"

    panel.when_clicked("visit", visit, do)
    return panel
