// Reads lists of messages from standard input, folds each with the page's reducer, and prints what the page would show.

import { readFileSync } from "node:fs";

import { initial, reduce } from "../../../app/static/room.js";

const views = JSON.parse(readFileSync(0, "utf8")).map((messages) => {
  const state = messages.reduce(reduce, initial());
  return {
    seq: state.seq, stored: state.stored, gap: state.gap,
    texts: state.entries.map((entry) => entry.text),
    members: Object.values(state.members).map((member) => [member.id, member.name]).sort(),
    cursors: Object.entries(state.cursors).map(([id, { x, y }]) => [id, x, y]).sort(),
  };
});
console.log(JSON.stringify(views));
