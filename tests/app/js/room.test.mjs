// The page's reducer, fed with the same messages as over the wire; run by node's own runner.

import assert from "node:assert/strict";
import { test } from "node:test";

import { KEEP, access, initial, reduce, reduceAll, shapes, unstored, waiting } from "../../../app/static/room.js";

const PATH = { edge: "nrt", replayed_from: "m2", replayed_region: "nrt", request: "r" };
const member = (n, id, more = {}) => ({ n, id, name: id, hue: 0, region: "nrt", ...more });
const WELCOME = {
  t: "welcome", v: 2, you: "me", n: 1, role: "edit", room: "blue", machine: "m1", region: "ams", epoch: 1, seq: 0, stored: 0, resumed: false,
  parts: 1, op: 0, skipped: [], members: [member(1, "me")], cursors: [], selected: [], path: PATH, public: "edit", listed: true,
};
const EMPTY = { t: "state", shapes: [], chat: [] };
const by = (who, op) => ({ by: who, client: `${who}-1`, op });
const said = (seq, who = "you", op = seq) => ({ t: "said", seq, at: 0, ...by(who, op), name: who, hue: 0, text: `line ${seq}` });
const edited = (seq, changes, who = "you", op = seq) => ({ t: "edited", seq, at: 0, ...by(who, op), changes });
const rect = (id, x = 0) => ({ id, set: { kind: "rect", x, y: 0 } });
const fresh = () => initial("me-1");
const run = (...messages) => messages.reduce((state, message) => reduce(state, message), fresh());
const here = (...messages) => run(WELCOME, EMPTY, ...messages);
const act = (operation) => ({ t: "$do", operation });
const ids = (state) => [...shapes(state).keys()];

test("a welcome says who, where and how; the room is live when all parts of it have come", () => {
  const loading = run({ ...WELCOME, parts: 2, seq: 7, stored: 6 }, { t: "state", shapes: [{ id: "a", kind: "rect", x: 1, y: 2 }], chat: [] });
  assert.deepEqual([loading.phase, loading.machine, loading.epoch, loading.path.replayed_from, ids(loading)], ["loading", "m1", 1, "m2", []]);
  const live = reduce(loading, { t: "state", shapes: [{ id: "b", kind: "note", x: 0, y: 0 }], chat: [said(3)] });
  assert.deepEqual([live.phase, live.doc.seq, live.stored, ids(live), live.doc.chat.length], ["live", 7, 6, ["a", "b"], 1]);
});

test("entries that come while the state still arrives are not lost, and a connection that breaks then starts from what was whole", () => {
  const loading = here(said(1), { ...WELCOME, parts: 2, seq: 5, epoch: 2 }, EMPTY, said(6));
  assert.deepEqual([loading.doc.seq, loading.doc.epoch, loading.phase, loading.gap], [1, 1, "loading", false]);
  assert.deepEqual(reduce(loading, EMPTY).doc.chat.map((line) => line.seq), [6]);
  const broken = reduce(loading, { t: "$phase", phase: "reconnecting" });
  assert.deepEqual([broken.doc.seq, broken.doc.epoch, broken.incoming], [1, 1, null]);
});

test("entries of every kind count once and in order; a missing one is noticed", () => {
  const state = here(
    { t: "epoch", seq: 1, at: 0, epoch: 1, machine: "m1", region: "ams", app: "rooms", writer: "w", why: "made" },
    said(2), said(2), edited(3, [rect("a")]), { t: "access", seq: 4, at: 0, ...by("you", 4), public: "view", listed: false, edit: 0, view: 0 },
    { t: "released", seq: 5, at: 0, epoch: 1, why: "empty" },
    { t: "epoch", seq: 6, at: 0, epoch: 2, machine: "m2", region: "nrt", app: "rooms", writer: "w", why: "woken" },
  );
  assert.deepEqual([state.doc.seq, state.doc.epoch, state.doc.chat.length, ids(state), state.gap], [6, 2, 1, ["a"], false]);
  assert.deepEqual(access(state), { public: "view", listed: false });
  const holed = reduce(state, said(8));
  assert.deepEqual([holed.gap, holed.doc], [true, state.doc]);
});

test("a resumed welcome keeps what is there, and what was missed is added", () => {
  const state = here(said(1), edited(2, [rect("a")]), { ...WELCOME, resumed: true, parts: 0, seq: 4, epoch: 2 });
  assert.deepEqual([state.phase, state.doc.seq, ids(state)], ["live", 2, ["a"]]);
  const whole = reduceAll(state, [said(3), said(4)]);
  assert.deepEqual(whole.doc.chat.map((line) => line.seq), [1, 3, 4]);
  assert.equal(whole.afresh, false);
});

test("a room that comes back with less than it had acknowledged says so; one that lost only what was tentative does not", () => {
  const before = here(said(1), said(2), { t: "stored", seq: 1 });
  assert.equal(reduceAll(before, [{ ...WELCOME, seq: 1, stored: 1, epoch: 2 }, EMPTY]).afresh, false);
  assert.equal(reduceAll(before, [{ ...WELCOME, seq: 0, stored: 0 }, EMPTY]).afresh, true);
  assert.equal(reduceAll(before, [{ ...WELCOME, seq: 0, stored: 1 }, EMPTY]).afresh, false, "an older state, and the entries since");
});

test("what we do is shown at once, is waiting until the log has it, and tentative until it is stored", () => {
  let state = here(act({ t: "edit", changes: [rect("a")] }), act({ t: "say", text: "x" }));
  assert.deepEqual([state.pending.map((one) => one.op), ids(state), waiting(state).length], [[1, 2], ["a"], 2]);
  state = reduceAll(state, [edited(1, [rect("a")], "me", 1), said(2, "me", 2)]);
  assert.deepEqual([state.pending.map((one) => one.seq), waiting(state).length, [...unstored(state)]], [[1, 2], 0, ["a"]]);
  state = reduce(state, { t: "stored", seq: 1 });
  assert.deepEqual([state.pending.map((one) => one.op), unstored(state).size], [[2], 0]);
  assert.equal(reduce(state, { t: "stored", seq: 2 }).pending.length, 0);
});

test("only our own client's numbers are ours, whoever else uses the same", () => {
  const state = here(act({ t: "say", text: "x" }));
  assert.equal(waiting(reduce(state, said(1, "you", 1))).length, 1);
  assert.equal(waiting(reduce(state, { ...said(1, "me", 1), client: "me-0" })).length, 1);
  assert.equal(waiting(reduce(state, { t: "accepted", op: 1, seq: 0 })).length, 0);
});

test("after a welcome, what the log has is not sent again and the rest is, skipped numbers too", () => {
  const before = here(...[1, 2, 3, 4, 5].map((n) => act({ t: "say", text: `${n}` })));
  const state = reduceAll(before, [{ ...WELCOME, seq: 9, stored: 9, op: 4, skipped: [2] }, EMPTY]);
  assert.deepEqual(state.pending.map((one) => [one.op, one.seq]), [[2, undefined], [5, undefined]]);
  const tentative = reduceAll(before, [{ ...WELCOME, seq: 9, stored: 8, op: 4, skipped: [2] }, EMPTY]);
  assert.deepEqual(tentative.pending.map((one) => [one.op, one.seq]), [[1, 9], [2, undefined], [3, 9], [4, 9], [5, undefined]]);
});

test("what was in a dead machine's log only is sent again", () => {
  const state = here(act({ t: "edit", changes: [rect("a")] }), edited(1, [rect("a")], "me", 1), { ...WELCOME, epoch: 2 }, EMPTY);
  assert.deepEqual([state.pending[0].seq, ids(state)], [undefined, ["a"]]);
});

test("where an operation was heard to be counts no more when another machine's log has it elsewhere", () => {
  const heard = here(act({ t: "say", text: "x" }), said(1, "me", 1)); // of a machine that had lost the room
  const state = reduceAll(heard, [{ ...WELCOME, epoch: 2, seq: 9, stored: 5, op: 1 }, EMPTY]);
  assert.deepEqual(state.pending.map((one) => one.seq), [9]);
  const resumed = reduce(heard, { ...WELCOME, resumed: true, parts: 0, seq: 9, stored: 0, op: 1 });
  assert.deepEqual(resumed.pending.map((one) => one.seq), [1]);
});

test("an edit that the log holds already but that has not come yet stays on the screen meanwhile", () => {
  let state = here(act({ t: "edit", changes: [rect("a")] }), { ...WELCOME, resumed: true, parts: 0, seq: 1, stored: 0, op: 1 });
  assert.deepEqual([ids(state), state.pending[0].seq], [["a"], 1]);
  state = reduce(state, edited(1, [rect("a", 5)], "me", 1));
  assert.equal(shapes(state).get("a").x, 5);
});

test("an error takes back what it refuses, is shown, and goes when read or when the next thing is done", () => {
  const state = here(act({ t: "edit", changes: [rect("a")] }), act({ t: "say", text: "x" }), { t: "error", code: "limit", text: "too many", op: 1 });
  assert.deepEqual([ids(state), state.pending.map((one) => one.op), state.error], [[], [2], "too many"]);
  assert.equal(reduce(state, { t: "$noted" }).error, null);
  assert.equal(reduce(state, act({ t: "undo" })).error, null);
});

test("numbers too far ahead are noticed, and start again under another name", () => {
  const many = Array.from({ length: 70 }, (_, n) => act({ t: "say", text: `${n}` }));
  const refused = Array.from({ length: 68 }, (_, n) => ({ t: "error", code: "limit", text: "", op: n + 1 }));
  const far = here(...many, ...refused, { t: "error", code: "gap", text: "", op: 69 });
  assert.deepEqual([far.gap, far.pending.map((one) => one.op)], [true, [69, 70]]);
  const back = reduceAll(far, [WELCOME, EMPTY]);
  assert.equal(back.stale, true);
  const renewed = reduceAll(back, [{ t: "$client", client: "me-2" }, act({ t: "say", text: "next" })]);
  assert.deepEqual([renewed.stale, renewed.client, renewed.pending.map((one) => one.op)], [false, "me-2", [1, 2, 3]]);
});

test("an undo hides what we just did and waits for the room where it concerns older edits", () => {
  const two = [act({ t: "edit", changes: [rect("a")] }), act({ t: "edit", changes: [rect("b")] })];
  assert.deepEqual(ids(here(...two, act({ t: "undo" }))), ["a"]);
  assert.deepEqual(ids(here(...two, act({ t: "undo" }), act({ t: "redo" }))), ["a", "b"]);
  assert.deepEqual(ids(here(...two, act({ t: "undo" }), act({ t: "edit", changes: [rect("c")] }), act({ t: "redo" }))), ["a", "c"]);
  assert.deepEqual(ids(here(edited(1, [rect("z")], "me", 9), act({ t: "undo" }), act({ t: "redo" }))), ["z"]);
});

test("people come, change and go, and what was theirs with them", () => {
  const you = member(2, "you");
  let state = here({ t: "joined", member: you }, { t: "cursors", c: [[2, 10, -5], [1, 0, 0]] }, { t: "selected", s: [[2, ["a"]]] }, { t: "drags", d: [[2, [rect("d")]]] });
  assert.deepEqual([state.cursors.get(2), state.selected.get(2), ids(state)], [{ x: 10, y: -5 }, ["a"], ["d"]]);
  state = reduce(state, { t: "changed", member: { ...you, name: "Rob", rtt: 12 } });
  assert.deepEqual([state.members.get(2).name, state.members.size], ["Rob", 2]);
  assert.deepEqual([...reduce(state, { t: "cursors", c: [[2]] }).cursors.keys()], [1]);
  const whole = reduce(state, { t: "cursors", c: [[2, 1, 1]], whole: true });
  assert.deepEqual([[...whole.cursors.keys()], whole.drags.size, whole.selected.size], [[2], 0, 0]);
  assert.deepEqual([reduce(state, { t: "selected", s: [[2, []]] }).selected.size, reduce(state, { t: "drags", d: [[2, []]] }).drags.size], [0, 0]);
  const gone = reduce(state, { t: "left", id: "you", n: 2 });
  assert.deepEqual([[...gone.members.keys()], [...gone.cursors.keys()], gone.selected.size, ids(gone)], [[1], [1], 0, []]);
  const missed = reduce(state, { t: "members", members: [member(1, "me"), member(3, "eve")] });
  assert.deepEqual([[...missed.members.keys()], [...missed.cursors.keys()], missed.drags.size], [[1, 3], [1], 0]);
});

test("what somebody drags is shown until their edit takes its place, without a jump in between", () => {
  let state = here({ t: "joined", member: member(2, "you") }, edited(1, [rect("a")]), { t: "drags", d: [[2, [{ id: "a", set: { x: 50 } }]]] });
  assert.equal(shapes(state).get("a").x, 50);
  state = reduce(state, edited(2, [{ id: "a", set: { x: 60 } }]));
  assert.deepEqual([shapes(state).get("a").x, state.drags.size], [60, 0]);
  assert.equal(here({ t: "drags", d: [[1, [rect("ours")]]] }).drags.size, 0);
});

test("what we drag is shown, and its end is one edit", () => {
  const dragging = here(edited(1, [rect("a")]), { t: "$draft", changes: [{ id: "a", set: { x: 9 } }] });
  assert.deepEqual([shapes(dragging).get("a").x, dragging.pending.length], [9, 0]);
  assert.equal(shapes(reduce(dragging, act({ t: "say", text: "x" }))).get("a").x, 9);
  const done = reduce(dragging, act({ t: "edit", changes: [{ id: "a", set: { x: 10 } }] }));
  assert.deepEqual([shapes(done).get("a").x, done.draft, done.pending.length], [10, [], 1]);
});

test("a role that changes is ours at once", () => {
  const state = here({ t: "changed", member: member(1, "me", { role: "view" }) });
  assert.deepEqual([state.role, reduce(state, { t: "changed", member: member(1, "me") }).role], ["view", "edit"]);
  assert.equal(reduce(state, { t: "changed", member: member(2, "you") }).role, "view");
});

test("without a connection nobody is seen to move, and the phase is told as it is", () => {
  const state = here({ t: "joined", member: member(2, "you") }, { t: "cursors", c: [[2, 1, 1]] }, { t: "moved", region: "iad", machine: "m9" });
  assert.deepEqual([state.phase, state.detail, state.cursors.size, state.members.size], ["moved", "iad", 0, 2]);
  assert.equal(reduce(state, { t: "$phase", phase: "moved" }).detail, "iad");
  const closing = reduce(state, { t: "closing", why: "the machine is going away" });
  assert.deepEqual([closing.phase, reduce(closing, { t: "$phase", phase: "offline" }).detail], ["reconnecting", ""]);
});

test("what we wish about access is shown at once; links are kept for the window that shows them", () => {
  const state = here(act({ t: "share", public: "view" }), { t: "linked", edit: "/rooms/blue?k=e", view: "/rooms/blue?k=v" });
  assert.deepEqual([access(state), state.public, state.links.edit], [{ public: "view", listed: true }, "edit", "/rooms/blue?k=e"]);
});

test("an unknown message changes nothing, and no state is ever changed in place", () => {
  const state = here(said(1), edited(2, [rect("a")]), { t: "joined", member: member(2, "you") }, { t: "cursors", c: [[2, 1, 1]] });
  for (const t of ["dance", "constructor", "__proto__", "toString"]) assert.equal(reduce(state, { t }), state);
  const text = () => JSON.stringify(state, (_, value) => (value instanceof Map ? [...value] : value));
  const before = text();
  reduceAll(state, [
    said(3), edited(4, [{ id: "a", gone: true }, rect("b")]), { t: "cursors", c: [[2], [1, 0, 0]] }, { t: "drags", d: [[2, [rect("d")]]] },
    { t: "left", id: "you", n: 2 }, { t: "joined", member: member(3, "eve") }, { t: "selected", s: [[3, ["a"]]] }, act({ t: "undo" }),
  ]);
  assert.equal(text(), before);
});

test("a frame of many messages gives the same as each by itself, and takes no longer than it should", () => {
  const messages = [];
  for (let seq = 1; seq <= 3_000; seq += 1) messages.push(seq % 3 ? edited(seq, [rect(`s${seq}`, seq)]) : said(seq));
  const began = performance.now();
  const all = reduceAll(here(), messages);
  assert.ok(performance.now() - began < 500, "a frame is folded in one go, not copied for each message");
  const each = messages.reduce((state, message) => reduce(state, message), here());
  assert.deepEqual([...shapes(all)], [...shapes(each)]);
  assert.deepEqual(all.doc.chat, each.doc.chat);
});

test("a page keeps a bounded number of lines", () => {
  let state = here();
  for (let seq = 1; seq <= KEEP + 10; seq += 1) state = reduce(state, said(seq));
  assert.deepEqual([state.doc.chat.length, state.doc.chat[0].seq], [KEEP, 11]);
});
