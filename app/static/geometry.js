// Where things are: boxes of shapes, what lies under a pointer or in a box, strokes with fewer points. Pure.

import { DEFAULTS } from "./document.js";

/** A stroke keeps at most so many points: its edit must fit into one message (LIMIT_MESSAGE_BYTES). */
export const STROKE_POINTS = 500;

/** Heights of letters, in units. */
export const LETTERS = { text: 28, note: 24 };

const TEXT_LINE = 35; // height of a line of text of the usual size

/** The upright box around a shape before it is turned. */
export function box(shape) {
  const { x = 0, y = 0, w = 0, h = 0 } = shape;
  if (shape.kind === "pen") {
    const xs = [0], ys = [0];
    for (let n = 0; n + 1 < (shape.points?.length ?? 0); n += 2) {
      xs.push(shape.points[n]);
      ys.push(shape.points[n + 1]);
    }
    const [left, top] = [Math.min(...xs), Math.min(...ys)];
    return { x: x + left, y: y + top, w: Math.max(...xs) - left, h: Math.max(...ys) - top };
  }
  if (shape.kind === "text" && !(w && h)) return { x, y, ...textSize(shape.text ?? "") };
  return { x: Math.min(x, x + w), y: Math.min(y, y + h), w: Math.abs(w), h: Math.abs(h) };
}

/** Roughly how much room a text takes; drawing does not depend on it. */
export function textSize(text) {
  const lines = text.split("\n");
  return { w: Math.max(20, Math.max(...lines.map((line) => line.length)) * 15), h: lines.length * TEXT_LINE };
}

/** The height of a shape's letters: those of a free text grow with its box. */
export function letters({ kind, h, text = "" }) {
  return kind === "text" && h > 0 ? (h / text.split("\n").length / TEXT_LINE) * LETTERS.text : kind === "text" ? LETTERS.text : LETTERS.note;
}

const found = new WeakMap(); // shape → its bounds

/** All that a shape covers, turned and with its stroke. */
export function bounds(shape) {
  let whole = found.get(shape);
  if (whole) return whole;
  const { x, y, w, h } = box(shape);
  const sw = shape.sw ?? DEFAULTS.sw;
  const more = 2 + sw / 2 + (shape.kind === "arrow" ? 10 + 2 * sw : shape.kind === "text" ? h : 0); // letters may be wider than thought
  const [sin, cos] = [Math.abs(Math.sin(radians(shape.r ?? 0))), Math.abs(Math.cos(radians(shape.r ?? 0)))];
  const [width, height] = [w * cos + h * sin + 2 * more, w * sin + h * cos + 2 * more];
  found.set(shape, (whole = { x: x + w / 2 - width / 2, y: y + h / 2 - height / 2, w: width, h: height }));
  return whole;
}

/** Whether two boxes touch. */
export function meet(a, b) {
  return a.x <= b.x + b.w && b.x <= a.x + a.w && a.y <= b.y + b.h && b.y <= a.y + a.h;
}

/** The box around the turned corners of shapes, without their strokes. */
export function union(shapes) {
  const corners = shapes.flatMap((shape) => {
    const { x, y, w, h } = box(shape);
    const around = { x, y, w, h };
    return [[x, y], [x + w, y], [x, y + h], [x + w, y + h]].map(([cx, cy]) => turned({ x: cx, y: cy }, around, shape.r ?? 0));
  });
  const [x, y] = [Math.min(...corners.map((one) => one.x)), Math.min(...corners.map((one) => one.y))];
  return { x, y, w: Math.max(...corners.map((one) => one.x)) - x, h: Math.max(...corners.map((one) => one.y)) - y };
}

/** Turn a 2D context about the middle of a box. */
export function turn(context, { x, y, w, h }, degrees) {
  if (!degrees) return;
  context.translate(x + w / 2, y + h / 2);
  context.rotate(radians(degrees));
  context.translate(-x - w / 2, -y - h / 2);
}

export function radians(degrees) {
  return (degrees * Math.PI) / 180;
}

/** Whether a point lies on a shape, give or take `near` units. */
export function hits(shape, point, near) {
  const around = box(shape);
  const at = turned(point, around, -(shape.r ?? 0));
  const inside = at.x >= around.x - near && at.x <= around.x + around.w + near && at.y >= around.y - near && at.y <= around.y + around.h + near;
  if (!inside) return false;
  const reach = near + (shape.sw ?? DEFAULTS.sw) / 2;
  switch (shape.kind) {
    case "pen": return distance(at, line(shape)) <= reach;
    case "line": case "arrow": return distance(at, [[shape.x, shape.y], [shape.x + (shape.w ?? 0), shape.y + (shape.h ?? 0)]]) <= reach;
    case "ellipse": return onEllipse(at, around, shape, near);
    case "rect": return filled(shape) || at.x < around.x + reach || at.x > around.x + around.w - reach || at.y < around.y + reach || at.y > around.y + around.h - reach;
    default: return true;
  }
}

/** The topmost of the shapes (lowest first) at a point, or null. */
export function topmost(shapes, point, near) {
  return shapes.findLast((shape) => hits(shape, point, near)) ?? null;
}

/** A stroke with the fewest points that stay within `slack` units of it (Ramer, Douglas, Peucker), at most `most`. */
export function simplified(points, { slack = 1, most = STROKE_POINTS } = {}) {
  for (let within = slack; ; within *= 2) {
    const kept = peucker(points, within);
    if (kept.length <= most) return kept;
  }
}

/** The corners of a pen's stroke on the canvas. */
function line({ x, y, points = [] }) {
  const corners = [];
  for (let n = 0; n + 1 < points.length; n += 2) corners.push([x + points[n], y + points[n + 1]]);
  return corners.length ? corners : [[x, y]];
}

function filled({ fill }) {
  return fill !== undefined && fill !== "none";
}

function onEllipse(at, around, shape, near) {
  const [a, b] = [around.w / 2, around.h / 2];
  const [dx, dy] = [at.x - around.x - a, at.y - around.y - b];
  const within = (grow) => (dx / Math.max(1, a + grow)) ** 2 + (dy / Math.max(1, b + grow)) ** 2 <= 1;
  return within(near) && (filled(shape) || a <= near || b <= near || !within(-near));
}

/** A point turned clockwise about the middle of a box. */
export function turned(point, around, degrees) {
  if (!degrees) return point;
  const [cx, cy] = [around.x + around.w / 2, around.y + around.h / 2];
  const [sin, cos] = [Math.sin(radians(degrees)), Math.cos(radians(degrees))];
  const [dx, dy] = [point.x - cx, point.y - cy];
  return { x: cx + dx * cos - dy * sin, y: cy + dx * sin + dy * cos };
}

function distance({ x, y }, corners) {
  let least = Math.hypot(x - corners[0][0], y - corners[0][1]);
  for (let n = 1; n < corners.length; n += 1) least = Math.min(least, toSegment(x, y, corners[n - 1], corners[n]));
  return least;
}

function toSegment(x, y, [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const square = dx * dx + dy * dy;
  const along = square ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / square)) : 0;
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}

function peucker(points, slack) {
  if (points.length < 3) return points;
  const keep = new Uint8Array(points.length);
  keep[0] = keep[points.length - 1] = 1;
  const spans = [[0, points.length - 1]];
  while (spans.length) {
    const [from, to] = spans.pop();
    let [worst, at] = [slack, 0];
    for (let n = from + 1; n < to; n += 1) {
      const off = toSegment(...points[n], points[from], points[to]);
      if (off > worst) [worst, at] = [off, n];
    }
    if (at) {
      keep[at] = 1;
      spans.push([from, at], [at, to]);
    }
  }
  return points.filter((_, n) => keep[n]);
}
