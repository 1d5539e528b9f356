// Places that stand apart, ways that take the short side, and what a list says of an exchange.

import assert from "node:assert/strict";
import test from "node:test";

const STATIC = "../../../../lib/flylab/kit/control/static";
const { curve, dodge, part } = await import(`${STATIC}/control-places.js`);
const { kind, route } = await import(`${STATIC}/control-exchange.js`);
const { reading } = await import(`${STATIC}/control-play.js`);
const { Fold, look } = await import(`${STATIC}/control-fold.js`);

test("places that are far apart stay where they are", () => {
  const points = [{ x: 100, y: 100 }, { x: 200, y: 100 }];
  assert.deepEqual(dodge(points, 30, 400, 200), points);
});

test("places that are close, or the same, stand apart and within the borders", () => {
  const points = [{ x: 5, y: 5 }, { x: 5, y: 5 }, { x: 12, y: 6 }, { x: 380, y: 190 }, { x: 383, y: 195 }];
  const moved = dodge(points, 30, 400, 200);
  for (const [number, a] of moved.entries()) {
    assert.ok(a.x >= 14.9 && a.x <= 385.1 && a.y >= 14.9 && a.y <= 185.1);
    for (const b of moved.slice(number + 1)) assert.ok(Math.hypot(a.x - b.x, a.y - b.y) > 24);
  }
  assert.deepEqual(moved, dodge(points, 30, 400, 200));
});

test("the way from Tokyo to San Jose goes over the right side, and comes back at the left", () => {
  const way = curve({ x: 860, y: 145 }, { x: 133, y: 139 }, 1000);
  assert.equal(way.end.x, 1133);
  assert.deepEqual(way.shifts, [0, -1000]);
  assert.deepEqual(curve({ x: 133, y: 139 }, { x: 860, y: 145 }, 1000).shifts, [0, 1000]);
  assert.deepEqual(curve({ x: 400, y: 10 }, { x: 600, y: 10 }, 1000).shifts, [0]);
});

test("a part of a curve begins and ends on it", () => {
  const way = curve({ x: 100, y: 100 }, { x: 300, y: 100 }, 1000);
  const [first, , last] = part(way, 0, 1);
  assert.deepEqual([first, last], [way.a, way.end]);
  const [, , middle] = part(way, 0.2, 0.5);
  assert.deepEqual(middle, part(way, 0.5, 0.5)[0]);
});

test("a list shows the rarest of what happened", () => {
  const hop = { region: "nrt", cause: "route" };
  assert.equal(kind({ status: 200, hops: [hop] }), "serve");
  assert.equal(kind({ status: 200, hops: [hop, { ...hop, cause: "replay" }] }), "replay");
  assert.equal(kind({ status: 200, hops: [hop, { ...hop, cause: "replay", woke: {} }] }), "wake");
  assert.equal(kind({ status: 503, hops: [{ ...hop, woke: {} }] }), "refuse");
  assert.equal(kind({ status: null, code: "PR03" }), "refuse");
  assert.equal(route({ edge: "ams", hops: [hop, { region: "syd", cause: "cache" }] }), "ams → nrt ⤳ syd");
});

test("a state that nobody knows looks as if something were wrong", () => {
  assert.deepEqual(["started", "replacing", "suspending", "launch_failed", "what"].map(look), [
    "started",
    "changing",
    "ending",
    "failed",
    "failed",
  ]);
});

test("a pipe that ends keeps its place in the list, and the list its length", () => {
  const fold = new Fold();
  fold.apply({ exchanges: [{ id: "pipe", open: true }, { id: "a" }] });
  fold.apply({ exchanges: [{ id: "pipe" }] });
  assert.deepEqual([...fold.exchanges.keys()], ["pipe", "a"]);
  fold.apply({ exchanges: Array.from({ length: 200 }, (_, number) => ({ id: `x${number}` })) });
  assert.equal(fold.exchanges.size, 60);
});

test("a machine that moved is counted once", () => {
  const fold = new Fold();
  fold.apply({ machines: [{ id: "m", region: "ams", state: "started" }] });
  const changed = fold.apply({ machines: [{ id: "m", region: "nrt", state: "started" }] });
  assert.deepEqual([...changed.regions].sort(), ["ams", "nrt"]);
  assert.equal(fold.looks("ams").started + fold.looks("nrt").started, 1);
});

test("words stay as long as it takes to read what is new of them", () => {
  const captions = [
    { title: "One", text: "two three four." },
    { title: "One", text: "two three four. And five." },
    { title: "Two", text: "" },
  ];
  assert.deepEqual([0, 1, 2, 3].map((number) => reading(captions, number)), [2.5, 2, 1.75, 0]);
  assert.equal(reading([], -1), 0);
});
