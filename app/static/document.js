// The shapes of a room: what the changes of an entry make of them, and what is shown on top of the log. Pure.

/** What a property is that a shape does not name (app/entries.py). */
export const DEFAULTS = { w: 0, h: 0, r: 0, z: 0, fill: "none", stroke: "black", sw: 2, opacity: 1, text: "", points: [] };

/** Apply changes to a Map of id → shape that the caller owns; a change of a shape that is not there makes it only with a kind. */
export function applyChanges(shapes, changes) {
  for (const { id, set, gone } of changes) {
    if (gone) shapes.delete(id);
    else if (shapes.has(id)) shapes.set(id, { ...shapes.get(id), ...set });
    else if (set?.kind) shapes.set(id, { id, ...set });
  }
  return shapes;
}

/**
 * Of our operations that the log does not have yet, the edits that stand: an undo that follows an edit hides it again,
 * a redo brings it back. What an undo of older edits will do only the room knows, so it waits for the room's answer.
 */
export function standing(operations) {
  const done = [];
  let undone = [];
  let edited = false; // since then nothing of before can be done again
  for (const one of operations) {
    if (one.t === "edit") {
      done.push(one);
      undone = [];
      edited = true;
    } else if (one.t === "undo") undone.push(done.pop() ?? null);
    else if (one.t === "redo" && (undone.length || !edited)) done.push(undone.pop() ?? null);
  }
  return done.filter((one) => one !== null);
}

/** The shapes as they are shown: the log's, our waiting edits, what others drag, what we drag ourselves. */
export function overlay(shapes, { waiting, drags, draft }) {
  const edits = standing(waiting);
  if (!edits.length && !drags.size && !draft.length) return shapes;
  const shown = new Map(shapes);
  for (const one of edits) applyChanges(shown, one.changes);
  for (const changes of drags.values()) applyChanges(shown, changes);
  return applyChanges(shown, draft);
}

/** From the lowest to the topmost, the same for everybody. */
export function ordered(shapes) {
  return [...shapes.values()].sort((a, b) => (a.z ?? 0) - (b.z ?? 0) || (a.id < b.id ? -1 : 1));
}

/** The order number of a shape that shall lie above all others. */
export function above(shapes) {
  let top = 0;
  for (const { z } of shapes.values()) if (z > top) top = z;
  return Math.floor(top) + 1;
}
