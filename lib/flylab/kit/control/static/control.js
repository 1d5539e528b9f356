// The control room's page: draws what a feed of the kernel says, or plays a recording of one on a page without a kernel.
//
//   kernel ──batches──► Fold ──► what has changed ──► View (map, list, waterfall, gauges), once for each drawn frame
//   recording ─► play ─► Fold
//
// Nothing here asks anything of anybody: land and places come with the scene, colours from the page's theme.

// ── the fold: what batches say, kept as it is now ────────────────────────────────────────────────────────────────────

const KEPT = 60; // exchanges in the list and above; as many as the kernel keeps
const CHANGING = new Set(["created", "creating", "starting", "restarting", "replacing", "updating"]);
const ENDING = new Set(["stopping", "suspending", "destroying"]);

/** Which of six looks a state has; a region's ring has them in this order. */
export const LOOKS = ["started", "changing", "ending", "suspended", "stopped", "failed"];

export function look(state) {
  if (state === "started" || state === "suspended" || state === "stopped") return state;
  if (CHANGING.has(state)) return "changing";
  if (ENDING.has(state)) return "ending";
  return "failed";
}

/** The world as batches have told it; `apply` says which parts are to be drawn anew. */
export class Fold {
  constructor() {
    this.clear();
    this.platform = "connecting";
    this.about = {};
    this.gauges = {};
    this.faults = [];
    this.at = 0;
  }

  clear() {
    this.machines = new Map();
    this.regions = new Map(); // region → Map of machines by id
    this.exchanges = new Map(); // id → record, the newest last
  }

  apply(batch) {
    const changed = { regions: new Set(), exchanges: false, about: false };
    if (batch.whole) {
      for (const region of this.regions.keys()) changed.regions.add(region);
      this.clear();
    }
    for (const id of batch.gone || []) this.#drop(id, changed);
    for (const machine of batch.machines || []) {
      const before = this.machines.get(machine.id);
      if (before && before.region !== machine.region) this.#drop(machine.id, changed);
      this.machines.set(machine.id, machine);
      if (!this.regions.has(machine.region)) this.regions.set(machine.region, new Map());
      this.regions.get(machine.region).set(machine.id, machine);
      changed.regions.add(machine.region);
    }
    for (const record of batch.exchanges || []) {
      const before = this.exchanges.get(record.id);
      // A pipe that ends keeps its place; whatever else comes again is the newest.
      if (before && !before.open) this.exchanges.delete(record.id);
      this.exchanges.set(record.id, record);
      changed.exchanges = true;
    }
    while (this.exchanges.size > KEPT) this.exchanges.delete(this.exchanges.keys().next().value);
    if (batch.about) {
      this.about = batch.about;
      changed.about = true;
    }
    if (batch.gauges) this.gauges = batch.gauges;
    if (batch.faults) this.faults = batch.faults;
    if (batch.platform) this.platform = batch.platform;
    if (batch.at) this.at = batch.at;
    return changed;
  }

  /** How many machines of a region have which look. */
  looks(region) {
    const found = Object.fromEntries(LOOKS.map((name) => [name, 0]));
    for (const machine of this.regions.get(region)?.values() || []) found[look(machine.state)] += 1;
    return found;
  }

  #drop(id, changed) {
    const machine = this.machines.get(id);
    if (!machine) return;
    this.machines.delete(id);
    this.regions.get(machine.region)?.delete(id);
    changed.regions.add(machine.region);
  }
}

// ── what is said of one exchange ─────────────────────────────────────────────────────────────────────────────────────

/** What the list says of it in one sign: the rarest of what happened on its way. */
export function kind(record) {
  if (record.code || record.status >= 500) return "refuse";
  const hops = record.hops || [];
  if (hops.some((hop) => hop.woke)) return "wake";
  return hops.some((hop) => hop.cause !== "route") ? "replay" : "serve";
}

/** `nrt → fra ⤳ syd`: the visitor's edge, and where each hop went. */
export function route(record) {
  const steps = (record.hops || []).map((hop) => (hop.cause === "route" ? " → " : " ⤳ ") + hop.region);
  return record.edge + steps.join("");
}

/** The pieces of one hop, as `flylab.kit.waterfall.segments` has them: ways are configured, the rest is measured. */
export function segments(hop) {
  const took = Math.max(0, hop.ended_ms - hop.started_ms);
  const way = Math.min((hop.configured_ms || 0) / 2, took / 2);
  const woke = hop.woke;
  const reachable = woke ? (woke.reachable_ms ?? hop.ended_ms) : 0;
  const wake = Math.min(woke ? Math.max(0, reachable - woke.requested_ms) : 0, took - 2 * way);
  const pieces = [];
  let at = hop.started_ms;
  for (const [name, ms] of [["out", way], ["wake", wake], ["own", took - 2 * way - wake], ["back", way]]) {
    if (ms > 0) pieces.push({ kind: name, start: at, ms });
    at += ms;
  }
  return pieces;
}

// ── places on the map ────────────────────────────────────────────────────────────────────────────────────────────────

/** Moves points that are closer than `gap` apart, each as little as it can, within the borders; always the same way. */
export function dodge(points, gap, width, height) {
  const moved = points.map(({ x, y }) => ({ x, y }));
  for (let round = 0; round < 120; round++) {
    let still = true;
    for (let i = 0; i < moved.length; i++) {
      for (let j = i + 1; j < moved.length; j++) {
        const [a, b] = [moved[i], moved[j]];
        let [dx, dy] = [b.x - a.x, b.y - a.y];
        const away = Math.hypot(dx, dy);
        if (away >= gap) continue;
        if (away < 0.01) [dx, dy] = [1, 0];
        const push = (gap - away) / 2 / (away < 0.01 ? 1 : away);
        a.x -= dx * push;
        a.y -= dy * push;
        b.x += dx * push;
        b.y += dy * push;
        still = false;
      }
    }
    const edge = gap / 2;
    for (const [number, point] of moved.entries()) {
      if (!still) {
        point.x += (points[number].x - point.x) * 0.03;
        point.y += (points[number].y - point.y) * 0.03;
      }
      point.x = Math.min(Math.max(point.x, edge), width - edge);
      point.y = Math.min(Math.max(point.y, edge), height - edge);
    }
    if (still) break;
  }
  return moved;
}

/** The curve from one place to another, the short way round; it is drawn once for each of `shifts`. */
export function curve(a, b, width) {
  let dx = b.x - a.x;
  if (dx > width / 2) dx -= width;
  if (dx < -width / 2) dx += width;
  const end = { x: a.x + dx, y: b.y };
  const away = Math.hypot(dx, b.y - a.y);
  const middle = { x: a.x + dx / 2, y: (a.y + b.y) / 2 - Math.min(0.28 * away, 0.2 * width) };
  const shifts = end.x < 0 ? [0, width] : end.x > width ? [0, -width] : [0];
  return { a, middle, end, shifts };
}

/** The part of a curve between two of its moments, as a curve. */
function part({ a, middle, end }, from, to) {
  const mix = (p, q, t) => ({ x: p.x + (q.x - p.x) * t, y: p.y + (q.y - p.y) * t });
  const at = (s, t) => mix(mix(a, middle, s), mix(middle, end, s), t); // blossom of a quadratic curve
  return [at(from, from), at(from, to), at(to, to)];
}

// ── moving arcs ──────────────────────────────────────────────────────────────────────────────────────────────────────

const TRAVEL = 900; // ms from end to end; slower than any request, so that it can be seen. Our choice
const FADE = 700;
const FOLLOW = 350; // ms after the hop before
const MOST = 90; // arcs at once: what a computer without a graphics card draws with ease

class Arcs {
  constructor(canvas, { still }) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.still = still;
    this.arcs = [];
    this.places = new Map();
    this.width = 0;
    this.radius = 12;
    this.running = 0;
    this.seen = true;
    this.drawn = 0; // frames, for whoever measures
  }

  resize(width, height, radius, places) {
    const scale = Math.min(globalThis.devicePixelRatio || 1, 2);
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(height * scale);
    this.context.setTransform(scale, 0, 0, scale, 0, 0);
    Object.assign(this, { width, height, radius, places });
    this.arcs = [];
  }

  add(arcs) {
    if (!this.seen || globalThis.document.hidden) return;
    const now = performance.now();
    for (const arc of arcs) {
      const [a, b] = [this.places.get(arc.from), this.places.get(arc.to)];
      if (!a || !b) continue;
      const born = now + (this.still ? 0 : FOLLOW * ((arc.hop || 1) - 1));
      const way = arc.from === arc.to ? null : curve(a, b, this.width);
      this.arcs.push({ kind: arc.kind, way, b, born, line: 1.6 + Math.min(2, Math.log2(arc.n || 1) / 2) });
    }
    if (this.arcs.length > MOST) this.arcs.splice(0, this.arcs.length - MOST);
    this.start();
  }

  start() {
    if (this.running || !this.arcs.length) return;
    const style = getComputedStyle(this.canvas);
    this.colours = Object.fromEntries(
      ["serve", "replay", "wake", "refuse"].map((name) => [name, style.getPropertyValue(`--fl-${name}`).trim() || "#888"]),
    );
    const step = (now) => {
      this.running = 0;
      this.draw(now);
      if (this.arcs.length && this.seen) this.running = requestAnimationFrame(step);
    };
    this.running = requestAnimationFrame(step);
  }

  draw(now) {
    const { context } = this;
    const life = TRAVEL + FADE;
    this.drawn += 1;
    this.arcs = this.arcs.filter((arc) => now - arc.born < life);
    context.clearRect(0, 0, this.width, this.height);
    context.lineCap = "round";
    for (const arc of this.arcs) {
      const age = now - arc.born;
      if (age < 0) continue;
      context.strokeStyle = context.fillStyle = this.colours[arc.kind];
      context.lineWidth = arc.line;
      context.setLineDash(arc.kind === "refuse" ? [5, 4] : arc.kind === "replay" ? [9, 4] : []);
      if (this.still) this.#whole(arc, 0.8);
      else this.#moving(arc, age);
    }
    context.globalAlpha = 1;
  }

  #moving(arc, age) {
    const gone = Math.min(1, age / TRAVEL);
    const t = gone < 0.5 ? 2 * gone * gone : 1 - 2 * (1 - gone) * (1 - gone);
    const left = Math.max(0, Math.min(1, (age - TRAVEL) / FADE)); // how much of the fading is over
    if (arc.way) {
      if (left > 0) this.#stroke(arc.way, 0, 1, 0.55 * (1 - left));
      else {
        this.#stroke(arc.way, 0, t, 0.3);
        this.#stroke(arc.way, Math.max(0, t - 0.25), t, 0.9);
        const [, , head] = part(arc.way, t, t);
        this.context.setLineDash([]);
        this.context.globalAlpha = 1;
        for (const shift of arc.way.shifts) this.#dot(head.x + shift, head.y, arc.line + 1);
      }
    }
    const rings = arc.way ? left : gone;
    if (rings > 0 && rings < 1 && (arc.kind !== "serve" || !arc.way)) this.#ring(arc, rings);
  }

  #whole(arc, alpha) {
    if (arc.way) this.#stroke(arc.way, 0, 1, alpha);
    else this.#ring(arc, 0.3);
  }

  #stroke(way, from, to, alpha) {
    const { context } = this;
    const [p, q, r] = part(way, from, to);
    context.globalAlpha = alpha;
    for (const shift of way.shifts) {
      context.beginPath();
      context.moveTo(p.x + shift, p.y);
      context.quadraticCurveTo(q.x + shift, q.y, r.x + shift, r.y);
      context.stroke();
    }
  }

  #dot(x, y, radius) {
    this.context.beginPath();
    this.context.arc(x, y, radius, 0, 7);
    this.context.fill();
  }

  #ring(arc, share) {
    const { context } = this;
    context.setLineDash([]);
    context.globalAlpha = 0.9 * (1 - share);
    context.beginPath();
    context.arc(arc.b.x, arc.b.y, this.radius + 2 + share * (arc.kind === "serve" ? 8 : 14), 0, 7);
    context.stroke();
  }
}

// ── elements ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function make(name, options = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(options)) {
    if (key === "text") element.textContent = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== false && value !== undefined) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** Change a text only where it differs: a list that is written anew ten times a second is mostly as it was. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const NAMES = { serve: "served", replay: "replayed", wake: "woke a machine", refuse: "refused or failed" };
const SIGNS = { serve: "→", replay: "⤳", wake: "◐", refuse: "✕" };
const STATE_SIGNS = { started: "●", changing: "◐", ending: "◔", suspended: "◫", stopped: "○", failed: "✕" };
const PIECES = { out: "way there (configured)", wake: "waking (measured)", own: "our own (measured)", back: "way back (configured)" };
const clock = (at) => new Date(at * 1000).toLocaleTimeString([], { hour12: false });
const ms = (value) => (value >= 9950 ? `${(value / 1000).toFixed(1)} s` : `${value >= 99.5 ? Math.round(value) : value.toFixed(1)} ms`);
const count = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

// ── the view ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const ROWS = 10; // of the list
const SLOW = 250; // ms between two drawings of lists: faster than that nobody reads. Our choice
const POINTS = 90; // of a gauge's line, one for each second

/** The whole screen in one element; `tell(batch)` is all it is fed with, `pick` is called with what somebody chose. */
export class View {
  constructor(root, scene, { pick = () => {}, live = true } = {}) {
    this.fold = new Fold();
    this.scene = scene;
    this.pick = pick;
    this.live = live;
    this.chosen = { region: "", machine: "", exchange: "" };
    this.held = false;
    this.unusual = false;
    this.dirty = new Set();
    this.lines = {};
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.#build(root);
    this.arcs = new Arcs(this.canvas, { still: this.still.matches });
    this.motion = () => (this.arcs.still = this.still.matches);
    this.still.addEventListener("change", this.motion);
    this.sizes = new ResizeObserver(() => this.#place());
    this.sizes.observe(this.stage);
    this.sight = new IntersectionObserver(([entry]) => {
      this.arcs.seen = entry.isIntersecting;
      if (entry.isIntersecting) this.#draw("all");
    });
    this.sight.observe(this.root);
  }

  destroy() {
    this.sizes.disconnect();
    this.sight.disconnect();
    this.still.removeEventListener("change", this.motion);
    clearTimeout(this.later);
    cancelAnimationFrame(this.frame);
    cancelAnimationFrame(this.arcs.running);
    this.root.remove();
  }

  tell(batch, { arcs = true } = {}) {
    const changed = this.fold.apply(batch);
    for (const region of changed.regions) this.dirty.add(`region ${region}`);
    if (changed.regions.has(this.chosen.region)) this.dirty.add("machines");
    if (changed.exchanges) this.dirty.add("tail");
    if (changed.about) this.dirty.add("places");
    if (batch.caption) this.caption(batch.caption);
    this.dirty.add("gauges").add("status");
    if (arcs && batch.arcs?.length) this.arcs.add(batch.arcs);
    this.#draw();
  }

  /** What is explained; `{}` for nothing. */
  caption({ title = "", text = "", step = 0, of = 0 } = {}) {
    const shown = Boolean(title || text);
    this.words.hidden = !shown;
    if (!shown) return;
    say(this.words.querySelector(".fl-step"), step ? `${step}${of ? ` of ${of}` : ""}` : "");
    say(this.words.querySelector("strong"), title);
    say(this.words.querySelector("p"), text);
  }

  /** What is wrong with what is shown, or "" for nothing: `state` is live, lost, silent, gone or ended. */
  state(state, text) {
    this.root.dataset.state = state;
    say(this.statusText, text);
  }

  // ── what is there ──

  #build(root) {
    this.root = make("section", { class: "fl-room", "aria-label": "Control room" });
    this.statusText = make("span", { role: "status" });
    this.faults = make("ul", { class: "fl-faults", "aria-label": "Armed faults" });
    this.gauges = make("dl", { class: "fl-gauges" });
    this.words = make("div", { class: "fl-caption", "aria-live": "polite", hidden: true },
      make("span", { class: "fl-step" }), make("div", {}, make("strong"), make("p")));
    this.canvas = make("canvas", { class: "fl-arcs", "aria-hidden": "true" });
    this.nodes = make("div", { class: "fl-nodes", role: "group", "aria-label": "Regions" });
    this.nodes.addEventListener("keydown", (event) => this.#walk(event));
    this.stage = make("div", { class: "fl-stage" }, this.#land(), this.canvas, this.nodes);
    this.legend = this.#legend();
    this.list = make("ol", { class: "fl-tail", "aria-label": "Exchanges, the newest first" });
    this.list.addEventListener("keydown", (event) => this.#step(event));
    this.hold = make("button", { type: "button", "aria-pressed": "false", text: "Hold", title: "Let the list stand still",
      onclick: () => { this.held = !this.held; this.hold.setAttribute("aria-pressed", this.held); this.#draw("tail"); } });
    this.only = make("button", { type: "button", "aria-pressed": "false", text: "Unusual only",
      title: "Show only replays, wakes, upgrades and errors",
      onclick: () => { this.unusual = !this.unusual; this.only.setAttribute("aria-pressed", this.unusual); this.#draw("tail"); } });
    this.more = make("span", { class: "fl-quiet" });
    this.detail = make("div", { class: "fl-detail" });
    this.machines = make("div", { class: "fl-machines" });
    const side = make("div", { class: "fl-side" },
      make("div", { class: "fl-bar-row" }, make("h3", { text: "Exchanges" }), this.only, this.hold), this.list, this.more, this.detail);
    this.root.append(
      make("header", { class: "fl-head" }, make("div", { class: "fl-status" }, make("i", { class: "fl-lamp", "aria-hidden": "true" }), this.statusText), this.faults),
      this.gauges,
      this.words,
      make("div", { class: "fl-main" }, make("div", { class: "fl-left" }, this.stage, this.legend, this.machines), side),
    );
    this.rows = [];
    this.buttons = new Map();
    root.append(this.root);
    this.#detail();
    this.#machines();
  }

  #land() {
    const name = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(name, "svg");
    svg.setAttribute("class", "fl-land");
    svg.setAttribute("viewBox", `0 0 ${this.scene.width} ${this.scene.height}`);
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS(name, "path");
    path.setAttribute("d", this.scene.land);
    this.leads = document.createElementNS(name, "path"); // from places to the signs that stand beside them
    this.leads.setAttribute("class", "fl-leads");
    svg.append(path, this.leads);
    return svg;
  }

  #legend() {
    const legend = make("ul", { class: "fl-legend", "aria-label": "Signs on the map" });
    for (const [name, words] of [["started", "started"], ["changing", "starting"], ["suspended", "suspended"], ["stopped", "stopped"], ["failed", "failed"]])
      legend.append(make("li", {}, make("i", { class: `fl-key fl-${name}`, "aria-hidden": "true" }), words));
    for (const [name, words] of Object.entries({ serve: "served", replay: "replayed", wake: "woke", refuse: "refused" }))
      legend.append(make("li", {}, make("i", { class: `fl-line fl-${name}`, "aria-hidden": "true" }), words));
    return legend;
  }

  #place() {
    const width = this.stage.clientWidth;
    if (!width) return;
    const codes = (this.fold.about.regions?.length ? this.fold.about.regions : Object.keys(this.scene.places)).filter((code) => this.scene.places[code]);
    const scale = width / this.scene.width;
    const height = Math.round(this.scene.height * scale);
    const radius = Math.round(Math.min(17, Math.max(12, width / 52)));
    const true_ = codes.map((code) => ({ x: this.scene.places[code].x * scale, y: this.scene.places[code].y * scale }));
    const moved = dodge(true_, 2 * radius + 4, width, height);
    this.stage.style.height = `${height}px`;
    this.stage.style.setProperty("--fl-node", `${2 * radius}px`);
    this.points = new Map(codes.map((code, number) => [code, moved[number]]));
    const leads = codes.map((_, n) => `M${true_[n].x / scale} ${true_[n].y / scale}L${moved[n].x / scale} ${moved[n].y / scale}`);
    this.leads.setAttribute("d", leads.join(""));
    const edges = new Set(this.fold.about.edges || codes);
    for (const [code, button] of this.buttons) if (!this.points.has(code)) { button.remove(); this.buttons.delete(code); }
    // From west to east, which is how the arrow keys go on.
    for (const code of [...codes].sort((a, b) => this.points.get(a).x - this.points.get(b).x)) {
      if (!this.buttons.has(code)) {
        const button = make("button", { type: "button", class: "fl-node", "data-region": code, "aria-pressed": "false", tabindex: "-1",
          onclick: () => this.choose({ region: this.chosen.region === code ? "" : code }) }, make("span", { text: code }));
        this.buttons.set(code, button);
      }
      const button = this.buttons.get(code);
      const { x, y } = this.points.get(code);
      button.style.transform = `translate(${(x - radius).toFixed(1)}px, ${(y - radius).toFixed(1)}px)`;
      button.classList.toggle("fl-edge", edges.has(code));
      if (button.parentNode !== this.nodes) this.nodes.append(button);
    }
    this.#rove(this.buttons.get(this.chosen.region) || this.nodes.firstElementChild);
    this.arcs.resize(width, height, radius, this.points);
    for (const code of codes) this.#node(code);
  }

  #node(code) {
    const button = this.buttons.get(code);
    if (!button) return;
    const looks = this.fold.looks(code);
    const all = LOOKS.reduce((sum, name) => sum + looks[name], 0);
    let at = 0;
    const parts = LOOKS.filter((name) => looks[name]).map((name) => {
      const from = at;
      at += (360 * looks[name]) / all;
      return `var(--fl-${name}) ${from.toFixed(1)}deg ${at.toFixed(1)}deg`;
    });
    button.style.setProperty("--fl-ring", all ? `conic-gradient(${parts.join(", ")})` : "none");
    button.classList.toggle("fl-empty", !all);
    const words = LOOKS.filter((name) => looks[name]).map((name) => `${looks[name]} ${name}`).join(", ");
    const where = `${code}, ${this.scene.places[code]?.city || code}`;
    const said = `${where}: ${all ? `${count(all, "machine")}, ${words}` : "no machine"}`;
    if (button.title !== said) {
      button.title = said;
      button.setAttribute("aria-label", said);
    }
  }

  // ── what is chosen ──

  choose({ region = this.chosen.region, machine = "", exchange = this.chosen.exchange }) {
    const before = this.chosen;
    this.chosen = { region, machine, exchange };
    for (const [code, button] of this.buttons) button.setAttribute("aria-pressed", String(code === region));
    if (region !== before.region || machine !== before.machine) {
      this.#machines();
      this.pick(machine ? { machine, region } : { region });
    }
    if (exchange !== before.exchange) {
      this.#detail();
      this.#draw("tail");
    }
  }

  #rove(button) {
    if (!button) return;
    for (const other of this.buttons.values()) other.tabIndex = other === button ? 0 : -1;
  }

  #walk(event) {
    const here = event.target.closest(".fl-node");
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    let next;
    if (here && way) {
      const from = this.points.get(here.dataset.region);
      let least = Infinity;
      for (const [code, point] of this.points) {
        const [dx, dy] = [point.x - from.x, point.y - from.y];
        const along = dx * way[0] + dy * way[1];
        const aside = Math.abs(dx * way[1] + dy * way[0]);
        // What lies in that direction, the nearest first; what lies aside counts as farther away.
        const cost = along + 2 * aside;
        if (along > 1 && cost < least) [least, next] = [cost, this.buttons.get(code)];
      }
    } else if (event.key === "Home") next = this.nodes.firstElementChild;
    else if (event.key === "End") next = this.nodes.lastElementChild;
    if (!next && !way) return;
    event.preventDefault();
    event.stopPropagation(); // the notebook would go to another cell
    if (next) {
      this.#rove(next);
      next.focus();
    }
  }

  #step(event) {
    const here = event.target.closest("button");
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!here || (!by && event.key !== "Home" && event.key !== "End")) return;
    event.preventDefault();
    event.stopPropagation();
    const all = [...this.list.querySelectorAll("li:not([hidden]) button")];
    const at = event.key === "Home" ? 0 : event.key === "End" ? all.length - 1 : all.indexOf(here) + by;
    all[Math.min(Math.max(at, 0), all.length - 1)]?.focus();
  }

  // ── drawing: what has changed, once for each frame, and lists more seldom ──

  #draw(what) {
    if (what) this.dirty.add(what);
    if (this.frame || !this.dirty.size) return;
    this.frame = requestAnimationFrame((now) => {
      this.frame = 0;
      this.#frame(now);
    });
  }

  #frame(now) {
    const dirty = this.dirty;
    if (!this.arcs.seen) return; // drawn when it comes into view
    const all = dirty.delete("all");
    if (dirty.delete("places") || (all && !this.buttons.size)) this.#place();
    for (const key of [...dirty]) {
      if (!key.startsWith("region ")) continue;
      this.#node(key.slice(7));
      dirty.delete(key);
    }
    if (all) for (const code of this.buttons.keys()) this.#node(code);
    if (dirty.delete("status") || all) this.#status();
    if (all || now - (this.drawn || -SLOW) >= SLOW) {
      this.drawn = now;
      if (dirty.delete("tail") || all) this.#tail();
      if (dirty.delete("machines") || all) this.#machines();
      if (dirty.delete("gauges") || all) this.#gauges();
    } else if (dirty.size && !this.later) {
      this.later = setTimeout(() => { this.later = 0; this.#draw(); }, SLOW);
    }
  }

  #status() {
    const { platform, faults, machines, about } = this.fold;
    const where = `${count(about.regions?.length || 0, "region")}, ${count(machines.size, "machine")}`;
    const told = {
      live: `Live: ${where}`,
      connecting: "Looking for the platform …",
      lost: `The platform is gone. This is how it was at ${clock(this.lastLive || this.fold.at)}; it is tried again and again.`,
      ended: `The control room was closed at ${clock(this.fold.at)}. Run its cell again to open it.`,
    };
    if (platform === "live") this.lastLive = this.fold.at;
    if (this.live) this.state(platform, told[platform] || platform);
    else this.state("played", `${where}, as recorded`);
    const words = faults.map((fault) => {
      const aim = ["app", "region", "machine", "volume"].filter((key) => fault[key]).map((key) => fault[key]).join(", ");
      return `${fault.name}${aim ? ` (${aim})` : ""}${fault.struck ? ` · struck ${fault.struck}` : ""}`;
    });
    if (this.faultWords !== words.join("\n")) {
      this.faultWords = words.join("\n");
      this.faults.replaceChildren(...words.map((text) => make("li", { text })));
    }
  }

  #gauges() {
    const g = this.fold.gauges;
    if (g.machines === undefined) return;
    const dash = "–";
    const money = g.usd_per_hour;
    const small = `n ${(g.n ?? 0).toLocaleString("en")} in ${Math.round(g.span_s || 60)} s`;
    const tiles = [
      ["running", "Running", String(g.running), `of ${count(g.machines, "machine")}`, g.running],
      ["money", "Money", money < 0.1 ? `${(100 * money).toFixed(money && money < 0.01 ? 2 : 1)} ¢/h` : `$${money.toFixed(2)}/h`,
        g.unpriced ? `${g.unpriced} without a price` : "published prices", money],
      ["rate", "Requests", `${g.requests_per_s}/s`, `${count(g.open || 0, "open pipe")}`, g.requests_per_s],
      ["p50", "p50", g.p50_ms == null ? dash : ms(g.p50_ms), g.p50_ms == null ? small : `${ms(g.p50_configured_ms || 0)} configured`, g.p50_ms],
      ["p99", "p99", g.p99_ms == null ? dash : ms(g.p99_ms), g.p99_ms == null ? `${small}; needs ${(g.p99_needs || 1000).toLocaleString("en")}` : small, g.p99_ms],
      ["errors", "Errors", String(g.errors), small, g.errors],
    ];
    const second = Math.floor(this.fold.at);
    for (const [key, name, value, note, number] of tiles) {
      const tile = this.gauges.querySelector(`[data-gauge="${key}"]`) || this.#tile(key, name);
      say(tile.querySelector("dd"), value);
      say(tile.querySelector("small"), note);
      this.#line(tile, key, second, number);
    }
    const bar = this.gauges.querySelector('[data-gauge="p50"]');
    bar.style.setProperty("--fl-share", g.p50_ms ? `${Math.min(100, (100 * (g.p50_configured_ms || 0)) / g.p50_ms)}%` : "0%");
    bar.classList.toggle("fl-has", g.p50_ms != null);
  }

  #tile(key, name) {
    const name_ = "http://www.w3.org/2000/svg";
    const line = document.createElementNS(name_, "svg");
    line.setAttribute("viewBox", `0 0 ${POINTS} 20`);
    line.setAttribute("preserveAspectRatio", "none");
    line.setAttribute("aria-hidden", "true");
    line.append(document.createElementNS(name_, "polyline"));
    const tile = make("div", { "data-gauge": key }, make("dt", { text: name }), make("dd"), make("small"));
    tile.append(key === "p50" ? make("i", { class: "fl-share", title: "hatched: configured, an input; solid: measured" }) : line);
    this.gauges.append(tile);
    return tile;
  }

  #line(tile, key, second, number) {
    const line = (this.lines[key] ||= { second: 0, values: [] });
    if (second === line.second || number == null) return;
    line.second = second;
    line.values.push(number);
    if (line.values.length > POINTS) line.values.shift();
    const most = Math.max(...line.values, 1e-9);
    const from = POINTS - line.values.length;
    const points = line.values.map((value, n) => `${from + n},${(19 - (17 * value) / most).toFixed(1)}`);
    tile.querySelector("polyline")?.setAttribute("points", points.join(" "));
  }

  #tail() {
    if (this.held && this.rows.some((row) => row.id)) {
      for (const row of this.rows) row.button.setAttribute("aria-pressed", String(row.id === this.chosen.exchange));
      return;
    }
    // While somebody is choosing, what is chosen must not move away below their hand.
    if (this.list.matches(":hover") || this.list.contains(document.activeElement)) {
      if (this.rows.length && this.shownAs === this.unusual && this.rows.every((row) => row.id)) {
        for (const row of this.rows) {
          const record = this.fold.exchanges.get(row.id);
          if (record) this.#row(row, record);
        }
        say(this.more, "The list stands still while you point at it.");
        return;
      }
    }
    this.shownAs = this.unusual;
    const shown = [...this.fold.exchanges.values()].reverse().filter((record) => !this.unusual || kind(record) !== "serve" || record.status === 101).slice(0, ROWS);
    while (this.rows.length < ROWS) this.rows.push(this.#newRow());
    for (const [number, row] of this.rows.entries()) {
      const record = shown[number];
      row.item.hidden = !record;
      if (record) this.#row(row, record);
      else row.id = "";
    }
    say(this.more, shown.length ? "" : this.unusual ? "Nothing unusual yet." : "No request yet.");
    if (this.chosen.exchange && this.fold.exchanges.has(this.chosen.exchange)) {
      const record = this.fold.exchanges.get(this.chosen.exchange);
      if (record !== this.detailed) this.#detail();
    }
  }

  #newRow() {
    const [sign, what, way, took] = ["fl-sign", "fl-what", "fl-way", "fl-took"].map((name) => make("span", { class: name }));
    const button = make("button", { type: "button", "aria-pressed": "false" }, sign, what, way, took);
    const row = { item: make("li", {}, button), button, sign, what, way, took, id: "" };
    button.addEventListener("click", () => this.choose({ exchange: this.chosen.exchange === row.id ? "" : row.id }));
    this.list.append(row.item);
    return row;
  }

  #row(row, record) {
    row.id = record.id;
    const name = kind(record);
    if (row.sign.dataset.kind !== name) row.sign.dataset.kind = name;
    say(row.sign, SIGNS[name]);
    say(row.what, `${record.method} ${record.path}`);
    say(row.way, route(record));
    say(row.took, record.open ? "open" : ms(record.total_ms || 0));
    const said = `${NAMES[name]}: ${record.method} ${record.path}, ${route(record)}, status ${record.status ?? "none"}${record.code ? ` ${record.code}` : ""}, ${record.open ? "open" : ms(record.total_ms || 0)}`;
    if (row.button.title !== said) {
      row.button.title = said;
      row.button.setAttribute("aria-label", said);
    }
    row.button.setAttribute("aria-pressed", String(record.id === this.chosen.exchange));
  }

  #detail() {
    const record = this.fold.exchanges.get(this.chosen.exchange) || (this.detailed?.id === this.chosen.exchange && this.detailed);
    this.detailed = record || null;
    if (!record) {
      this.detail.replaceChildren(make("p", { class: "fl-quiet", text: "Choose an exchange to see its hops." }));
      return;
    }
    const hops = record.hops || [];
    const end = Math.max(0.001, ...hops.map((hop) => hop.ended_ms || 0), record.open ? 0 : record.status === 101 ? 0 : record.total_ms || 0);
    const configured = hops.reduce((sum, hop) => sum + (hop.configured_ms || 0), 0);
    const pipe = record.status === 101;
    const total = pipe ? (record.open ? "an open pipe" : `a pipe, ${ms(record.total_ms || 0)} in all`) : `${ms(record.total_ms || 0)}, of which ${ms(configured)} configured`;
    const body = hops.map((hop) => {
      const track = make("div", { class: "fl-track" });
      for (const piece of segments(hop)) {
        const bar = make("i", { class: `fl-piece fl-${piece.kind}`, title: `${PIECES[piece.kind]}: ${ms(piece.ms)}` });
        bar.style.left = `${(100 * piece.start) / end}%`;
        bar.style.width = `max(2px, ${(100 * piece.ms) / end}%)`;
        track.append(bar);
      }
      const why = hop.woke ? `${hop.cause}, woken` : hop.cause;
      const outcome = hop.code || hop.outcome || (record.open ? "open" : "");
      return make("tr", {}, make("th", { scope: "row" }, make("b", { text: hop.region }), ` ${why}`), make("td", {}, track),
        make("td", { class: "fl-num", text: ms(Math.max(0, (hop.ended_ms || 0) - (hop.started_ms || 0))) }), make("td", { text: outcome }));
    });
    const head = make("thead", {}, make("tr", {}, ...["Hop", "Time", "Took", "Ended"].map((text) => make("th", { scope: "col", text }))));
    this.detail.replaceChildren(
      make("h4", { text: `${record.method} ${record.path}` }),
      make("p", { class: "fl-quiet", text: `${record.app || "no app"} · from ${record.edge} · ${record.status ?? "no answer"}${record.code ? ` ${record.code}` : ""} · ${total}` }),
      hops.length ? make("table", {}, head, make("tbody", {}, ...body)) : make("p", { text: "It came to no machine." }),
      make("ul", { class: "fl-legend", "aria-label": "Signs of the hops" }, ...[["out", "configured, an input"], ["wake", "waking, measured"], ["own", "our own, measured"]]
        .map(([name, text]) => make("li", {}, make("i", { class: `fl-key fl-piece fl-${name}`, "aria-hidden": "true" }), text))),
    );
  }

  #machines() {
    const { region, machine: picked } = this.chosen;
    if (!region) {
      this.machineKeys = undefined;
      this.machines.replaceChildren(make("p", { class: "fl-quiet", text: "Choose a region on the map to see its machines." }));
      return;
    }
    const all = [...(this.fold.regions.get(region)?.values() || [])].sort((a, b) => (a.name < b.name ? -1 : 1));
    const shown = all.slice(0, MACHINES);
    const keys = `${region}\n${all.length > shown.length}\n${shown.map((each) => each.id).join("\n")}`;
    if (keys !== this.machineKeys) {
      this.machineKeys = keys;
      const focused = document.activeElement?.dataset?.machine;
      this.machineButtons = new Map(shown.map((each) => [each.id, make("button", { type: "button", "data-machine": each.id,
        onclick: () => this.choose({ machine: this.chosen.machine === each.id ? "" : each.id }) }, make("i", { "aria-hidden": "true" }), make("span", { text: each.name || each.id }), make("small"))]));
      const place = this.scene.places[region];
      this.machines.replaceChildren(
        make("h3", {}, make("b", { text: region }), ` ${place?.city || ""}: ${count(all.length, "machine")}`),
        make("ul", { "aria-label": `Machines in ${region}` }, ...[...this.machineButtons.values()].map((button) => make("li", {}, button))),
        ...(all.length > shown.length ? [make("p", { class: "fl-quiet", text: `and ${all.length - shown.length} more` })] : []),
      );
      this.machineButtons.get(focused)?.focus();
    }
    for (const each of shown) {
      const button = this.machineButtons.get(each.id);
      const name = look(each.state);
      button.dataset.look = name;
      say(button.querySelector("i"), STATE_SIGNS[name]);
      say(button.querySelector("small"), each.state);
      button.setAttribute("aria-pressed", String(each.id === picked));
    }
  }
}

const MACHINES = 120; // buttons at most; a region of Fly's holds 100 of ours

// ── in a notebook ────────────────────────────────────────────────────────────────────────────────────────────────────

const SILENT = 6000; // ms without a word of the kernel, which says something each second

function render({ model, el }) {
  const recording = model.get("recording");
  if (recording && recording.frames) return play(el, recording, { autoplay: false }).destroy;
  const me = Math.random().toString(36).slice(2);
  const view = new View(el, model.get("scene"), { pick: (what) => model.send({ t: "pick", ...what }) });
  let heard = performance.now();
  let state = "";
  let said = 0;
  const caption = () => view.caption(model.get("caption") || {});
  const hear = (message) => {
    if (!message || !message.batch || (message.for && message.for !== me)) return;
    heard = performance.now();
    said = Date.now() / 1000;
    if (state === "silent") state = "";
    view.tell(message.batch);
    if (message.n % 5 === 0) model.send({ t: "seen", n: message.n });
  };
  const gone = () => {
    state = "gone";
    view.state("gone", `The kernel that drew this is gone: run the notebook again. This is how it was at ${clock(said || Date.now() / 1000)}.`);
  };
  const look_ = setInterval(() => {
    if (state || view.fold.platform === "ended" || performance.now() - heard < SILENT) return;
    state = "silent";
    view.state("silent", `No word from the kernel since ${clock(said || Date.now() / 1000)}: it is busy, or it is gone.`);
  }, 1000);
  model.on("change:caption", caption);
  model.on("msg:custom", hear);
  model.on("comm_live_update", gone);
  caption();
  model.send({ t: "hello", view: me });
  return () => {
    clearInterval(look_);
    model.off("change:caption", caption);
    model.off("msg:custom", hear);
    model.off("comm_live_update", gone);
    view.destroy();
  };
}

// ── on a page without a kernel ───────────────────────────────────────────────────────────────────────────────────────

/**
 * Plays a recording in an element, whose content (a still for those without JavaScript) it takes the place of.
 *
 * It begins when it comes into view and pauses when it leaves, unless the reader wants no motion or paused it. Returns
 * `{play, pause, seek, destroy}`.
 */
export function play(element, recording, { autoplay = true } = {}) {
  const kept = [...element.childNodes];
  element.replaceChildren();
  const { frames, captions = [], seconds } = recording;
  const box = make("div", { class: "fl-player" });
  element.append(box);
  const view = new View(box, recording.scene, { live: false });
  let [at, next, playing, wanted, before, frame, spoken] = [0, 0, false, autoplay && !view.still.matches, 0, 0, null];

  const button = make("button", { type: "button", class: "fl-play", onclick: () => { wanted = !playing; if (wanted && at >= seconds) seek(0); playing ? pause() : start(); } });
  const slider = make("input", { type: "range", min: 0, max: seconds, step: 0.1, value: 0, "aria-label": "Time of the recording", oninput: () => { wanted = false; pause(); seek(Number(slider.value)); } });
  const time = make("span", { class: "fl-quiet" });
  const steps = make("ol", { class: "fl-steps", "aria-label": "Steps of the recording" });
  const marks = captions.map((caption) => {
    const mark = make("button", { type: "button", text: caption.title, title: caption.text, onclick: () => { seek(caption.at); if (wanted) start(); } });
    steps.append(make("li", {}, mark));
    return mark;
  });
  box.append(make("div", { class: "fl-controls" }, button, slider, time), steps, make("p", { class: "fl-quiet", text: recording.about || "" }));

  const show = () => {
    const name = playing ? "Pause" : at >= seconds ? "Again" : "Play";
    say(button, name);
    const text = `${at.toFixed(0)} of ${seconds.toFixed(0)} s`;
    say(time, text);
    slider.value = at;
    slider.setAttribute("aria-valuetext", text);
    const current = captions.filter((caption) => caption.at <= at).at(-1) || null;
    if (current !== spoken) {
      spoken = current;
      view.caption(current || {});
      for (const [number, mark] of marks.entries()) {
        if (captions[number] === current) mark.setAttribute("aria-current", "step");
        else mark.removeAttribute("aria-current");
      }
    }
  };
  const advance = (arcs) => {
    for (; next < frames.length && frames[next].at <= at; next++) view.tell(frames[next].batch, { arcs });
  };
  const step = (now) => {
    at = Math.min(seconds, at + Math.min(0.25, (now - before) / 1000)); // a page that slept goes on where it was
    before = now;
    advance(true);
    if (at >= seconds) playing = wanted = false;
    show();
    if (playing) frame = requestAnimationFrame(step);
  };
  const start = () => {
    if (playing) return;
    playing = true;
    before = performance.now();
    frame = requestAnimationFrame(step);
    show();
  };
  const pause = () => {
    playing = false;
    cancelAnimationFrame(frame);
    show();
  };
  const seek = (to) => {
    if (to < at) {
      next = 0; // the first frame is whole: it takes the place of all that is there
      view.lines = {};
    }
    at = Math.min(Math.max(0, to), seconds);
    advance(false);
    show();
  };
  const sight = new IntersectionObserver(([entry]) => {
    if (entry.isIntersecting && wanted) start();
    else if (!entry.isIntersecting) pause();
  }, { threshold: 0.2 });
  sight.observe(box);
  seek(0);
  return {
    play: () => { wanted = true; start(); },
    pause: () => { wanted = false; pause(); },
    seek,
    view,
    destroy: () => {
      sight.disconnect();
      pause();
      view.destroy();
      element.replaceChildren(...kept);
    },
  };
}

export default { render };
