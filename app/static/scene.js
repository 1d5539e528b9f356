// Everything that is seen on the sheet: the drawing, the marks over it, the cursors; what others drag glides. Keeps no state of the room.

import { Canvas } from "./canvas.js";
import { CursorLayer } from "./cursors.js";
import { ordered } from "./document.js";
import { GRID } from "./moving.js";
import { Marks } from "./marks.js";
import { shapes, unstored } from "./room.js";
import { Glide } from "./smooth.js";

const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const [FINE, COARSE] = [12, 5]; // pixels below which dots of the grid merge into wider ones, and by how many

export class Scene {
  constructor(get) {
    Object.assign(this, { sheet: get("sheet"), canvas: new Canvas(get("canvas")), marks: new Marks(get("marks")), cursors: new CursorLayer(get("cursors")) });
    Object.assign(this, { glide: new Glide(), of: {}, shapes: new Map(), ordered: [], drawn: [], view: null });
  }

  /** The shapes by id as they are shown, worked out once for each state. */
  look(state) {
    const { doc, pending, drags, draft } = state;
    const { of } = this;
    if (of.shapes !== doc.shapes || of.pending !== pending || of.drags !== drags || of.draft !== draft) {
      this.of = { shapes: doc.shapes, pending, drags, draft };
      const all = shapes(state);
      if (all !== this.shapes) this.ordered = ordered(all);
      this.shapes = all;
    }
    return this.shapes;
  }

  /** Draw a state; whether something is still on its way, so that it has to be drawn again soon. */
  draw(state, { view, gesture, grips, grid }) {
    this.cursors.draw(state, view);
    const { members, selected, drags, pending, selection, n: own } = state;
    this.look(state);
    const dragged = new Set();
    if (!STILL.matches) for (const changes of drags.values()) for (const { id } of changes) dragged.add(id);
    const { shapes: shown, busy } = this.glide.step(this.ordered, dragged, performance.now());
    if (view !== this.view || grid !== this.grid) this.paper(view, grid);
    const moving = new Set(dragged);
    for (const { id } of state.draft) moving.add(id);
    this.canvas.draw(shown, view, moving);
    const parts = [shown, members, selected, drags, pending, selection, view, gesture, gesture?.area, gesture?.guides, grips];
    if (!busy && parts.every((part, n) => part === this.drawn[n])) return false;
    this.drawn = parts;
    const others = [];
    for (const [n, member] of members) {
      const ids = [...(selected.get(n) ?? []), ...(drags.get(n) ?? []).map((change) => change.id)];
      if (n !== own && ids.length) others.push({ hue: member.hue, ids: [...new Set(ids)] });
    }
    const wanted = new Set([...unstored(state), ...selection, ...others.flatMap((one) => one.ids)]);
    const found = new Map();
    if (wanted.size) for (const shape of shown) if (wanted.has(shape.id)) found.set(shape.id, shape);
    this.marks.draw({ view, shapes: found, unstored: unstored(state), selection, others, gesture, grips });
    return busy;
  }

  /** The dots of the sheet, which move and grow with it. */
  paper(view, grid) {
    Object.assign(this, { view, grid });
    let step = GRID * view.scale;
    while (step < FINE) step *= COARSE;
    const { style, dataset } = this.sheet;
    style.setProperty("--step", `${step}px`);
    const [x, y] = [(view.width / 2 - view.x * view.scale) % step, (view.height / 2 - view.y * view.scale) % step];
    style.setProperty("--at", `${x - step / 2}px ${y - step / 2}px`); // a dot is in the middle of its tile, a line at the edge
    style.setProperty("--lines", `${x}px ${y}px`);
    dataset.view = `${view.x} ${view.y} ${view.scale}`;
    this.sheet.toggleAttribute("data-grid", grid);
  }
}
