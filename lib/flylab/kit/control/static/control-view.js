// The whole screen: fed with batches, it draws what has changed, once for each frame, and lists more seldom.

import { clock, count, make, say } from "./control-elements.js";
import { Fold } from "./control-fold.js";
import { Gauges } from "./control-gauges.js";
import { Hops } from "./control-hops.js";
import { Machines } from "./control-machines.js";
import { WorldMap } from "./control-map.js";
import { Tail } from "./control-tail.js";

const SLOW = 250; // ms between two drawings of lists and numbers: faster than that nobody reads. Our choice

export class View {
  /** `tell(batch)` is all it is fed with; `pick` is called with what somebody chose. */
  constructor(root, scene, { pick = () => {}, live = true } = {}) {
    this.fold = new Fold();
    this.pick = pick;
    this.live = live;
    this.chosen = { region: "", machine: "", exchange: "" };
    this.dirty = new Set();
    this.drawn = -SLOW;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.map = new WorldMap(scene, { choose: (region) => this.choose({ region }), still: this.still.matches });
    this.tail = new Tail({ choose: (exchange) => this.choose({ exchange }) });
    this.hops = new Hops();
    this.gauges = new Gauges();
    this.machines = new Machines({ choose: (machine) => this.choose({ machine }), places: scene.places });
    this.#build(root);
    this.motion = () => (this.map.arcs.still = this.still.matches);
    this.still.addEventListener("change", this.motion);
    this.sizes = new ResizeObserver(() => this.#draw("places"));
    this.sizes.observe(this.map.stage);
    this.sight = new IntersectionObserver((entries) => {
      this.map.arcs.seen = entries.at(-1).isIntersecting;
      this.#draw();
    });
    this.sight.observe(this.root);
    this.dirty.add("machines");
    this.#draw("tail");
  }

  destroy() {
    this.sizes.disconnect();
    this.sight.disconnect();
    this.still.removeEventListener("change", this.motion);
    clearTimeout(this.later);
    cancelAnimationFrame(this.frame);
    this.map.arcs.stop();
    this.root.remove();
  }

  tell(batch, { arcs = true } = {}) {
    const changed = this.fold.apply(batch);
    for (const region of changed.regions) this.dirty.add(`region ${region}`);
    if (changed.regions.has(this.chosen.region)) this.dirty.add("machines");
    if (changed.exchanges) this.dirty.add("tail");
    if (changed.about) this.dirty.add("places");
    this.dirty.add("gauges").add("status");
    if (arcs && batch.arcs?.length) this.map.arcs.add(batch.arcs);
    this.#draw();
  }

  /** What is explained; `{}` for nothing. */
  caption({ title = "", text = "", step = 0, of = 0 } = {}) {
    this.words.hidden = !title && !text;
    say(this.words.querySelector(".fl-step"), step ? `${step}${of ? ` of ${of}` : ""}` : "");
    say(this.words.querySelector("strong"), title);
    say(this.words.querySelector("p"), text);
  }

  /** How things are, in one word (live, lost, silent, gone, ended, played) and in a sentence. */
  state(state, text) {
    this.root.dataset.state = state;
    say(this.status, text);
  }

  /** Choose a region, a machine or an exchange; the same one once more chooses none. */
  choose(what) {
    const before = this.chosen;
    const toggled = Object.fromEntries(Object.entries(what).map(([key, id]) => [key, before[key] === id ? "" : id]));
    this.chosen = { ...before, ...("region" in what ? { machine: "" } : {}), ...toggled };
    const { region, machine } = this.chosen;
    this.map.press(region);
    if (!("exchange" in what)) this.pick(machine ? { machine, region } : { region });
    this.drawn = -SLOW; // whoever presses something does not wait
    this.dirty.add("machines");
    this.#draw("tail");
  }

  #build(root) {
    this.status = make("span", { role: "status" });
    // What changes all the time stands beside it: read out at each change it would never be silent.
    this.there = make("span", { class: "fl-quiet" });
    this.faults = make("ul", { class: "fl-faults", "aria-label": "Armed faults", hidden: true });
    const lamp = make("i", { class: "fl-lamp", "aria-hidden": "true" });
    const said = make("div", {}, make("strong"), make("p"));
    const step = make("span", { class: "fl-step" });
    this.words = make("div", { class: "fl-caption", "aria-live": "polite" }, step, said);
    this.words.hidden = true;
    const left = make("div", { class: "fl-left" }, this.map.element, this.machines.element);
    const right = make("div", { class: "fl-side" }, this.tail.element, this.hops.element);
    const how = make("div", { class: "fl-status" }, lamp, this.status, this.there);
    this.root = make(
      "section",
      { class: "fl-room", "aria-label": "Control room" },
      make("div", { class: "fl-head" }, how, this.faults),
      this.gauges.element,
      this.words,
      make("div", { class: "fl-main" }, left, right),
    );
    root.append(this.root);
  }

  // ── what has changed ──

  #draw(what) {
    if (what) this.dirty.add(what);
    if (this.frame || !this.dirty.size) return;
    this.frame = requestAnimationFrame((now) => {
      this.frame = 0;
      if (this.map.arcs.seen) this.#frame(now); // else when it comes into view
    });
  }

  #frame(now) {
    const { dirty, fold } = this;
    if (dirty.has("places") && this.map.place(fold.about)) {
      dirty.delete("places");
      for (const code of this.map.buttons.keys()) dirty.add(`region ${code}`);
      this.map.press(this.chosen.region);
    }
    for (const key of [...dirty]) {
      if (!key.startsWith("region ")) continue;
      const code = key.slice(7);
      if (this.map.buttons.has(code)) this.map.show(code, fold.looks(code));
      dirty.delete(key);
    }
    if (dirty.delete("status")) this.#status();
    if (now - this.drawn < SLOW) {
      if (dirty.size) this.later ||= setTimeout(() => this.#again(), SLOW);
      return;
    }
    this.drawn = now;
    if (dirty.delete("tail")) {
      this.tail.show(fold, this.chosen.exchange);
      const { exchange } = this.chosen;
      const gone = this.hops.record?.id === exchange ? this.hops.record : null; // it is kept while it is looked at
      this.hops.show(fold.exchanges.get(exchange) || gone);
    }
    if (dirty.delete("machines")) this.machines.show(fold, this.chosen.region, this.chosen.machine);
    if (dirty.delete("gauges")) this.gauges.show(fold.gauges, fold.at);
  }

  #again() {
    this.later = 0;
    this.#draw();
  }

  #status() {
    const { platform, faults, machines, about, at } = this.fold;
    say(this.there, `${count(about.regions?.length || 0, "region")}, ${count(machines.size, "machine")}`);
    if (platform === "live") this.lastLive = at;
    const told = {
      live: "Live",
      connecting: "Looking for the platform …",
      lost: `The platform is gone, and is looked for. This is how it was at ${clock(this.lastLive || at)}.`,
      ended: `The control room was closed at ${clock(at)}. Run its cell again to open it.`,
    };
    if (this.live) this.state(platform, told[platform] || platform);
    else this.state("played", "As recorded");
    const words = faults.map((fault) => {
      const aim = ["app", "region", "machine", "volume"].filter((key) => fault[key]).map((key) => fault[key]);
      const struck = fault.struck ? `, struck ${fault.struck}` : "";
      return `${fault.name}${aim.length ? ` (${aim.join(", ")})` : ""}${struck}`;
    });
    if (this.armed === words.join("\n")) return;
    this.armed = words.join("\n");
    this.faults.hidden = !words.length;
    this.faults.replaceChildren(...words.map((text) => make("li", { text })));
  }
}
