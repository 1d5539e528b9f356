// Selecting and moving: what is touched, what a dragged area surrounds, and where shapes snap to. Pure; see tools.js for gestures.

import { bounds, topmost, union } from "./geometry.js";

/** How many shapes may be selected (SELECTED in app/protocol.py): a message that moves them must stay small. */
export const MOST_SELECTED = 200;

/** Units of the grid. */
export const GRID = 20;

const MOST_GUIDES = 400; // shapes that others may snap to, the nearest in order (our choice)

/**
 * Begin to select or move at a point. `near` and `small` are units that still count as touching, and as a click; `more` is
 * the Shift key; `seen` is the part of the sheet in view, whose shapes are snapped to; `grid` whether the grid is.
 */
export function moving(from, { shapes, selection, more, near, small, seen, grid }) {
  const hit = topmost(shapes, from, near);
  if (!hit) return surrounding(from, { shapes, selection: more ? selection : [], small });
  const among = selection.includes(hit.id);
  let chosen = among ? selection : [hit.id];
  if (more) chosen = among ? selection.filter((id) => id !== hit.id) : [...selection, hit.id];
  chosen = chosen.slice(-MOST_SELECTED);
  const ids = new Set(chosen);
  const held = shapes.filter((shape) => ids.has(shape.id));
  const snap = held.length ? snapping(held, shapes.filter((shape) => !ids.has(shape.id)), { seen, grid, reach: near }) : null;
  let went = false;
  const gesture = { selection: chosen, guides: [] };
  gesture.move = (at, { alt = false, shift: level = false } = {}) => {
    went ||= distant(from, at, small);
    gesture.guides = [];
    if (!went || !snap) return [];
    let [dx, dy] = [at.x - from.x, at.y - from.y];
    if (level) [dx, dy] = Math.abs(dx) > Math.abs(dy) ? [dx, 0] : [0, dy];
    if (!alt) ({ dx, dy, guides: gesture.guides } = snap(dx, dy));
    return shift(held, dx, dy);
  };
  gesture.end = (at, keys) => {
    const changes = gesture.move(at, keys);
    if (!went && !more && among) gesture.selection = [hit.id]; // a click on one of several takes that one alone
    return changes;
  };
  return gesture;
}

/** The changes that shift shapes by so much, as whole units. */
export function shift(shapes, dx, dy) {
  return shapes.map(({ id, x = 0, y = 0 }) => ({ id, set: { x: Math.round(x + dx), y: Math.round(y + dy) } }));
}

export function distant(from, at, small) {
  return Math.abs(at.x - from.x) >= small || Math.abs(at.y - from.y) >= small;
}

/** Drag over the empty sheet: all that lies wholly inside is selected. */
function surrounding(from, { shapes, selection, small }) {
  const gesture = { selection, area: null };
  gesture.move = (at) => {
    if (!gesture.area && !distant(from, at, small)) return [];
    const area = { x: Math.min(from.x, at.x), y: Math.min(from.y, at.y), w: Math.abs(at.x - from.x), h: Math.abs(at.y - from.y) };
    gesture.area = area;
    const within = shapes.filter((shape) => inside(bounds(shape), area)).map((shape) => shape.id);
    gesture.selection = [...new Set([...selection, ...within])].slice(-MOST_SELECTED);
    return [];
  };
  gesture.end = (at) => {
    gesture.move(at);
    gesture.area = null;
    return [];
  };
  return gesture;
}

function inside(a, b) {
  return a.x >= b.x && a.y >= b.y && a.x + a.w <= b.x + b.w && a.y + a.h <= b.y + b.h;
}

/** (dx, dy) → {dx, dy, guides}: what is held put on a line with an edge or middle of others, or on the grid. */
function snapping(held, others, { seen, grid, reach }) {
  const own = union(held);
  const near = others.filter((shape) => !seen || inside(bounds(shape), seen)).slice(-MOST_GUIDES).map((shape) => union([shape]));
  const along = { x: near.flatMap((one) => stops(one, "x", "w", one)), y: near.flatMap((one) => stops(one, "y", "h", one)) };
  const fit = (axis, size, by) => {
    if (grid) return { by: Math.round((own[axis] + by) / GRID) * GRID - own[axis] };
    let best = { by, off: reach };
    for (const [mine] of stops(own, axis, size)) {
      for (const [theirs, shape] of along[axis]) {
        const off = Math.abs(theirs - mine - by);
        if (off < best.off) best = { by: theirs - mine, off, at: theirs, shape };
      }
    }
    return best;
  };
  return (x, y) => {
    const [fx, fy] = [fit("x", "w", x), fit("y", "h", y)];
    const now = { ...own, x: own.x + fx.by, y: own.y + fy.by };
    const guides = [];
    if (fx.shape) guides.push([fx.at, Math.min(now.y, fx.shape.y), fx.at, Math.max(now.y + now.h, fx.shape.y + fx.shape.h)]);
    if (fy.shape) guides.push([Math.min(now.x, fy.shape.x), fy.at, Math.max(now.x + now.w, fy.shape.x + fy.shape.w), fy.at]);
    return { dx: fx.by, dy: fy.by, guides };
  };
}

/** Both edges and the middle of a box along an axis. */
function stops(one, axis, size, of) {
  return [0, 0.5, 1].map((part) => [one[axis] + part * one[size], of]);
}
