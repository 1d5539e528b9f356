// What is done with shapes that are there: view, handles, snapping, order, copies, files, gliding; run by node's own runner.

import assert from "node:assert/strict";
import { test } from "node:test";

import { batches, copies, format, parse, reorder } from "../../../app/static/arrange.js";
import { frame, handleAt, handles, resizing, rotated, scaled } from "../../../app/static/resizing.js";
import { Glide } from "../../../app/static/smooth.js";
import { begin } from "../../../app/static/tools.js";
import { HOME, fitted, panned, seen, toPixel, toPlace, zoomed } from "../../../app/static/view.js";
import { hops, woken } from "../../../app/static/way.js";

const at = (x, y) => ({ x, y });
const near = (a, b, by = 1e-9) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`);
const RECT = { id: "a", kind: "rect", x: 0, y: 0, w: 100, h: 50 };

test("a view shows all of what is fitted in, zooms about the pointer, and never leaves the sheet", () => {
  const view = fitted(HOME, { width: 1000, height: 500 });
  assert.deepEqual([view.x, view.y, view.scale], [0, 0, 0.452]);
  assert.deepEqual(toPlace(view, 500, 250), at(0, 0));
  const pixel = toPixel(view, at(-800, -500));
  assert.ok(pixel.x >= 0 && pixel.y >= 0);
  for (const factor of [1.3, 0.4, 1000, 1e-6]) {
    const closer = zoomed(view, factor, 700, 100);
    assert.ok(closer.scale >= 0.05 && closer.scale <= 8);
    const [before, after] = [toPlace(view, 700, 100), toPlace(closer, 700, 100)];
    assert.ok(Math.abs(before.x - after.x) <= 1 && Math.abs(before.y - after.y) <= 1);
  }
  assert.deepEqual(toPlace(panned(view, 45.2, -45.2), 500, 250), at(-100, 100));
  assert.equal(toPlace(panned(view, 1e9, 0), 500, 250).x, -32_767);
  assert.deepEqual(seen({ ...view, scale: 0.5 }), { x: -1000, y: -500, w: 2000, h: 1000 });
});

test("every handle is found where it is; those of a turned shape turn with it", () => {
  for (const shape of [RECT, { ...RECT, r: 30 }, { id: "l", kind: "line", x: 0, y: 0, w: -80, h: 40 }]) {
    for (const { name, x, y } of handles([shape], 0.5)) assert.equal(handleAt([shape], at(x, y), 0.5), name);
  }
  assert.equal(handles([RECT], 1).length, 9);
  assert.equal(handleAt([RECT], at(50, 25), 1), null);
  assert.equal(handleAt([{ ...RECT, w: 12, h: 12 }], at(6, 6), 1), null, "the middle of a small shape stays free to drag it");
  assert.deepEqual(frame([RECT, { ...RECT, id: "b", x: 200 }]), { x: 0, y: 0, w: 300, h: 50, r: 0 });
});

test("a handle moves its sides and leaves the others; Shift keeps the proportions; nothing turns inside out", () => {
  const drag = (name, to, keys, shapes = [RECT]) => resizing(name, at(-1e6, 0), shapes).move(to, keys).map((change) => change.set);
  assert.deepEqual(drag("se", at(200, 80)), [{ x: 0, y: 0, w: 200, h: 80 }]);
  assert.deepEqual(drag("nw", at(-20, -10)), [{ x: -20, y: -10, w: 120, h: 60 }]);
  assert.deepEqual(drag("e", at(150, 999)), [{ x: 0, y: 0, w: 150, h: 50 }]);
  assert.deepEqual(drag("se", at(200, 60), { shift: true }), [{ x: 0, y: 0, w: 200, h: 100 }]);
  assert.deepEqual(drag("w", at(500, 0)), [{ x: 96, y: 0, w: 4, h: 50 }]);
  assert.deepEqual(drag("se", at(120, 60), {}, [{ id: "t", kind: "text", text: "hi", x: 0, y: 0, w: 30, h: 35 }])[0].w, 120, "a text keeps its proportions");
  const pen = { id: "p", kind: "pen", x: 10, y: 10, points: [0, 0, 100, 50] };
  assert.deepEqual(drag("se", at(210, 110), {}, [pen]), [{ x: 10, y: 10, points: [0, 0, 200, 100] }]);
  assert.deepEqual(resizing("se", at(1, 1), [RECT]).end(at(1, 1)), [], "a click on a handle changes nothing");
  const two = drag("se", at(600, 100), {}, [RECT, { ...RECT, id: "b", x: 200 }]);
  assert.deepEqual(two, [{ x: 0, y: 0, w: 200, h: 100 }, { x: 400, y: 0, w: 200, h: 100 }]);
});

test("what is opposite to a handle stays where it is on the sheet, however the shape is turned", () => {
  for (const r of [0, 30, 90, -135]) {
    const shape = { ...RECT, r };
    const corner = (one, name) => handles([{ sw: 0, ...one }], 0).find((handle) => handle.name === name);
    const before = corner(shape, "nw");
    const [{ set }] = resizing("se", at(-1e6, 0), [shape]).move(at(170, 90));
    const after = corner({ ...shape, ...set }, "nw");
    near(before.x, after.x, 1.5);
    near(before.y, after.y, 1.5);
  }
});

test("the round handle turns about the middle, in steps with Shift; several turn about their common middle", () => {
  const quarter = resizing("turn", at(50, -30), [RECT]).move(at(150, 25));
  assert.equal(JSON.stringify(quarter), '[{"id":"a","set":{"x":0,"y":0,"r":90}}]');
  const [{ set }] = resizing("turn", at(50, -30), [RECT]).move(at(62, -30), { shift: true });
  assert.equal(set.r, 15);
  const both = rotated([RECT, { ...RECT, id: "b", x: 200 }], at(150, 25), 180);
  assert.equal(JSON.stringify(both.map((change) => [change.set.x, change.set.y, change.set.r])), "[[200,0,-180],[0,0,-180]]");
  for (let r = -720; r <= 720; r += 37) {
    const made = rotated([{ ...RECT, r: 350 }], at(0, 0), r)[0].set.r;
    assert.ok(made >= -180 && made < 180 && Number.isInteger(made));
  }
});

test("the end of a line is dragged alone, and scaling keeps its direction", () => {
  const line = { id: "l", kind: "arrow", x: 100, y: 100, w: -50, h: 20 };
  assert.deepEqual(resizing("start", at(0, 0), [line]).move(at(70, 100))[0].set, { x: 70, y: 100, w: -20, h: 20 });
  assert.deepEqual(resizing("end", at(0, 0), [line]).move(at(180, 104), { shift: true })[0].set, { x: 100, y: 100, w: 80, h: 0 });
  assert.deepEqual(scaled([line], at(50, 100), 2, 2)[0].set, { x: 150, y: 100, w: -100, h: 40 });
});

test("what is dragged snaps to edges and middles nearby, to the grid when that is on, and not with Alt", () => {
  const other = { ...RECT, id: "b", x: 300, y: 200 };
  const drag = (to, keys, more = {}) => begin("select", at(50, 0), { shapes: [RECT, other], selection: [], near: 8, small: 4, seen: { x: -500, y: -500, w: 1500, h: 1500 }, ...more }).move(to, keys)[0].set;
  assert.deepEqual(drag(at(50 + 303, 90)), { x: 300, y: 90 });
  assert.deepEqual(drag(at(50 + 303, 205)), { x: 300, y: 200 });
  assert.deepEqual(drag(at(50 + 303, 90), { alt: true }), { x: 303, y: 90 });
  assert.deepEqual(drag(at(50 + 303, 87), {}, { grid: true }), { x: 300, y: 80 });
  const gesture = begin("select", at(50, 0), { shapes: [RECT, other], selection: [], near: 8, small: 4 });
  gesture.move(at(353, 90));
  assert.deepEqual(gesture.guides, [[300, 90, 300, 250]]);
});

test("dragging over the empty sheet selects what lies wholly inside", () => {
  const shapes = [RECT, { ...RECT, id: "b", x: 300 }];
  const gesture = begin("select", at(-50, -50), { shapes, selection: [], near: 8, small: 4 });
  assert.deepEqual(gesture.move(at(200, 100)), []);
  assert.deepEqual([gesture.selection, gesture.area], [["a"], { x: -50, y: -50, w: 250, h: 150 }]);
  gesture.end(at(500, 100));
  assert.deepEqual([gesture.selection, gesture.area], [["a", "b"], null]);
  const added = begin("select", at(250, -50), { shapes, selection: ["a"], more: true, near: 8, small: 4 });
  added.move(at(500, 100));
  assert.deepEqual(added.selection, ["a", "b"]);
});

test("shapes go to the front and the back together, in their own order", () => {
  const shapes = [{ id: "a", z: 0 }, { id: "b", z: 1 }, { id: "c", z: 5 }];
  assert.deepEqual(reorder(shapes, ["a", "b"], true), [{ id: "a", set: { z: 6 } }, { id: "b", set: { z: 7 } }]);
  assert.deepEqual(reorder(shapes, ["b", "c"], false), [{ id: "b", set: { z: -2 } }, { id: "c", set: { z: -1 } }]);
  assert.deepEqual(reorder(shapes, [], true), []);
});

test("a file that was saved is read again; whatever else is in it is left out, and other files are none", () => {
  const shapes = [RECT, { id: "t", kind: "text", x: 1, y: 2, text: "<b> & 🦊" }, { id: "p", kind: "pen", x: 0, y: 0, points: [0, 0, 5, 5] }];
  assert.deepEqual(parse(format(shapes)), shapes.map(({ id, ...rest }) => rest));
  const odd = [
    null, {}, { kind: "rect" }, { kind: "rect", x: 1e9, y: 0 }, { kind: "cube", x: 0, y: 0 }, { kind: "text", x: 0, y: 0, text: " " },
    { kind: "rect", x: 0, y: 0, fill: "url(x)", points: [1, 2], onclick: "x", w: "9", __proto__: { h: 4 } },
  ];
  assert.deepEqual(parse(JSON.stringify({ format: "flylab shapes", version: 1, shapes: odd })), [{ kind: "rect", x: 0, y: 0 }]);
  for (const text of ["", "{", "null", "[]", "{}", '{"format":"x","shapes":[]}', '{"format":"flylab shapes","shapes":1}']) assert.equal(parse(text), null);
});

test("copies have new names, lie above all, and go out in edits that fit into a message", () => {
  let made = 0;
  const [one] = copies([{ ...RECT, z: 3 }], { id: () => `n${made += 1}`, z: 9, dx: 20, dy: 20 });
  assert.deepEqual(one, { id: "n1", set: { kind: "rect", x: 20, y: 20, w: 100, h: 50, z: 9 } });
  const small = Array.from({ length: 450 }, (_, n) => ({ id: `s${n}`, gone: true }));
  assert.deepEqual(batches(small).map((batch) => batch.length), [200, 200, 50]);
  const large = Array.from({ length: 100 }, (_, n) => ({ id: `s${n}`, set: { text: "ü".repeat(2_000) } }));
  for (const batch of batches(large)) assert.ok(Buffer.byteLength(JSON.stringify({ t: "edit", op: 2 ** 53 - 1, changes: batch })) < 65_536);
  assert.deepEqual(batches(large).flat(), large);
  assert.deepEqual(batches([]), []);
});

test("what others drag glides there and arrives; what nobody drags does not move by itself", () => {
  const glide = new Glide();
  const shape = (x) => ({ ...RECT, x });
  const still = [shape(0)];
  assert.equal(glide.step(still, new Set(), 0).shapes, still);
  assert.equal(glide.step([shape(10)], new Set(["a"]), 0).shapes[0].x, 10);
  const way = [];
  for (let now = 16; now <= 400; now += 16) way.push(glide.step([shape(110)], new Set(["a"]), now).shapes[0].x);
  assert.ok(way[0] > 10 && way[0] < 110 && way.every((x, n) => n === 0 || x >= way[n - 1]));
  assert.equal(way.at(-1), 110);
  const dropped = glide.step([shape(110)], new Set(), 420);
  assert.deepEqual([dropped.busy, dropped.shapes[0].x], [false, 110]);
  assert.equal(glide.step([shape(500)], new Set(), 440).shapes[0].x, 500, "our own edits jump at once");
  assert.equal(glide.ways.size, 0);
});

test("of the trace each hop has its time and its configured part; a start counts as ours if it fell into our waiting", () => {
  const trace = { total_ms: 260.5, hops: [{ machine: "m1", started_ms: 1, ended_ms: 5, configured_ms: 1 }, { machine: "m2", started_ms: 6, ended_ms: 256, configured_ms: 240 }] };
  assert.deepEqual(hops(JSON.stringify(trace)), { total: 260.5, hops: [{ machine: "m1", start: 1, took: 4, configured: 1 }, { machine: "m2", start: 6, took: 250, configured: 240 }] });
  assert.equal(hops(null), null);
  const boot = { spawned: 100, python: 100.5, imported: 101, listening: 101.25 };
  assert.deepEqual(woken(boot, 102, 2_000.5).map((step) => [step.name, step.took]), [["Python runs", 500], ["imported", 500], ["listening", 250]]);
  assert.equal(woken(boot, 102, 1_999), null, "somebody else woke it, just before we came");
  assert.equal(woken(undefined, 102, 2_500), null);
  assert.equal(woken(boot, NaN, 2_500), null);
});
