// The shapes of a room on a canvas: repaints only where something changed, and everything when the view did. Keeps no state of the room.

import { bounds, meet } from "./geometry.js";
import { paint } from "./paint.js";

const MOST_PLACES = 24; // places that changed at once; of more, everything is repainted (our choice)
const MOST_AREA = 0.6; // of the canvas

export class Canvas {
  constructor(element) {
    Object.assign(this, { element, context: element.getContext("2d"), known: new Map(), view: null, stale: true, repainted: 0 });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.again());
  }

  /** Colours of the theme have changed. */
  again() {
    this.stale = true;
    if (this.view) this.draw(this.shapes, this.view);
  }

  /** `shapes` from the lowest up. */
  draw(shapes, view) {
    const places = this.take(shapes);
    const whole = this.stale || view !== this.view;
    Object.assign(this, { shapes, view, stale: false });
    if (whole) this.everything();
    else if (places.length) this.some(places);
  }

  /** Note what is there now; the bounds of what was and is where something changed. */
  take(shapes) {
    const places = [];
    const known = this.known;
    let found = 0;
    for (const shape of shapes) {
      const before = known.get(shape.id);
      if (before) found += 1;
      if (before === shape) continue;
      if (before) places.push(bounds(before));
      places.push(bounds(shape));
    }
    if (!places.length && found === known.size) return places;
    this.known = new Map(shapes.map((shape) => [shape.id, shape]));
    if (found < known.size) for (const [id, before] of known) if (!this.known.has(id)) places.push(bounds(before));
    return places;
  }

  /** Set the context to units of the sheet, at the screen's own resolution. */
  begin() {
    const { context, element, view } = this;
    this.ratio = sized(element, view);
    this.scale = view.scale * this.ratio;
    this.ink ??= "";
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.lineCap = context.lineJoin = "round";
  }

  aim() {
    const { context, view, element, scale } = this;
    context.setTransform(scale, 0, 0, scale, element.width / 2 - view.x * scale, element.height / 2 - view.y * scale);
  }

  everything() {
    const { context, element } = this;
    this.begin();
    this.ink = getComputedStyle(element).getPropertyValue("--ink").trim();
    context.clearRect(0, 0, element.width, element.height);
    this.aim();
    const { x, y, scale } = this.view;
    const [w, h] = [element.width / this.scale, element.height / this.scale];
    this.paint({ x: x - w / 2, y: y - h / 2, w, h }, null, scale);
  }

  some(places) {
    const { element, view, context } = this;
    this.begin();
    const { width, height } = element;
    const rects = [];
    let area = 0;
    for (const { x, y, w, h } of places) {
      const left = Math.max(0, Math.floor((x - view.x) * this.scale + width / 2) - 1);
      const top = Math.max(0, Math.floor((y - view.y) * this.scale + height / 2) - 1);
      const right = Math.min(width, Math.ceil((x + w - view.x) * this.scale + width / 2) + 1);
      const bottom = Math.min(height, Math.ceil((y + h - view.y) * this.scale + height / 2) + 1);
      if (right <= left || bottom <= top) continue; // not to be seen
      rects.push([left, top, right - left, bottom - top]);
      area += (right - left) * (bottom - top);
    }
    if (!rects.length) return;
    if (rects.length > MOST_PLACES || area > MOST_AREA * width * height) return this.everything();
    context.save();
    context.beginPath();
    for (const rect of rects) context.rect(...rect);
    context.clip();
    for (const rect of rects) context.clearRect(...rect);
    this.aim();
    const seen = rects.map(([x, y, w, h]) => ({
      x: (x - width / 2) / this.scale + view.x, y: (y - height / 2) / this.scale + view.y, w: w / this.scale, h: h / this.scale,
    }));
    this.paint(around(seen), seen, view.scale);
    context.restore();
  }

  paint(all, parts, scale) {
    const look = { ink: this.ink, scale };
    let count = 0;
    for (const shape of this.shapes) {
      const place = bounds(shape);
      if (!meet(place, all) || (parts && !parts.some((part) => meet(place, part)))) continue;
      paint(this.context, shape, look);
      count += 1;
    }
    this.repainted = count;
  }
}

/** Give a canvas the size of the view in the screen's own pixels; how many of those are one of the page's. */
export function sized(element, { width, height }) {
  const ratio = globalThis.devicePixelRatio || 1;
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (element.width !== w || element.height !== h) Object.assign(element, { width: w, height: h });
  return ratio;
}

function around(boxes) {
  const [x, y] = [Math.min(...boxes.map((one) => one.x)), Math.min(...boxes.map((one) => one.y))];
  return { x, y, w: Math.max(...boxes.map((one) => one.x + one.w)) - x, h: Math.max(...boxes.map((one) => one.y + one.h)) - y };
}
