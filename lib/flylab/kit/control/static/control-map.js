// The map: land, a sign for each region with its machines by state as a ring, and the canvas of the moving arcs.

import { Arcs } from "./control-arcs.js";
import { count, draw, legend, make, name } from "./control-elements.js";
import { LOOKS } from "./control-fold.js";
import { dodge } from "./control-places.js";

const SIGNS = [
  ["fl-key fl-bare", "edge alone"],
  ["fl-key fl-started", "started"],
  ["fl-key fl-changing", "starting"],
  ["fl-key fl-ending", "stopping"],
  ["fl-key fl-suspended", "suspended"],
  ["fl-key fl-stopped", "stopped"],
  ["fl-key fl-failed", "failed"],
  ["fl-line fl-serve", "served"],
  ["fl-line fl-replay", "replayed"],
  ["fl-line fl-wake", "woke a machine"],
  ["fl-line fl-refuse", "refused"],
];

export class WorldMap {
  /** `choose(region)` is called with a code when its sign is pressed. */
  constructor(scene, { choose, still }) {
    this.scene = scene;
    this.choose = choose;
    this.buttons = new Map();
    this.points = new Map();
    this.leads = draw("path", { class: "fl-leads" }); // from places to the signs that stand beside them
    const box = `0 0 ${scene.width} ${scene.height}`;
    const land = draw("path", { d: scene.land });
    this.canvas = make("canvas", { class: "fl-arcs", "aria-hidden": "true" });
    this.nodes = make("div", { class: "fl-nodes", role: "group", "aria-label": "Regions" });
    this.nodes.addEventListener("keydown", (event) => this.#walk(event));
    const drawn = draw("svg", { class: "fl-land", viewBox: box, "aria-hidden": "true" }, land, this.leads);
    this.stage = make("div", { class: "fl-stage" }, drawn, this.canvas, this.nodes);
    this.element = make("div", {}, this.stage, legend("Signs on the map", SIGNS));
    this.arcs = new Arcs(this.canvas, { still });
  }

  /** Put everything where it belongs in a stage of this width. */
  place({ regions }) {
    const width = this.stage.clientWidth;
    if (!width) return false;
    const { places } = this.scene;
    const codes = (regions?.length ? regions : Object.keys(places)).filter((code) => places[code]);
    const scale = width / this.scene.width;
    const height = Math.round(this.scene.height * scale);
    const radius = Math.round(Math.min(17, Math.max(12, width / 52)));
    const there = codes.map((code) => ({ x: places[code].x * scale, y: places[code].y * scale }));
    const moved = dodge(there, 2 * radius + 4, width, height);
    this.points = new Map(codes.map((code, number) => [code, moved[number]]));
    this.stage.style.height = `${height}px`;
    this.stage.style.setProperty("--fl-node", `${2 * radius}px`);
    const at = ({ x, y }) => `${(x / scale).toFixed(1)} ${(y / scale).toFixed(1)}`;
    this.leads.setAttribute("d", codes.map((_, number) => `M${at(there[number])}L${at(moved[number])}`).join(""));
    for (const [code, button] of this.buttons) {
      if (this.points.has(code)) continue;
      button.remove();
      this.buttons.delete(code);
    }
    // From west to east, as Home and End understand it.
    for (const code of codes.sort((a, b) => this.points.get(a).x - this.points.get(b).x)) {
      const button = this.#button(code);
      const { x, y } = this.points.get(code);
      button.style.transform = `translate(${(x - radius).toFixed(1)}px, ${(y - radius).toFixed(1)}px)`;
      if (!button.isConnected) this.nodes.append(button);
    }
    if (!this.nodes.querySelector('[tabindex="0"]')) this.#rove(this.nodes.firstElementChild);
    this.arcs.resize(width, height, radius, this.points);
    return true;
  }

  /** Show a region's machines by their looks. */
  show(code, looks) {
    const button = this.buttons.get(code);
    if (!button) return;
    const there = LOOKS.filter((look) => looks[look]);
    const all = there.reduce((sum, look) => sum + looks[look], 0);
    let at = 0;
    const parts = there.map((look) => {
      const from = at;
      at += (360 * looks[look]) / all;
      return `var(--fl-${look}) ${from.toFixed(1)}deg ${at.toFixed(1)}deg`;
    });
    button.style.setProperty("--fl-ring", all ? `conic-gradient(${parts.join(", ")})` : "none");
    button.classList.toggle("fl-empty", !all);
    const words = there.map((look) => `${looks[look]} ${look}`).join(", ");
    const where = `${code}, ${this.scene.places[code].city}`;
    name(button, `${where}: ${all ? `${count(all, "machine")}, ${words}` : "an edge without machines"}`);
  }

  press(region) {
    for (const [code, button] of this.buttons) button.setAttribute("aria-pressed", String(code === region));
  }

  #button(code) {
    let button = this.buttons.get(code);
    if (!button) {
      const said = { type: "button", class: "fl-node", "data-region": code, "aria-pressed": "false", tabindex: "-1" };
      button = make("button", { ...said, onclick: () => this.choose(code) }, make("span", { text: code }));
      button.addEventListener("focus", () => this.#rove(button));
      this.buttons.set(code, button);
    }
    return button;
  }

  #rove(button) {
    for (const other of this.buttons.values()) other.tabIndex = other === button ? 0 : -1;
  }

  #walk(event) {
    const here = event.target.closest(".fl-node");
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    let next = { Home: this.nodes.firstElementChild, End: this.nodes.lastElementChild }[event.key];
    if (!here || (!way && !next)) return;
    event.preventDefault();
    event.stopPropagation(); // the notebook would go to another cell
    if (way) next = this.#beside(here.dataset.region, way);
    next?.focus();
  }

  /** The nearest sign in a direction; what lies aside counts as farther away. */
  #beside(code, [right, down]) {
    const from = this.points.get(code);
    let [least, found] = [Infinity, null];
    for (const [other, point] of this.points) {
      const [dx, dy] = [point.x - from.x, point.y - from.y];
      const along = dx * right + dy * down;
      const cost = along + 2 * Math.abs(dx * down + dy * right);
      if (along > 1 && cost < least) [least, found] = [cost, this.buttons.get(other)];
    }
    return found;
  }
}
