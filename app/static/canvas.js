// Draws the shapes of a room on a canvas element, with what is selected by whom and what is not stored yet. Keeps no state of the room.

import { DEFAULTS } from "./document.js";
import { SHEET, box } from "./geometry.js";

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";
const SIZES = { text: 28, note: 24 }; // height of letters, in the sheet's units
const LINE = 1.25;
const PADDING = 14;
const MARK_AFTER = 400; // ms until a change that is not stored is marked: usually it is stored long before
const NOTE = { fill: "#fff3bf", ink: "#1d1b26" }; // paper is pale in both themes

export class Canvas {
  constructor(element, { now = () => performance.now(), later = setTimeout.bind(globalThis) } = {}) {
    Object.assign(this, { element, now, later });
    this.context = element.getContext("2d");
    this.lines = new WeakMap(); // shape → its text in lines
    this.since = new Map(); // id → since when it is not stored
    this.view = null;
    this.waking = null;
    new ResizeObserver(() => this.fit()).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.again());
  }

  /** Take on the element's size in the screen's own pixels. */
  fit() {
    const ratio = globalThis.devicePixelRatio || 1;
    const { width, height } = this.element.getBoundingClientRect();
    this.element.width = Math.max(1, Math.round(width * ratio));
    this.element.height = Math.max(1, Math.round(height * ratio));
    this.again();
  }

  again() {
    if (this.view) this.draw(this.view);
  }

  /** `view`: shapes from the lowest up, `unstored` ids, `selection` ids, `others` [{hue, ids}]. */
  draw(view) {
    this.view = view;
    const { context } = this;
    const theme = getComputedStyle(this.element);
    const colour = (name) => theme.getPropertyValue(name).trim();
    this.ink = colour("--ink");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.element.width, this.element.height);
    const scale = this.element.width / SHEET.width;
    context.setTransform(scale, 0, 0, scale, this.element.width / 2, this.element.height / 2);
    for (const shape of view.shapes) this.shape(shape);
    this.marks(view, colour("--quiet"));
    const found = new Map(view.shapes.map((shape) => [shape.id, shape]));
    for (const { hue, ids } of view.others) {
      const line = `oklch(${colour("--cursor-l")} ${colour("--cursor-c")} ${hue})`;
      for (const id of ids) if (found.has(id)) this.frame(found.get(id), line, { width: 2 });
    }
    for (const id of view.selection) if (found.has(id)) this.frame(found.get(id), colour("--accent"), { width: 3 });
  }

  shape(shape) {
    const { context } = this;
    const around = box(shape);
    const whole = { ...DEFAULTS, ...shape };
    context.save();
    context.globalAlpha = whole.opacity;
    this.turn(around, whole.r);
    context.lineWidth = whole.sw;
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = this.colour(whole.stroke);
    context.fillStyle = this.colour(whole.fill);
    (DRAW[whole.kind] ?? DRAW.rect)(context, whole, around);
    if (whole.text) this.text(shape, around);
    context.restore();
  }

  /** Black is the theme's ink, so that it can be read on a dark sheet too. */
  colour(name) {
    return name === "black" ? this.ink : name;
  }

  text(shape, around) {
    const { context } = this;
    const free = shape.kind === "text";
    const size = free ? SIZES.text : SIZES.note;
    const inset = free ? 0 : PADDING;
    context.font = `${free ? 500 : 400} ${size}px ${FONT}`;
    context.textBaseline = "top";
    let lines = this.lines.get(shape);
    if (!lines) this.lines.set(shape, (lines = wrapped(context, shape.text, free ? Infinity : around.w - 2 * inset)));
    if (free) context.fillStyle = this.colour(painted(shape.fill) ? shape.fill : painted(shape.stroke) ? shape.stroke : DEFAULTS.stroke);
    else {
      context.fillStyle = shape.kind === "note" || painted(shape.fill) ? NOTE.ink : this.ink;
      context.beginPath();
      context.rect(around.x, around.y, around.w, around.h);
      context.clip();
    }
    lines.forEach((line, n) => context.fillText(line, around.x + inset, around.y + inset + n * size * LINE));
  }

  /** A dashed frame around what is not stored yet, once that has lasted. */
  marks({ shapes, unstored }, line) {
    const now = this.now();
    for (const id of this.since.keys()) if (!unstored.has(id)) this.since.delete(id);
    for (const id of unstored) if (!this.since.has(id)) this.since.set(id, now);
    let next = Infinity;
    for (const shape of shapes) {
      const since = this.since.get(shape.id);
      if (since === undefined) continue;
      if (now - since >= MARK_AFTER) this.frame(shape, line, { width: 3, dash: [10, 8], out: 14 });
      else next = Math.min(next, since + MARK_AFTER - now);
    }
    if (next < Infinity && this.waking === null) {
      this.waking = this.later(() => { this.waking = null; this.again(); }, next + 1);
    }
  }

  frame(shape, line, { width, dash = [], out = 4 }) {
    const { context } = this;
    const around = box(shape);
    const by = out + (shape.sw ?? 0) / 2;
    context.save();
    this.turn(around, shape.r);
    context.strokeStyle = line;
    context.lineWidth = width;
    context.setLineDash(dash);
    context.strokeRect(around.x - by, around.y - by, around.w + 2 * by, around.h + 2 * by);
    context.restore();
  }

  turn(around, degrees) {
    if (!degrees) return;
    const [cx, cy] = [around.x + around.w / 2, around.y + around.h / 2];
    this.context.translate(cx, cy);
    this.context.rotate((degrees * Math.PI) / 180);
    this.context.translate(-cx, -cy);
  }
}

// How each kind looks; colours and width are set already, `fill` and `stroke` say which of them count.
const DRAW = {
  rect(context, shape, { x, y, w, h }) {
    context.beginPath();
    context.roundRect(x, y, w, h, 4);
    paint(context, shape);
  },
  note(context, shape, { x, y, w, h }) {
    context.beginPath();
    context.roundRect(x, y, w, h, 6);
    if (!painted(shape.fill)) context.fillStyle = NOTE.fill;
    context.fill();
    paint(context, { stroke: shape.stroke });
  },
  ellipse(context, shape, { x, y, w, h }) {
    context.beginPath();
    context.ellipse(x + w / 2, y + h / 2, w / 2, h / 2, 0, 0, 2 * Math.PI);
    paint(context, shape);
  },
  pen(context, { x, y, points, stroke }) {
    context.beginPath();
    context.moveTo(x + (points[0] ?? 0), y + (points[1] ?? 0));
    context.lineTo(x + (points[0] ?? 0), y + (points[1] ?? 0)); // a dot, if that is all
    for (let n = 2; n + 1 < points.length; n += 2) context.lineTo(x + points[n], y + points[n + 1]);
    paint(context, { stroke });
  },
  line(context, { x, y, w, h, stroke }) {
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + w, y + h);
    paint(context, { stroke });
  },
  arrow(context, shape) {
    DRAW.line(context, shape);
    const { x, y, w, h, sw, stroke } = shape;
    const [angle, size] = [Math.atan2(h, w), 10 + 2 * sw];
    for (const side of [-0.45, 0.45]) {
      context.beginPath();
      context.moveTo(x + w, y + h);
      context.lineTo(x + w - size * Math.cos(angle + side), y + h - size * Math.sin(angle + side));
      paint(context, { stroke });
    }
  },
  text() {}, // has letters alone
};

function painted(colour) {
  return colour !== undefined && colour !== "none";
}

function paint(context, { fill, stroke }) {
  if (painted(fill)) context.fill();
  if (painted(stroke)) context.stroke();
}

/** The text in lines no wider than `width`, broken between words where that is possible. */
function wrapped(context, text, width) {
  const lines = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(/(?<=\s)/)) {
      if (line && context.measureText((line + word).trimEnd()).width > width) {
        lines.push(line);
        line = "";
      }
      line += word;
      while (line.length > 1 && context.measureText(line.trimEnd()).width > width) {
        let fits = line.length - 1;
        while (fits > 1 && context.measureText(line.slice(0, fits)).width > width) fits -= 1;
        lines.push(line.slice(0, fits));
        line = line.slice(fits);
      }
    }
    lines.push(line);
  }
  return lines;
}
