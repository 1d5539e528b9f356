// The control room's page: draws what a feed of the kernel says (`render`), or plays a recording of one (`play`).
//
//   kernel ──batches──► Fold ──► what has changed ──► View: map, list, waterfall, gauges
//   recording ─► play ─► Fold
//
// Nothing here asks anything of anybody: land and places come with the scene, colours from the page's theme. On a page
// of the site the parts are modules beside this one; a notebook gets them as one (bundle.py).

import { clock } from "./control-elements.js";
import { play } from "./control-play.js";
import { View } from "./control-view.js";

const SILENT = 6000; // ms without a word of the kernel, which says something each second
const EACH = 5; // batches that are told of as seen at once

function follow({ model, el }) {
  const me = Math.random().toString(36).slice(2);
  const view = new View(el, model.get("scene"), { pick: (what) => model.send({ t: "pick", ...what }) });
  let heard = performance.now();
  let trouble = "";
  let last = Date.now() / 1000;
  const caption = () => view.caption(model.get("caption") || {});
  const hear = (message) => {
    if (!message?.batch || (message.for && message.for !== me)) return;
    heard = performance.now();
    last = Date.now() / 1000;
    trouble = "";
    view.tell(message.batch);
    if (message.n % EACH === 0) model.send({ t: "seen", n: message.n });
  };
  const gone = () => {
    trouble = "gone";
    const words = "The kernel that drew this is gone: run the notebook again.";
    view.state(trouble, `${words} This is how it was at ${clock(last)}.`);
  };
  const watch = setInterval(() => {
    if (trouble || view.fold.platform === "ended" || performance.now() - heard < SILENT) return;
    trouble = "silent";
    view.state(trouble, `No word from the kernel since ${clock(last)}: it is busy, or it is gone.`);
  }, 1000);
  const handlers = { "change:caption": caption, "msg:custom": hear, comm_live_update: gone };
  for (const [event, handler] of Object.entries(handlers)) model.on(event, handler);
  caption();
  model.send({ t: "hello", view: me });
  return () => {
    clearInterval(watch);
    for (const [event, handler] of Object.entries(handlers)) model.off(event, handler);
    view.destroy();
  };
}

function render({ model, el }) {
  const recording = model.get("recording");
  if (!recording?.frames) return follow({ model, el });
  const player = play(el, recording, { autoplay: false });
  return () => player.destroy();
}

export { play };
export default { render };
