// What is drawn: shapes, what lies under a pointer, gestures, colours and texts; run by node's own runner.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ago } from "../../../app/static/ago.js";
import { hex, palette } from "../../../app/static/colours.js";
import { above, applyChanges, ordered } from "../../../app/static/document.js";
import { STROKE_POINTS, bounds, box, hits, letters, meet, simplified, topmost, union } from "../../../app/static/geometry.js";
import { MOST_SELECTED, shift } from "../../../app/static/moving.js";
import { Outbox, weight } from "../../../app/static/outbox.js";
import { textBox, textColour } from "../../../app/static/paint.js";
import { begin, removal } from "../../../app/static/tools.js";
import { clean, pieces, roundTrip, sentence } from "../../../app/static/words.js";
import { Clock } from "./fake.mjs";

const at = (x, y) => ({ x, y });
const COLOURS = palette(90);
const SHAPES = [
  { id: "low", kind: "rect", x: 0, y: 0, w: 100, h: 100, fill: "red" },
  { id: "ring", kind: "ellipse", x: 200, y: 0, w: 100, h: 60 },
  { id: "high", kind: "rect", x: 50, y: 50, w: 100, h: 100, z: 3 },
];
const gesture = (tool, from, more = {}) => begin(tool, from, { shapes: SHAPES, selection: [], id: "new", z: 4, look: COLOURS, ...more });

test("what is written on an ellipse stays inside of it", () => {
  const { x, y, w, h } = textBox({ kind: "ellipse", x: 0, y: 0, w: 200, h: 100 });
  assert.ok(Math.abs(((x - 100) / 100) ** 2 + ((y - 50) / 50) ** 2 - 1) < 1e-9, "its corner lies on the ellipse");
  assert.deepEqual([x + w / 2, y + h / 2], [100, 50]);
  assert.deepEqual(textBox({ kind: "text", x: 1, y: 2, w: 30, h: 40 }), { x: 1, y: 2, w: 30, h: 40 });
});

test("letters can be told from what they are written on", () => {
  const on = (kind, fill) => textColour({ kind, fill });
  assert.deepEqual([on("rect", "black"), on("rect", "none"), on("rect"), on("text"), on("text", "#e03131")], ["paper", "black", "black", "black", "#e03131"]);
  assert.deepEqual([on("rect", "#1971c2"), on("note", "#1d1b26"), on("ellipse", "#7048e8")], ["#ffffff", "#ffffff", "#ffffff"]);
  assert.deepEqual([on("rect", "#ffd43b"), on("note"), on("rect", "#ffffff"), on("rect", "red")], ["#1d1b26", "#1d1b26", "#1d1b26", "#1d1b26"]);
});

test("changes make, change and remove shapes; what is not there is not changed", () => {
  const shapes = applyChanges(new Map(), [
    { id: "a", set: { kind: "rect", x: 1, y: 2 } }, { id: "a", set: { x: 3, fill: "red" } }, { id: "b", set: { x: 1 } },
    { id: "c", set: { kind: "note", x: 0, y: 0 } }, { id: "c", gone: true }, { id: "nobody", gone: true },
  ]);
  assert.deepEqual([...shapes.values()], [{ id: "a", kind: "rect", x: 3, y: 2, fill: "red" }]);
});

test("shapes lie in one order for everybody", () => {
  const shapes = new Map(["b", "a", "c"].map((id) => [id, { id, z: id === "a" ? 1 : undefined }]));
  assert.deepEqual(ordered(shapes).map((shape) => shape.id), ["b", "c", "a"]);
  assert.deepEqual([above(shapes), above(new Map()), above(new Map([["a", { z: -4 }]]))], [2, 1, 1]);
});

test("the bounds of a shape hold all that is painted of it, turned and with its stroke", () => {
  assert.deepEqual(bounds({ kind: "rect", x: 0, y: 0, w: 100, h: 40, sw: 6 }), { x: -5, y: -5, w: 110, h: 50 });
  const { x, y, w, h } = bounds({ kind: "rect", x: 0, y: 0, w: 100, h: 40, r: 90, sw: 0 });
  assert.deepEqual([x, y, w, h].map(Math.round), [28, -32, 44, 104]);
  assert.ok(meet({ x: 0, y: 0, w: 10, h: 10 }, { x: 10, y: 10, w: 1, h: 1 }));
  assert.ok(!meet({ x: 0, y: 0, w: 10, h: 10 }, { x: 11, y: 0, w: 1, h: 1 }));
  assert.deepEqual(union([{ kind: "rect", x: 0, y: 0, w: 10, h: 10 }, { kind: "line", x: 50, y: 50, w: -20, h: 20 }]), { x: 0, y: 0, w: 50, h: 70 });
});

test("the letters of a free text grow with its box", () => {
  assert.deepEqual([letters({ kind: "text", text: "a\nb", h: 140 }), letters({ kind: "text", text: "a" }), letters({ kind: "note", h: 900 })], [56, 28, 24]);
});

test("a pointer hits what it touches: fillings, outlines, strokes, turned shapes", () => {
  const cases = [
    [SHAPES[0], at(50, 50), true], [SHAPES[0], at(104, 50), true], [SHAPES[0], at(120, 50), false],
    [SHAPES[2], at(100, 100), false], [SHAPES[2], at(50, 100), true], // no filling: the outline alone
    [SHAPES[1], at(250, 30), false], [SHAPES[1], at(250, 0), true], [SHAPES[1], at(202, 2), false], // the box's corner is not the ring
    [{ kind: "note", x: 0, y: 0, w: 10, h: 10 }, at(5, 5), true],
    [{ kind: "pen", x: 10, y: 10, points: [0, 0, 100, 0] }, at(60, 14), true],
    [{ kind: "pen", x: 10, y: 10, points: [0, 0, 100, 0, 100, 100] }, at(60, 60), false],
    [{ kind: "line", x: 0, y: 0, w: -50, h: 50 }, at(-25, 25), true], [{ kind: "arrow", x: 0, y: 0, w: -50, h: 50 }, at(25, 25), false],
    [{ kind: "rect", x: 0, y: 0, w: 200, h: 20, r: 90, fill: "red" }, at(100, 100), true],
    [{ kind: "rect", x: 0, y: 0, w: 200, h: 20, r: 90, fill: "red" }, at(10, 10), false],
    [{ kind: "text", x: 0, y: 0, text: "hello" }, at(30, 20), true], [{ kind: "text", x: 0, y: 0, text: "" }, at(300, 20), false],
    [{ kind: "pen", x: 5, y: 5 }, at(5, 5), true],
  ];
  for (const [shape, point, hit] of cases) assert.equal(hits(shape, point, 8), hit, JSON.stringify([shape, point]));
  assert.equal(topmost(SHAPES, at(52, 60), 8).id, "high");
  assert.equal(topmost(SHAPES, at(500, 500), 8), null);
  assert.deepEqual(box({ kind: "arrow", x: 0, y: 0, w: -5, h: 5 }), { x: -5, y: 0, w: 5, h: 5 });
  assert.deepEqual(box({ kind: "pen", x: 1, y: 1, points: [0, 0, -3, 4] }), { x: -2, y: 1, w: 3, h: 4 });
});

test("a stroke loses what cannot be seen of it, keeps its ends, and always fits into a message", () => {
  const straight = Array.from({ length: 100 }, (_, n) => [n, 0]);
  assert.deepEqual(simplified(straight), [[0, 0], [99, 0]]);
  const corner = [[0, 0], [10, 0], [20, 0], [20, 10]];
  assert.deepEqual(simplified(corner), [[0, 0], [20, 0], [20, 10]]);
  const wild = Array.from({ length: 20_000 }, (_, n) => [(n * 7919) % 1600, (n * 104_729) % 1000]);
  const kept = simplified(wild);
  assert.ok(kept.length <= STROKE_POINTS && kept.length > 1);
  assert.deepEqual([kept[0], kept.at(-1)], [wild[0], wild.at(-1)]);
  const edit = { t: "edit", op: 2 ** 53 - 1, changes: [{ id: "x".repeat(24), set: { kind: "pen", x: -800, y: -500, z: 1e9, stroke: "#000000", fill: "none", sw: 5, points: kept.flat() } }] };
  assert.ok(JSON.stringify(edit).length < 8192);
});

test("dragging a frame makes a shape, a click makes one of a usual size", () => {
  const drawn = gesture("rect", at(10, 10));
  assert.deepEqual(drawn.move(at(11, 12)), []);
  assert.deepEqual(drawn.end(at(-30, 60))[0].set, { kind: "rect", x: -30, y: 10, w: 40, h: 50, z: 4, fill: COLOURS.fill, stroke: COLOURS.stroke, sw: 3 });
  const [{ id, set }] = gesture("note", at(0, 0)).end(at(1, 1));
  assert.deepEqual([id, set.kind, set.x, set.y, set.w, set.h, set.fill], ["new", "note", -100, -80, 200, 160, COLOURS.note]);
  assert.deepEqual(gesture("text", at(5, 5)).write, { id: "new", kind: "text", x: 5, y: 5, z: 4 });
});

test("lines begin where the pointer did; Shift levels them and makes squares; the grid takes both ends", () => {
  assert.deepEqual(gesture("arrow", at(10, 10)).end(at(-30, 60))[0].set, { kind: "arrow", x: 10, y: 10, w: -40, h: 50, z: 4, stroke: COLOURS.stroke, sw: 4 });
  const level = gesture("line", at(0, 0)).end(at(100, 7), { shift: true })[0].set;
  assert.deepEqual([level.w, level.h], [100, 0]);
  const square = gesture("rect", at(0, 0)).end(at(-100, 7), { shift: true })[0].set;
  assert.deepEqual([square.x, square.y, square.w, square.h], [-100, 0, 100, 100]);
  const { x, y, w, h } = gesture("rect", at(9, 11), { grid: true }).end(at(52, 49))[0].set;
  assert.deepEqual([x, y, w, h], [0, 20, 60, 20]);
  const look = { ...COLOURS, sw: 8, opacity: 0.5 };
  const set = gesture("rect", at(0, 0), { look }).end(at(50, 50))[0].set;
  assert.deepEqual([set.sw, set.opacity], [8, 0.5]);
});

test("a pen draws relative to where it began", () => {
  const pen = gesture("pen", at(100, 100));
  pen.move(at(100, 100));
  pen.move(at(150, 120));
  assert.deepEqual(pen.end(at(150, 160))[0].set.points, [0, 0, 50, 20, 50, 60]);
  assert.deepEqual(gesture("pen", at(1, 1)).end(at(1, 1))[0].set.points, [0, 0]);
});

test("what is touched is selected and moved; shift adds and takes away; beside everything nothing is", () => {
  const one = gesture("select", at(10, 10));
  assert.deepEqual([one.selection, one.end(at(12, 12))], [["low"], []]);
  assert.deepEqual(gesture("select", at(10, 10)).end(at(30, 14), { alt: true }), [{ id: "low", set: { x: 20, y: 4 } }]);
  assert.deepEqual(gesture("select", at(10, 10)).end(at(30, 14), { alt: true, shift: true }), [{ id: "low", set: { x: 20, y: 0 } }]);
  const both = gesture("select", at(52, 60), { selection: ["low", "high"] });
  assert.deepEqual(both.end(at(62, 60)).map((change) => change.id), ["low", "high"]);
  const clicked = gesture("select", at(52, 60), { selection: ["low", "high"] });
  assert.deepEqual([clicked.end(at(52, 60)), clicked.selection], [[], ["high"]], "a click on one of several takes that one");
  assert.deepEqual(gesture("select", at(10, 10), { selection: ["high"], more: true }).selection, ["high", "low"]);
  assert.deepEqual(gesture("select", at(10, 10), { selection: ["high", "low"], more: true }).selection, ["high"]);
  assert.deepEqual(gesture("select", at(500, 500), { selection: ["high"] }).selection, []);
  assert.deepEqual(gesture("select", at(500, 500), { selection: ["high"], more: true }).selection, ["high"]);
  const many = Array.from({ length: 300 }, (_, n) => `s${n}`);
  assert.equal(gesture("select", at(10, 10), { selection: many, more: true }).selection.length, MOST_SELECTED);
  assert.deepEqual([removal(["a"]), shift([{ id: "a", x: 1.4 }], 1, 1)], [[{ id: "a", gone: true }], [{ id: "a", set: { x: 2, y: 1 } }]]);
});

test("colours are what the room takes, and differ from member to member", () => {
  assert.deepEqual([hex(1, 0, 0), hex(0, 0, 0), hex(0.628, 0.2577, 29.23)], ["#ffffff", "#000000", "#ff0000"]);
  const strokes = Array.from({ length: 12 }, (_, n) => palette(30 * n).stroke);
  assert.equal(new Set(strokes).size, 12);
  for (const colour of strokes) assert.match(colour, /^#[0-9a-f]{6}$/);
});

/** What an outbox sent, and when. */
function outbox() {
  const clock = new Clock();
  const sent = [];
  const box = new Outbox({ ...clock, send: (message) => sent.push([clock.now(), message]) });
  return { box, sent, clock };
}

test("of cursors and drags only the latest goes out, at most 25 a second of each, and the last one always", () => {
  const { box, sent, clock } = outbox();
  box.latest({ t: "cursor", x: -1, y: 0 });
  assert.equal(sent.length, 0, "nothing without a welcome");
  box.start([]);
  for (let n = 0; n <= 1_000; n += 1) {
    box.latest({ t: "cursor", x: n, y: 0 });
    if (n % 2) box.latest({ t: "drag", changes: [n] });
    clock.advance(1);
  }
  clock.advance(100);
  const of = (kind) => sent.filter(([, message]) => message.t === kind);
  assert.ok(of("cursor").length <= 27 && of("drag").length <= 27 && of("cursor").length >= 24);
  assert.deepEqual([of("cursor").at(-1)[1].x, of("drag").at(-1)[1].changes], [1_000, [999]]);
  const before = sent.length;
  box.latest({ t: "cursor", x: 5, y: 5 });
  box.latest({ t: "cursor", x: 6, y: 6 });
  box.stop();
  clock.advance(1_000);
  assert.equal(sent.length, before + 1, "what was fleeting is forgotten with the connection");
});

test("a drag that the room would refuse is over for the others, and many changes count as many messages", () => {
  const { box, sent, clock } = outbox();
  const drag = (text) => ({ t: "drag", changes: [{ id: "a", set: { text } }] });
  const room = 16_384 - JSON.stringify(drag("")).length;
  box.start([]);
  box.latest(drag("ü".repeat(room / 2)));
  clock.advance(100);
  box.latest(drag("ü".repeat(room / 2 + 1)));
  clock.advance(100);
  assert.deepEqual(sent.map(([, message]) => message.changes.length), [1, 0]);
  const changes = Array.from({ length: 200 }, (_, n) => ({ id: `s${n}`, gone: true }));
  for (let n = 0; n < 1_000; n += 1) {
    box.latest({ t: "drag", changes });
    clock.advance(10);
  }
  const each = JSON.stringify({ t: "drag", changes }).length / 4_096 + 200 / 20;
  assert.ok(sent.length - 2 <= (100 + 10 * 50) / each, `${sent.length}`);
  assert.ok(sent.length - 2 >= (10 * 50) / each - 1, `${sent.length}`);
  assert.deepEqual([weight({ t: "say", text: "x" }), weight({ t: "say", text: "x".repeat(8_192 - 21) })], [1, 2]);
});

test("operations go out once each and in order, never far ahead of one that is not answered", () => {
  const { box, sent, clock } = outbox();
  const all = Array.from({ length: 200 }, (_, n) => ({ t: "say", op: n + 1 }));
  box.start(all);
  clock.advance(60_000);
  assert.deepEqual(sent.map(([, message]) => message.op), Array.from({ length: 64 }, (_, n) => n + 1));
  box.offer(all.slice(10));
  clock.advance(60_000);
  assert.equal(sent.at(-1)[1].op, 74);
  box.stop();
  box.offer(all.slice(20));
  assert.equal(sent.length, 74);
  box.start(all.slice(20));
  clock.advance(60_000);
  assert.deepEqual([sent[74][1].op, sent.at(-1)[1].op], [21, 84]);
});

test("words", () => {
  assert.deepEqual([ago(100, 90), ago(0, 59), ago(0, 60), ago(0, 7200), ago(0, 200_000)], ["just now", "just now", "1 min ago", "2 h ago", "2 d ago"]);
  assert.deepEqual(pieces("see https://a.example/b?c=1, (http://d.example) javascript:alert(1)"), [
    { text: "see " }, { text: "https://a.example/b?c=1", href: "https://a.example/b?c=1" }, { text: ", (" },
    { text: "http://d.example", href: "http://d.example" }, { text: ") javascript:alert(1)" },
  ]);
  assert.deepEqual([roundTrip(null), roundTrip(0), roundTrip(3.21), roundTrip(41.7)], ["–", "–", "3.2 ms", "42 ms"]);
  assert.deepEqual([sentence("room x is full\nmore"), sentence("Why?"), sentence("")], ["Room x is full.", "Why?", ""]);
  assert.equal(clean("  a\u0000b\r\nc\t\u007f "), "ab\nc");
  assert.equal(clean("🦊".slice(0, 1) + "x🦊"), "x🦊");
  assert.equal(clean("x".repeat(1_999) + "🦊"), "x".repeat(1_999));
});
