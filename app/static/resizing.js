// Handles around what is selected, and what dragging one of them makes of the shapes. Pure.

import { box, radians, turned, union } from "./geometry.js";

const LEAST = 4; // units: nothing gets smaller
const STEP = 15; // degrees that Shift turns by
const OUT = 30; // pixels from the frame to the handle that turns
const NEAR = 12; // pixels around a handle that still take it

/** Which sides of the frame a handle moves: −1 the left or upper one, 1 the other, 0 none. */
const SIDES = { nw: [-1, -1], n: [0, -1], ne: [1, -1], e: [1, 0], se: [1, 1], s: [0, 1], sw: [-1, 1], w: [-1, 0] };

const straight = ({ kind }) => kind === "line" || kind === "arrow";

/** The box that the handles are around, with `r` when it is turned. */
export function frame(shapes) {
  return shapes.length === 1 ? { ...box(shapes[0]), r: shapes[0].r ?? 0 } : { ...union(shapes), r: 0 };
}

/** [{name, x, y}]: where the handles are; `unit` is how many units a pixel has. */
export function handles(shapes, unit) {
  const [one, more] = shapes;
  if (!more && straight(one)) {
    const around = box(one);
    const end = (name, x, y) => ({ name, ...turned({ x, y }, around, one.r ?? 0) });
    return [end("start", one.x, one.y), end("end", one.x + (one.w ?? 0), one.y + (one.h ?? 0))];
  }
  const whole = frame(shapes);
  const out = 3 * unit + (more ? 0 : (one.sw ?? 2) / 2);
  const place = (fx, fy, up = 0) => turned({ x: whole.x + whole.w / 2 + fx * (whole.w / 2 + out), y: whole.y + whole.h / 2 + fy * (whole.h / 2 + out) - up }, whole, whole.r);
  const made = Object.entries(SIDES).map(([name, [fx, fy]]) => ({ name, ...place(fx, fy) }));
  return [{ name: "turn", ...place(0, -1, OUT * unit) }, ...made.filter(({ name }) => name.length > 1), ...made.filter(({ name }) => name.length < 2)];
}

/** The handle at a point, or null. Those of a small frame leave its middle free. */
export function handleAt(shapes, point, unit, near = NEAR) {
  const whole = frame(shapes);
  const least = Math.min(whole.w, whole.h) / unit;
  const reach = (shapes.length > 1 || !straight(shapes[0])) && least < 3 * near ? Math.max(6, least / 3) : near;
  const distance = ({ x, y }) => Math.hypot(x - point.x, y - point.y) / unit;
  const found = handles(shapes, unit).filter((one) => distance(one) <= (one.name === "turn" ? near : reach));
  return found.sort((a, b) => distance(a) - distance(b))[0]?.name ?? null;
}

/** A gesture (see tools.js) that drags a handle. */
export function resizing(name, from, shapes) {
  const make = name === "turn" ? turning(from, shapes) : SIDES[name] ? stretching(name, shapes) : ending(name, shapes[0]);
  let touched = false;
  const move = (at, keys = {}) => {
    touched ||= at.x !== from.x || at.y !== from.y;
    return touched ? make(at, keys) : [];
  };
  return { selection: null, move, end: move };
}

/** Every shape as it is when the frame becomes `sx` and `sy` times as wide and high; what keeps the others in place is `about`. */
export function scaled(shapes, about, sx, sy) {
  return shapes.map((shape) => {
    const around = box(shape);
    const quarter = Math.abs(Math.round((shape.r ?? 0) / 90)) % 2 === 1; // lies on its side
    const [kx, ky] = quarter ? [sy, sx] : [sx, sy];
    const middle = { x: about.x + (around.x + around.w / 2 - about.x) * sx, y: about.y + (around.y + around.h / 2 - about.y) * sy };
    return boxed(shape, { x: middle.x - (around.w * kx) / 2, y: middle.y - (around.h * ky) / 2, w: around.w * kx, h: around.h * ky });
  });
}

/** Turn shapes by so many degrees about a point. */
export function rotated(shapes, about, degrees) {
  return shapes.map((shape) => {
    const around = box(shape);
    const middle = { x: around.x + around.w / 2, y: around.y + around.h / 2 };
    const to = turned(middle, { ...about, w: 0, h: 0 }, degrees);
    const r = (((Math.round((shape.r ?? 0) + degrees) + 180) % 360) + 360) % 360 - 180;
    return { id: shape.id, set: { x: Math.round((shape.x ?? 0) + to.x - middle.x), y: Math.round((shape.y ?? 0) + to.y - middle.y), r } };
  });
}

/** Put a shape into another upright box. */
function boxed(shape, to) {
  const around = box(shape);
  const round = Math.round;
  const { id } = shape;
  if (shape.kind === "pen") {
    const [kx, ky] = [around.w ? to.w / around.w : 1, around.h ? to.h / around.h : 1];
    const points = shape.points.map((value, n) => round(value * (n % 2 ? ky : kx) * 10) / 10);
    return { id, set: { x: round(to.x + (shape.x - around.x) * kx), y: round(to.y + (shape.y - around.y) * ky), points } };
  }
  const [w, h] = [round(to.w), round(to.h)];
  if (!straight(shape)) return { id, set: { x: round(to.x), y: round(to.y), w, h } };
  const [left, up] = [(shape.w ?? 0) < 0, (shape.h ?? 0) < 0];
  return { id, set: { x: round(to.x) + (left ? w : 0), y: round(to.y) + (up ? h : 0), w: left ? -w : w, h: up ? -h : h } };
}

function stretching(name, shapes) {
  const whole = frame(shapes);
  const [fx, fy] = SIDES[name];
  const middle = { x: whole.x + whole.w / 2, y: whole.y + whole.h / 2 };
  const rigid = shapes.some((shape) => shape.kind === "text") || (shapes.length > 1 && shapes.some((shape) => (shape.r ?? 0) % 90));
  return (at, { shift }) => {
    const local = turned(at, whole, -whole.r);
    // A frame without width or height, as of a straight stroke, keeps that side.
    let sx = fx && whole.w ? Math.max(LEAST, fx * (local.x - middle.x) + whole.w / 2) / whole.w : 1;
    let sy = fy && whole.h ? Math.max(LEAST, fy * (local.y - middle.y) + whole.h / 2) / whole.h : 1;
    if (shift || rigid) sx = sy = fx && fy ? Math.max(sx, sy) : fx ? sx : sy;
    const about = { x: middle.x - (fx * whole.w) / 2, y: middle.y - (fy * whole.h) / 2 };
    if (shapes.length > 1) return scaled(shapes, about, sx, sy);
    // In its own, turned frame; what was opposite to the handle stays where it is on the sheet.
    const centre = turned({ x: about.x + (middle.x - about.x) * sx, y: about.y + (middle.y - about.y) * sy }, whole, whole.r);
    return [boxed(shapes[0], { x: centre.x - (whole.w * sx) / 2, y: centre.y - (whole.h * sy) / 2, w: whole.w * sx, h: whole.h * sy })];
  };
}

function turning(from, shapes) {
  const whole = frame(shapes);
  const middle = { x: whole.x + whole.w / 2, y: whole.y + whole.h / 2 };
  const angle = (at) => Math.atan2(at.y - middle.y, at.x - middle.x) / radians(1);
  return (at, { shift }) => {
    let by = angle(at) - angle(from);
    if (shift) by = Math.round((whole.r + by) / STEP) * STEP - whole.r;
    return rotated(shapes, middle, by);
  };
}

/** One end of a line; Shift keeps it level, upright or in between. A line that was turned is laid straight by it. */
function ending(name, shape) {
  const around = box(shape);
  const [a, b] = [[shape.x, shape.y], [shape.x + (shape.w ?? 0), shape.y + (shape.h ?? 0)]]
    .map(([x, y]) => turned({ x, y }, around, shape.r ?? 0));
  return (at, { shift }) => {
    const fixed = name === "start" ? b : a;
    const moved = shift ? level(fixed, at) : at;
    const [from, to] = name === "start" ? [moved, fixed] : [fixed, moved];
    const [x, y] = [Math.round(from.x), Math.round(from.y)];
    return [{ id: shape.id, set: { x, y, w: Math.round(to.x) - x, h: Math.round(to.y) - y, ...(shape.r ? { r: 0 } : {}) } }];
  };
}

/** The point of the eight directions from `from` that is nearest to `at`. */
export function level(from, at) {
  const [dx, dy] = [at.x - from.x, at.y - from.y];
  const angle = Math.round(Math.atan2(dy, dx) / radians(45)) * radians(45);
  const far = dx * Math.cos(angle) + dy * Math.sin(angle);
  return { x: Math.round(from.x + far * Math.cos(angle)), y: Math.round(from.y + far * Math.sin(angle)) };
}
