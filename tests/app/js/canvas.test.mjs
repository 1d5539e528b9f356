// How much is painted when something changes; on a canvas that only counts. Run by node's own runner.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Clock } from "./fake.mjs";

/** A 2D context that paints nothing: every method does nothing, except that widths of texts are known. */
function context() {
  const drawn = [];
  return new Proxy({ drawn }, {
    get: (kept, name) => kept[name] ?? (name === "measureText" ? (text) => ({ width: 8 * text.length }) : (...how) => { if (name === "drawImage") drawn.push(how); }),
    set: (kept, name, value) => ((kept[name] = value), true),
  });
}

globalThis.matchMedia = () => ({ matches: false, addEventListener() {} });
globalThis.document = { documentElement: {} };
globalThis.getComputedStyle = () => ({ getPropertyValue: () => " #111111 " });
globalThis.OffscreenCanvas = class {
  constructor(width, height) {
    Object.assign(this, { width, height, context: context() });
  }

  getContext() {
    return this.context;
  }
};

const { Canvas } = await import("../../../app/static/canvas.js");

const VIEW = { x: 0, y: 0, scale: 0.5, width: 1000, height: 500 };
const SHAPES = Array.from({ length: 2_000 }, (_, n) => ({ id: `s${n}`, kind: "rect", x: 20 * (n % 90) - 900, y: 18 * Math.floor(n / 90) - 200, w: 12, h: 10, fill: "red" }));
const changed = (n, set) => SHAPES.map((shape, at) => (at === n ? { ...shape, ...set } : shape));

/** A canvas with all shapes on it; `slow` says how long a whole painting takes. */
function painted({ slow = false } = {}) {
  const clock = new Clock();
  const paper = context();
  const canvas = new Canvas({ width: 1, height: 1, getContext: () => paper }, { ...clock, now: () => (slow ? (clock.at += 20) : clock.at) });
  canvas.draw(SHAPES, VIEW);
  return { canvas, clock, drawn: paper.drawn };
}

test("everything is painted once, and then only where something changed", () => {
  const { canvas } = painted();
  assert.equal(canvas.painted, 2_000);
  canvas.painted = null;
  canvas.draw([...SHAPES], VIEW);
  assert.equal(canvas.painted, null, "nothing changed, nothing is painted");
  canvas.draw(changed(1_000, { fill: "blue" }), VIEW);
  assert.ok(canvas.painted >= 1 && canvas.painted < 20, `${canvas.painted}`);
  canvas.draw(SHAPES.filter((shape) => shape.id !== "s3"), VIEW);
  assert.ok(canvas.painted < 40, "around what is gone, and around what is red again");
});

test("what is out of sight is not painted", () => {
  const { canvas } = painted();
  canvas.draw(SHAPES, { ...VIEW, scale: 4 });
  assert.ok(canvas.painted < 200, `${canvas.painted}`);
  canvas.painted = null;
  canvas.draw(changed(0, { fill: "blue" }), { ...canvas.view });
  assert.ok(canvas.painted < 200);
});

test("when painting all takes long, a view that moves takes its picture along, and is painted sharply once it rests", () => {
  const { canvas, clock, drawn } = painted({ slow: true });
  canvas.draw(SHAPES, { ...VIEW, x: 20 });
  assert.deepEqual(drawn.at(-1).slice(1), [-10, 0], "whole pixels: moved as it is");
  assert.ok(canvas.painted < 100 && canvas.sharp);
  canvas.draw(SHAPES, { ...VIEW, x: 20, scale: 0.55 });
  assert.ok(!canvas.sharp);
  clock.advance(500);
  assert.deepEqual([canvas.painted, canvas.sharp], [2_000, true]);
});

test("many shapes that are dragged are painted over a picture of the others, and in their order when they lie still", () => {
  const { canvas } = painted();
  const ids = new Set(SHAPES.slice(0, 100).map((shape) => shape.id));
  const moved = (dx) => SHAPES.map((shape) => (ids.has(shape.id) ? { ...shape, x: shape.x + dx } : shape));
  canvas.draw(moved(5), VIEW, ids);
  const { rest } = canvas;
  canvas.draw(moved(10), VIEW, ids);
  assert.equal(canvas.painted, 100);
  assert.equal(canvas.rest, rest, "the picture of the others is made once");
  canvas.draw(moved(10), VIEW);
  assert.equal(canvas.painted, 2_000);
});
