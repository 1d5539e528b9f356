// What lies over the drawing: frames of what is selected by whom, handles, guides, and dashes around what is not stored yet.

import { sized } from "./canvas.js";
import { box, turn } from "./geometry.js";
import { frame, handles } from "./resizing.js";
import { onTheme, themed } from "./theme.js";

const MARK_AFTER = 400; // ms until a change that is not stored is marked: usually it is stored long before
const MOST_FRAMES = 60; // of so many selected shapes each has a frame of its own

export class Marks {
  constructor(element, { now = () => performance.now(), later = setTimeout.bind(globalThis) } = {}) {
    Object.assign(this, { element, now, later, context: element.getContext("2d"), since: new Map(), waking: null, drawn: null, empty: true });
    onTheme(() => this.again());
  }

  again() {
    if (this.drawn) this.draw(this.drawn);
  }

  /** `shapes` by id, `unstored` ids, `selection` ids, `others` [{hue, ids}], `grips` whether handles show, `gesture` what it marks. */
  draw(what) {
    this.drawn = what;
    const { view, shapes, unstored, selection, others, grips, gesture } = what;
    const { context, element } = this;
    const ratio = sized(element, view);
    if (!this.empty) {
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, element.width, element.height);
    }
    const scale = view.scale * ratio;
    this.unit = 1 / view.scale;
    context.setTransform(scale, 0, 0, scale, element.width / 2 - view.x * scale, element.height / 2 - view.y * scale);
    this.empty = !unstored.size && !selection.length && !others.length && !gesture;
    if (this.empty) {
      this.since.clear();
      return;
    }
    this.dashes(shapes, unstored, themed("--quiet"));
    for (const { hue, ids } of others) {
      const line = `oklch(${themed("--cursor-l")} ${themed("--cursor-c")} ${hue})`;
      for (const id of ids.slice(0, MOST_FRAMES)) if (shapes.has(id)) this.frame(shapes.get(id), line, { width: 2 });
    }
    this.selected(selection.filter((id) => shapes.has(id)).map((id) => shapes.get(id)), grips);
    if (gesture) this.gesture(gesture, themed("--accent"));
  }

  selected(held, grips) {
    const { context, unit } = this;
    const accent = themed("--accent");
    for (const shape of held.slice(0, MOST_FRAMES)) this.frame(shape, accent, { width: held.length > 1 ? 1 : 2 });
    if (!grips || !held.length) return;
    const whole = frame(held);
    if (held.length > 1) this.frame({ kind: "rect", ...whole, sw: 0 }, accent, { width: 1.5 });
    context.fillStyle = themed("--card");
    context.strokeStyle = accent;
    context.lineWidth = 1.5 * unit;
    for (const { name, x, y } of handles(held, unit)) {
      context.beginPath();
      if (name === "turn") context.arc(x, y, 6 * unit, 0, 7);
      else context.rect(x - 5 * unit, y - 5 * unit, 10 * unit, 10 * unit);
      context.fill();
      context.stroke();
    }
  }

  gesture({ area, guides = [] }, accent) {
    const { context, unit } = this;
    context.strokeStyle = accent;
    context.lineWidth = unit;
    context.setLineDash([]);
    if (area) {
      context.globalAlpha = 0.12;
      context.fillStyle = accent;
      context.fillRect(area.x, area.y, area.w, area.h);
      context.globalAlpha = 1;
      context.strokeRect(area.x, area.y, area.w, area.h);
    }
    context.beginPath();
    for (const [x1, y1, x2, y2] of guides) {
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
    }
    context.stroke();
  }

  /** A dashed frame around what is not stored yet, once that has lasted. */
  dashes(shapes, unstored, line) {
    const now = this.now();
    for (const id of this.since.keys()) if (!unstored.has(id)) this.since.delete(id);
    let next = Infinity;
    for (const id of unstored) {
      if (!this.since.has(id)) this.since.set(id, now);
      const since = this.since.get(id);
      const shape = shapes.get(id);
      if (shape && now - since >= MARK_AFTER) this.frame(shape, line, { width: 2, dash: [6, 5], out: 8 });
      else next = Math.min(next, since + MARK_AFTER - now);
    }
    if (next > 0 && next < Infinity && this.waking === null) {
      this.waking = this.later(() => { this.waking = null; this.again(); }, next + 1);
    }
  }

  /** Widths and distances are pixels, whatever the zoom. */
  frame(shape, line, { width, dash = [], out = 3 }) {
    const { context, unit } = this;
    const { x, y, w, h } = box(shape);
    const by = out * unit + (shape.sw ?? 2) / 2;
    context.save();
    turn(context, { x, y, w, h }, shape.r);
    context.strokeStyle = line;
    context.lineWidth = width * unit;
    context.setLineDash(dash.map((one) => one * unit));
    context.strokeRect(x - by, y - by, w + 2 * by, h + 2 * by);
    context.restore();
  }
}
