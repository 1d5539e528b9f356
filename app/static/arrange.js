// Order, copies, and shapes that come from a clipboard or a file: as changes. Pure.

import { above } from "./document.js";

const BATCH = 200; // changes in one edit, and about as many bytes: it must fit into a message (LIMIT_MESSAGE_BYTES)
const BATCH_BYTES = 40_000;
const FORMAT = "flylab shapes";

const number = (least, most) => (value) => Number.isFinite(value) && value >= least && value <= most;
const colour = (value) => typeof value === "string" && /^(#[0-9a-f]{6}|[a-z]{1,16})$/.test(value);

/** What the room takes for each property (docs/protocol.md), so that one wrong shape does not cost all others. */
const VALID = {
  x: number(-32_767, 32_767), y: number(-32_767, 32_767), w: number(-65_534, 65_534), h: number(-65_534, 65_534),
  r: number(-360, 360), z: number(-1e12, 1e12), fill: colour, stroke: colour, sw: number(0, 100), opacity: number(0, 1),
  text: (value) => typeof value === "string" && value.length <= 2_000,
  points: (value) => Array.isArray(value) && value.length <= 2_000 && value.length % 2 === 0 && value.every(number(-32_767, 32_767)),
};
const KINDS = ["rect", "ellipse", "line", "arrow", "pen", "text", "note"];

/** Put the held shapes above or below all others; among themselves they keep their order. `shapes` from the lowest up. */
export function reorder(shapes, ids, up) {
  const held = shapes.filter((shape) => ids.includes(shape.id));
  const rest = shapes.filter((shape) => !ids.includes(shape.id));
  const end = up ? above(new Map(rest.map((shape) => [shape.id, shape]))) : Math.ceil(Math.min(0, ...rest.map((shape) => shape.z ?? 0))) - held.length;
  return held.map((shape, n) => ({ id: shape.id, set: { z: end + n } })).filter(({ set }, n) => (held[n].z ?? 0) !== set.z);
}

/** The changes that make these shapes once more, `dx` and `dy` beside them and above all. */
export function copies(shapes, { id, z, dx = 0, dy = 0 }) {
  return shapes.map(({ id: _, ...shape }, n) => ({ id: id(), set: { ...shape, x: limited(shape.x + dx), y: limited(shape.y + dy), z: z + n } }));
}

/** Shapes as text for a clipboard or a file. */
export function format(shapes) {
  return JSON.stringify({ format: FORMAT, version: 1, shapes }, null, 1);
}

/** The shapes in such a text that the room would take, or null when it is something else. */
export function parse(text) {
  let read;
  try {
    read = JSON.parse(text);
  } catch {
    return null;
  }
  if (read?.format !== FORMAT || !Array.isArray(read.shapes)) return null;
  return read.shapes.map(valid).filter(Boolean);
}

/** Changes in groups that each fit into one edit. */
export function batches(changes) {
  const made = [];
  let bytes = Infinity;
  for (const change of changes) {
    const size = JSON.stringify(change).length * (/[^\x00-\x7f]/.test(change.set?.text ?? "") ? 3 : 1);
    if (bytes + size > BATCH_BYTES || made.at(-1).length >= BATCH) {
      made.push([]);
      bytes = 0;
    }
    made.at(-1).push(change);
    bytes += size;
  }
  return made;
}

function valid(shape) {
  if (!KINDS.includes(shape?.kind) || !VALID.x(shape.x) || !VALID.y(shape.y)) return null;
  const known = Object.entries(shape).filter(([name, value]) => Object.hasOwn(VALID, name) && VALID[name](value));
  const made = { kind: shape.kind, ...Object.fromEntries(known) };
  if (made.kind !== "pen") delete made.points;
  return made.kind === "text" && !made.text?.trim() ? null : made;
}

function limited(value) {
  return Math.min(32_767, Math.max(-32_767, value));
}
