// Reads lists of frames from standard input, folds each with the page's reducer, and prints what the page would show. Frames may
// hold actions of the page's own ("$do"); `seen` are the shapes with what waits laid over them.

import { readFileSync } from "node:fs";

import { initial, reduceAll, shapes } from "../../../app/static/room.js";

const views = JSON.parse(readFileSync(0, "utf8")).map((frames) => {
  const state = frames.reduce(reduceAll, initial("page"));
  return {
    seq: state.doc.seq, stored: state.stored, gap: state.gap, phase: state.phase,
    shapes: Object.fromEntries(state.doc.shapes),
    seen: Object.fromEntries(shapes(state)),
    chat: state.doc.chat,
    access: [state.public, state.listed],
    members: Object.fromEntries([...state.members].map(([n, member]) => [n, member.name])),
    cursors: [...state.cursors].map(([n, { x, y }]) => [n, x, y]).sort(),
    drags: [...state.drags].sort(),
    selected: [...state.selected].sort(),
  };
});
console.log(JSON.stringify(views));
