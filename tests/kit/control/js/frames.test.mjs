// How long edits take between frames: each way by itself, each edit once, and never more kept than its bound.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Edits, median } from "../../../../lib/flylab/kit/control/static/frames.js";

test("an edit is timed from leaving one frame to coming to another", () => {
  const edits = new Edits();
  edits.left("Tokyo", "a", 1, 1000);
  assert.equal(edits.came("Paris", "a", 1, 1115).last, 115);
  assert.equal(edits.came("Ashburn", "a", 1, 1080).last, 80);
  edits.left("Tokyo", "a", 2, 2000);
  const way = edits.came("Paris", "a", 2, 2125);
  assert.deepEqual([way.from, way.to, way.n, median(way.times)], ["Tokyo", "Paris", 2, 120]);
  assert.deepEqual(edits.table(), [
    { from: "Tokyo", to: "Paris", ms: 125, median: 120, n: 2 },
    { from: "Tokyo", to: "Ashburn", ms: 80, median: 80, n: 1 },
  ]);
});

test("an edit of somebody in no frame is not timed, and one that is sent again counts from the first time", () => {
  const edits = new Edits();
  assert.equal(edits.came("Paris", "stranger", 1, 5), null);
  edits.left("Tokyo", "a", 1, 100);
  edits.left("Tokyo", "a", 1, 900);
  assert.equal(edits.came("Paris", "a", 1, 1000).last, 900);
});

test("what is kept is bounded", () => {
  const edits = new Edits();
  for (let op = 1; op <= 2000; op++) {
    edits.left("Tokyo", "a", op, op);
    edits.came("Paris", "a", op, op + 10);
  }
  assert.ok(edits.sent.size <= 500);
  const [way] = edits.table();
  assert.deepEqual([way.n, way.median], [2000, 10]);
  assert.equal(edits.came("Paris", "a", 1, 3000), null);
});

test("the median of an even number of times lies between two", () => {
  assert.equal(median([30, 10, 20]), 20);
  assert.equal(median([10, 40, 20, 30]), 25);
});
