// What a pointer's way over the sheet makes, for each tool: changes to show while it lasts, changes to keep at its end. Pure.
//
// A gesture has `selection` (what is selected from its start on, or null to leave that alone), `move(at, keys)` → changes to
// show, `end(at, keys)` → changes to keep, and perhaps `write` (the shape whose text is to be written next), `makes` (the
// shape that it makes), `area` and `guides` (what to draw over the sheet meanwhile). `keys` are {shift, alt}.

import { simplified } from "./geometry.js";
import { GRID, distant, moving } from "./moving.js";
import { level } from "./resizing.js";

export const TOOLS = ["select", "pen", "rect", "ellipse", "line", "arrow", "note", "text"];

const SIZE = { rect: [200, 120], ellipse: [160, 120], note: [200, 160], line: [200, 0], arrow: [200, 0] }; // what a click makes

/**
 * Begin at a point. `shapes` are ordered from the lowest; `id` and `z` are for what is made, `look` how it looks
 * ({stroke, fill, note, sw, opacity}); `grid` whether it begins and ends on the grid; the rest is for `moving`.
 */
export function begin(tool, at, { id, z, look, grid = false, more = false, near = 8, small = 6, ...rest }) {
  if (tool === "select") return moving(at, { ...rest, grid, more, near, small });
  if (tool === "pen") return stroke(at, { id, z, look });
  const onGrid = grid ? ({ x, y }) => ({ x: Math.round(x / GRID) * GRID, y: Math.round(y / GRID) * GRID }) : (place) => place;
  if (tool === "text") return { selection: [], move: () => [], end: () => [], write: { id, kind: "text", ...onGrid(at), z, ...(look.text ?? {}) } };
  return drawing(tool, onGrid(at), { id, z, look, small, onGrid });
}

/** The changes that remove what is selected. */
export function removal(selection) {
  return selection.map((id) => ({ id, gone: true }));
}

function stroke(from, { id, z, look }) {
  const points = [[0, 0]];
  const { stroke: colour, sw = 5 } = look;
  const made = () => [{ id, set: { kind: "pen", ...from, z, stroke: colour, fill: "none", sw, ...see(look), points: simplified(points).flat() } }];
  const move = (at) => {
    const [x, y] = points.at(-1);
    if (at.x - from.x !== x || at.y - from.y !== y) points.push([at.x - from.x, at.y - from.y]);
    return made();
  };
  return { selection: [], move, end: move };
}

function drawing(kind, from, { id, z, look, small, onGrid }) {
  const straight = kind === "line" || kind === "arrow";
  const { stroke: colour, fill, note, sw = straight ? 4 : 3 } = look;
  const looks = kind === "note" ? { fill: note, stroke: "none" } : straight ? { stroke: colour, sw } : { fill, stroke: colour, sw };
  const between = (to, shift) => {
    if (straight) {
      const end = shift ? level(from, to) : to;
      return { ...from, w: end.x - from.x, h: end.y - from.y };
    }
    let [w, h] = [to.x - from.x, to.y - from.y];
    if (shift) [w, h] = [Math.sign(w || 1), Math.sign(h || 1)].map((sign) => sign * Math.max(Math.abs(w), Math.abs(h)));
    return { x: Math.min(from.x, from.x + w), y: Math.min(from.y, from.y + h), w: Math.abs(w), h: Math.abs(h) };
  };
  const around = ([w, h]) => ({ x: Math.round(from.x - w / 2), y: Math.round(from.y - h / 2), w, h });
  const made = (frame) => [{ id, set: { kind, ...frame, z, ...looks, ...see(look) } }];
  return {
    selection: [],
    move: (at, { shift } = {}) => (distant(from, at, small) ? made(between(onGrid(at), shift)) : []),
    end: (at, { shift } = {}) => made(distant(from, at, small) ? between(onGrid(at), shift) : around(SIZE[kind])),
    makes: id,
  };
}

function see({ opacity = 1 }) {
  return opacity === 1 ? {} : { opacity };
}
