"""The control room's page in a browser without a kernel: its modules as the site serves them, and a model to feed."""

import json
from importlib.resources import files
from typing import Any

from flylab.kit.control.scene import scene

ADDRESS = "http://control.localhost/"

INDEX = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Control room</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<link rel="stylesheet" href="control.css">
<style>body { margin: 8px } @media (prefers-color-scheme: dark) { body { background: #131416; color: #e3e7ec } }</style>
<main><h1>Control room</h1><h2>Live</h2><div id="room"><p>A still.</p></div></main>
<script type="module">
  import control, { play } from "./control.js";
  const heard = {};
  const data = { caption: {}, recording: {} };
  const on = (event, act) => (heard[event] ??= new Set()).add(act);
  const off = (event, act) => heard[event]?.delete(act);
  const said = [];
  const model = { get: (key) => data[key], on, off, send: (message) => said.push(message) };
  const fire = (event, ...told) => heard[event]?.forEach((act) => act(...told));
  const element = document.querySelector("#room");
  self.page = {
    said,
    fire,
    begin(scene) { data.scene = scene; element.replaceChildren(); self.end = control.render({ model, el: element }); },
    hear(batch, n = 1, who = "") { fire("msg:custom", { batch, n, for: who }); },
    caption(words) { data.caption = words; fire("change:caption"); },
    play(recording, options) { self.player = play(element, recording, options); },
  };
</script></html>
"""


async def open_page(context: Any, **media: Any) -> tuple[Any, list[str]]:
    """A page that is ready, and what it complains about: a list that grows."""
    static = files("flylab.kit.control").joinpath("static")

    async def serve(route: Any) -> None:
        name = route.request.url.removeprefix(ADDRESS)
        kind = {"js": "text/javascript", "css": "text/css"}.get(name.rpartition(".")[2], "text/html")
        body = static.joinpath(name).read_text("utf-8") if name else INDEX
        await route.fulfill(body=body, content_type=kind)

    await context.route(f"{ADDRESS}**", serve)
    page = await context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith((ADDRESS, "data:")) else wrong.append(asked.url))
    if media:
        await page.emulate_media(**media)
    await page.goto(ADDRESS)
    await page.wait_for_function("self.page")
    return page, wrong


async def begin(page: Any) -> None:
    """Draw a live view that has heard nothing yet."""
    await page.evaluate("(scene) => page.begin(scene)", json.loads(json.dumps(scene())))
