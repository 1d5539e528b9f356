// Rooms side by side, each in a frame that is served by another region's edge. Their pages (app/static/embedded.js) tell when an
// edit leaves one and when it comes to another; both are timed by this page's clock, since all of them are in one browser.

const KEPT = 50; // times of each way that the median is taken of (our choice)
const WAITING = 500; // edits that are waited for
const SAVED = 250; // ms between two tellings of the kernel

/** What is known of the edits: a fold without a document or a clock. */
export class Edits {
  constructor() {
    this.sent = new Map(); // client and number → {from, at}
    this.ways = new Map(); // "from → to" → {from, to, last, times}
  }

  left(from, client, op, at) {
    const key = `${client}/${op}`;
    if (this.sent.has(key)) return; // sent again after a reconnect: the first time counts
    this.sent.set(key, { from, at });
    if (this.sent.size > WAITING) this.sent.delete(this.sent.keys().next().value);
  }

  /** The way and the time in ms of an edit that came, or null when it left no frame of ours. */
  came(to, client, op, at) {
    const found = this.sent.get(`${client}/${op}`);
    if (!found) return null;
    const name = `${found.from} → ${to}`;
    const way = this.ways.get(name) ?? { from: found.from, to, last: 0, times: [], n: 0 };
    way.last = at - found.at;
    way.n += 1;
    way.times.push(way.last);
    if (way.times.length > KEPT) way.times.shift();
    this.ways.set(name, way);
    return way;
  }

  /** What the kernel is told. */
  table() {
    return [...this.ways.values()].map(({ from, to, last, times, n }) => ({ from, to, ms: round(last), median: round(median(times)), n }));
  }
}

export function median(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function round(ms) {
  return Math.round(10 * ms) / 10;
}

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** One frame with what is said above and below it. */
function pane({ city, region, url }) {
  const state = make("span", { className: "fl-frame-state", textContent: "opening" });
  const times = make("ul", { className: "fl-frame-times" });
  const frame = make("iframe", { name: `from ${city}`, src: url, title: `The room as seen from ${city}`, allow: "clipboard-write" });
  const head = make("figcaption", {}, make("strong", { textContent: city }), ` through the edge ${region}`, state);
  const link = make("a", { href: url, target: "_blank", rel: "noopener", textContent: "open in a window" });
  const box = make("figure", { className: "fl-frame" }, head, frame, times, make("p", {}, link));
  return { city, box, frame, state, times, rows: new Map() };
}

function show(pane, way) {
  let row = pane.rows.get(way.from);
  if (!row) {
    row = make("li");
    pane.rows.set(way.from, row);
    pane.times.append(row);
  }
  row.textContent = `from ${way.from}: ${Math.round(way.last)} ms (median ${Math.round(median(way.times))} ms, n = ${way.n})`;
  row.classList.remove("fl-frame-fresh");
  void row.offsetWidth; // so that the same row can light up again
  row.classList.add("fl-frame-fresh");
}

/** What JupyterLab's theme is; other pages leave it to the reader's system. */
function scheme() {
  return { true: "light", false: "dark" }[document.body.dataset.jpThemeLight];
}

function paint(pane) {
  if (scheme()) pane.frame.contentWindow?.postMessage({ scheme: scheme() }, "*");
}

const HEARD = {
  here: paint,
  welcome: (pane, said) => { pane.state.textContent = `room in ${said.region}, epoch ${said.epoch}`; },
  away: (pane) => { pane.state.textContent = "the room is on its way"; },
};

function render({ model, el }) {
  const root = make("div", { className: "fl-frames" });
  el.append(root);
  let [panes, edits, saving] = [[], new Edits(), null];

  function save() {
    saving = null;
    model.set("arrivals", edits.table());
    model.save_changes();
  }

  function draw() {
    edits = new Edits();
    panes = model.get("frames").map(pane);
    const empty = make("p", { className: "fl-frames-empty", textContent: "No room is shown. “Show the room” opens it from three continents." });
    root.replaceChildren(...(panes.length ? panes.map(({ box }) => box) : [empty]));
  }

  function hear({ data, source }) {
    const said = data?.room;
    const from = panes.find((one) => one.frame.contentWindow === source);
    if (!from || typeof said !== "object" || said === null) return;
    const at = performance.now();
    if (said.t === "sent") edits.left(from.city, said.client, said.op, at);
    else if (said.t === "came") {
      const way = edits.came(from.city, said.client, said.op, at);
      if (!way) return; // of somebody who is in no frame here
      show(from, way);
      saving ??= setTimeout(save, SAVED);
    } else if (Object.hasOwn(HEARD, said.t)) HEARD[said.t](from, said);
  }

  const theme = new MutationObserver(() => panes.forEach(paint));
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  addEventListener("message", hear);
  model.on("change:frames", draw);
  draw();
  return () => {
    removeEventListener("message", hear);
    model.off("change:frames", draw);
    theme.disconnect();
    clearTimeout(saving);
  };
}

export default { render };
