// What a pointer's way over the sheet makes, for each tool: changes to show while it lasts, changes to keep at its end. Pure.
//
// A gesture has `selection` (what is selected from its start on, or null to leave that alone), `move(at)` → changes to
// show, `end(at)` → changes to keep, and `write`: the shape whose text is to be written next, if any.

import { simplified, topmost } from "./geometry.js";

export const TOOLS = ["select", "pen", "rect", "ellipse", "note", "text"];

/** How many shapes may be selected: a message that moves them must stay small (SELECTED in app/protocol.py is 200). */
export const MOST_SELECTED = 100;

const NEAR = 8; // units around a shape that still count as touching it
const SMALL = 6; // a drag shorter than this is a click
const SIZE = { rect: [200, 120], ellipse: [160, 120], note: [200, 160] }; // what a click makes

/**
 * Begin at a point. `shapes` are ordered from the lowest; `id` and `z` are for what is made, `colours` how it looks;
 * `more` (the shift key) adds to the selection.
 */
export function begin(tool, at, { shapes, selection, more = false, id, z, colours }) {
  if (tool === "select") return moving(at, shapes, selection, more);
  if (tool === "pen") return stroke(at, { id, z, colours });
  if (tool === "text") return { selection: [], move: () => [], end: () => [], write: { id, kind: "text", ...at, z } };
  return drawing(tool, at, { id, z, colours });
}

/** The changes that remove what is selected. */
export function removal(selection) {
  return selection.map((id) => ({ id, gone: true }));
}

/** The changes that shift shapes by so much, as whole units. */
export function shift(shapes, dx, dy) {
  return shapes.map(({ id, x = 0, y = 0 }) => ({ id, set: { x: Math.round(x + dx), y: Math.round(y + dy) } }));
}

function moving(from, shapes, selection, more) {
  const hit = topmost(shapes, from, NEAR);
  let chosen = [];
  if (hit && more) chosen = selection.includes(hit.id) ? selection.filter((id) => id !== hit.id) : [...selection, hit.id];
  else if (hit) chosen = selection.includes(hit.id) ? selection : [hit.id];
  else if (more) chosen = selection;
  chosen = chosen.slice(-MOST_SELECTED);
  const held = hit ? shapes.filter((shape) => chosen.includes(shape.id)) : [];
  const move = (at) => (distant(from, at) ? shift(held, at.x - from.x, at.y - from.y) : []);
  return { selection: chosen, move, end: move };
}

function stroke(from, { id, z, colours }) {
  const points = [[0, 0]];
  const made = () => [{
    id, set: { kind: "pen", ...from, z, stroke: colours.stroke, fill: "none", sw: 5, points: simplified(points).flat() },
  }];
  const move = (at) => {
    const [x, y] = points.at(-1);
    if (at.x - from.x !== x || at.y - from.y !== y) points.push([at.x - from.x, at.y - from.y]);
    return made();
  };
  return { selection: [], move, end: move };
}

function drawing(kind, from, { id, z, colours }) {
  const look = kind === "note" ? { fill: colours.note, stroke: "none" } : { fill: colours.fill, stroke: colours.stroke, sw: 3 };
  const between = (at) => ({ x: Math.min(from.x, at.x), y: Math.min(from.y, at.y), w: Math.abs(at.x - from.x), h: Math.abs(at.y - from.y) });
  const around = ([w, h]) => ({ x: Math.round(from.x - w / 2), y: Math.round(from.y - h / 2), w, h });
  const made = (frame) => [{ id, set: { kind, ...frame, z, ...look } }];
  return {
    selection: [],
    move: (at) => (distant(from, at) ? made(between(at)) : []),
    end: (at) => made(distant(from, at) ? between(at) : around(SIZE[kind])),
    makes: id,
  };
}

function distant(from, at) {
  return Math.abs(at.x - from.x) >= SMALL || Math.abs(at.y - from.y) >= SMALL;
}
