// The shapes of a room on a canvas: repaints only where something changed. Keeps no state of the room.
//
// Two things are too slow to be painted anew in each frame when there are thousands of shapes. While the view moves, the picture
// is moved or scaled as it is, only what comes into view is painted, and all of it again once the view rests. While many
// shapes are dragged, they are painted over a picture of all others, which lie below them so long.

import { bounds, meet } from "./geometry.js";
import { paint, unfont } from "./paint.js";
import { onTheme, themed } from "./theme.js";

const MOST_PLACES = 24; // places that changed at once; of more, everything is repainted (our choice)
const MOST_AREA = 0.6; // of the canvas
const SLOW = 8; // ms: a whole painting that takes longer is avoided while the view moves
const REST = 120; // ms without another view, after which all is painted sharply again
const MANY = 12; // shapes that are dragged: more are painted over the picture of all others

export class Canvas {
  constructor(element, { now = () => performance.now(), later = setTimeout.bind(globalThis), never = clearTimeout.bind(globalThis) } = {}) {
    Object.assign(this, { element, now, later, never, context: element.getContext("2d"), known: new Map(), view: null, sharp: true, stale: true, cost: 0, painted: 0 });
    Object.assign(this, { picture: null, rest: null, resting: null, dragged: new Set() });
    onTheme(() => this.again());
  }

  /** Paint all of it anew. */
  again() {
    this.stale = true;
    if (this.view) this.draw(this.shapes, this.view, this.dragged);
  }

  /** `shapes` from the lowest up; `dragged` are the ids of those that move now. */
  draw(shapes, view, dragged = new Set()) {
    const places = this.take(shapes);
    const before = this.view;
    const moved = view !== before;
    Object.assign(this, { shapes, view, dragged });
    if (this.stale || !before || view.width !== before.width || view.height !== before.height) this.everything();
    else if (moved && this.cost > SLOW) this.follow(before);
    else if (moved) this.everything();
    else if (places.length && dragged.size > MANY) this.over();
    else if (this.rest && dragged.size <= MANY) this.everything(); // in the right order again
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

  /** Everything, sharply. */
  everything() {
    const began = this.now();
    const { element, context, view } = this;
    this.scale = view.scale * sized(element, view);
    Object.assign(this, { stale: false, sharp: true, picture: null, rest: null });
    this.never(this.resting);
    plain(context);
    context.clearRect(0, 0, element.width, element.height);
    this.aim(context);
    this.painted = this.paint(context, this.shapes, this.box(0, 0, element.width, element.height));
    this.cost = this.now() - began;
  }

  /** The view moved: the picture goes along, and what it does not cover is painted. */
  follow(before) {
    const { element: { width, height }, element, context, view } = this;
    this.picture ??= { canvas: copied(element), view: before };
    const factor = view.scale / this.picture.view.scale;
    const scale = (this.scale = view.scale * (width / view.width));
    const place = (middle, was, size) => size / 2 - (size / 2) * factor + (was - middle) * scale;
    const [x, y] = [place(view.x, this.picture.view.x, width), place(view.y, this.picture.view.y, height)];
    const [left, top] = [Math.round(x), Math.round(y)];
    const whole = factor === 1 && Math.abs(x - left) < 0.01 && Math.abs(y - top) < 0.01;
    plain(context);
    context.globalCompositeOperation = "copy";
    if (whole) context.drawImage(this.picture.canvas, left, top);
    else context.drawImage(this.picture.canvas, x, y, width * factor, height * factor);
    context.globalCompositeOperation = "source-over";
    const [right, bottom] = [Math.floor(x + width * factor) - 1, Math.floor(y + height * factor) - 1];
    const [from, to] = [Math.max(0, Math.ceil(y) + 1), Math.min(height, bottom)];
    this.patch([
      [0, 0, width, from], [0, to, width, height - to],
      [0, from, Math.max(0, Math.ceil(x) + 1), to - from], [right, from, width - right, to - from],
    ].filter(([, , w, h]) => w > 0 && h > 0));
    this.sharp = whole;
    if (whole) this.picture = null; // as good as painted
    this.never(this.resting);
    this.resting = whole ? null : this.later(() => this.again(), REST);
  }

  /** Many shapes are dragged: painted over the others. */
  over() {
    const { context, element, dragged, view } = this;
    const still = this.shapes.filter((shape) => !dragged.has(shape.id));
    const { rest } = this;
    if (!rest || rest.view !== view || rest.still.length !== still.length || still.some((shape, n) => shape !== rest.still[n])) {
      const canvas = copied(element);
      const other = canvas.getContext("2d");
      plain(other);
      other.clearRect(0, 0, canvas.width, canvas.height);
      this.aim(other);
      this.paint(other, still, this.box(0, 0, canvas.width, canvas.height));
      this.rest = { canvas, view, still };
    }
    plain(context);
    context.globalCompositeOperation = "copy";
    context.drawImage(this.rest.canvas, 0, 0);
    context.globalCompositeOperation = "source-over";
    this.aim(context);
    this.painted = this.paint(context, this.shapes.filter((shape) => dragged.has(shape.id)), this.box(0, 0, element.width, element.height));
  }

  some(places) {
    const { width, height } = this.element;
    const rects = [];
    let area = 0;
    for (const { x, y, w, h } of places) {
      const left = Math.max(0, Math.floor((x - this.view.x) * this.scale + width / 2) - 1);
      const top = Math.max(0, Math.floor((y - this.view.y) * this.scale + height / 2) - 1);
      const right = Math.min(width, Math.ceil((x + w - this.view.x) * this.scale + width / 2) + 1);
      const bottom = Math.min(height, Math.ceil((y + h - this.view.y) * this.scale + height / 2) + 1);
      if (right <= left || bottom <= top) continue; // not to be seen
      rects.push([left, top, right - left, bottom - top]);
      area += (right - left) * (bottom - top);
    }
    if (rects.length > MOST_PLACES || area > MOST_AREA * width * height) this.everything();
    else this.patch(rects);
  }

  /** Paint these places of the canvas anew. */
  patch(rects) {
    const { context } = this;
    if (!rects.length) return;
    plain(context);
    context.save();
    context.beginPath();
    for (const rect of rects) context.rect(...rect);
    context.clip();
    for (const rect of rects) context.clearRect(...rect);
    this.aim(context);
    const parts = rects.map((rect) => this.box(...rect));
    this.painted = this.paint(context, this.shapes, around(parts), parts);
    context.restore();
    unfont(context);
  }

  /** A part of the canvas in units of the sheet. */
  box(x, y, w, h) {
    const { element: { width, height }, view, scale } = this;
    return { x: (x - width / 2) / scale + view.x, y: (y - height / 2) / scale + view.y, w: w / scale, h: h / scale };
  }

  /** Set a context to units of the sheet. */
  aim(context) {
    const { view, element, scale } = this;
    context.setTransform(scale, 0, 0, scale, element.width / 2 - view.x * scale, element.height / 2 - view.y * scale);
  }

  /** Paint what lies in `all`, and in one of the `parts` of it; how many shapes that were. */
  paint(context, shapes, all, parts = null) {
    const look = { ink: themed("--ink"), paper: themed("--card"), scale: this.view.scale };
    let count = 0;
    for (const shape of shapes) {
      const place = bounds(shape);
      if (!meet(place, all) || (parts && !parts.some((part) => meet(place, part)))) continue;
      paint(context, shape, look);
      count += 1;
    }
    context.globalAlpha = 1;
    return count;
  }
}

/** Give a canvas the size of the view in the screen's own pixels; how many of those are one of the page's. */
export function sized(element, { width, height }) {
  const ratio = globalThis.devicePixelRatio || 1;
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (element.width !== w || element.height !== h) Object.assign(element, { width: w, height: h });
  return ratio;
}

function plain(context) {
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalAlpha = 1;
  context.lineCap = context.lineJoin = "round";
  unfont(context); // the size of the canvas may have changed meanwhile, which forgets the font
}

function copied(element) {
  const canvas = new OffscreenCanvas(element.width, element.height);
  canvas.getContext("2d").drawImage(element, 0, 0);
  return canvas;
}

function around(boxes) {
  const [x, y] = [Math.min(...boxes.map((one) => one.x)), Math.min(...boxes.map((one) => one.y))];
  return { x, y, w: Math.max(...boxes.map((one) => one.x + one.w)) - x, h: Math.max(...boxes.map((one) => one.y + one.h)) - y };
}
