// The page's reducer and its reconnecting, fed with the same messages as over the wire; run by node's own runner.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Connection, wait } from "../../../app/static/connection.js";
import { KEEP, initial, reduce } from "../../../app/static/room.js";
import { ago, finalWord, pieces } from "../../../app/static/words.js";

const PATH = { edge: "nrt", replayed_from: "m2", replayed_region: "nrt", request: "r" };
const WELCOME = {
  t: "welcome", v: 1, you: "me", room: "blue", machine: "m1", region: "ams", epoch: 1, log: "L", seq: 0, stored: 0,
  resumed: false, entries: [], members: [{ id: "me", name: "Ada", hue: 0, region: "nrt" }], cursors: [], path: PATH,
};
const said = (seq, by = "you", op = `op${seq}`) => ({ t: "said", seq, by, op, name: by, hue: 0, text: `line ${seq}`, at: 0 });
const run = (...messages) => messages.reduce(reduce, initial());

test("a welcome makes the room live and says how we came", () => {
  const state = run(WELCOME);
  assert.deepEqual([state.phase, state.machine, state.epoch, state.path.replayed_from], ["live", "m1", 1, "m2"]);
});

test("lines are taken once and in order; a missing one is noticed", () => {
  const state = run(WELCOME, said(1), said(1), said(2));
  assert.deepEqual(state.entries.map((entry) => entry.seq), [1, 2]);
  assert.equal(state.gap, false);
  const holed = reduce(state, said(4));
  assert.equal(holed.gap, true);
  assert.deepEqual(holed.entries, state.entries);
});

test("a resumed welcome adds exactly what was missed", () => {
  const state = run(WELCOME, said(1), { ...WELCOME, resumed: true, seq: 3, entries: [said(2), said(3)] });
  assert.deepEqual(state.entries.map((entry) => entry.seq), [1, 2, 3]);
  assert.equal(state.afresh, false);
});

test("a room that lost its log starts afresh and says so", () => {
  const state = run(WELCOME, said(1), { ...WELCOME, log: "M", epoch: 2, seq: 0 });
  assert.deepEqual([state.entries.length, state.afresh, state.seq], [0, true, 0]);
});

test("what we say is pending until the room has it, also across a reconnect", () => {
  const pending = run(WELCOME, { t: "$say", op: "a", text: "x" }, { t: "$say", op: "b", text: "y" });
  assert.equal(pending.pending.length, 2);
  assert.deepEqual(reduce(pending, said(1, "me", "a")).pending.map((one) => one.op), ["b"]);
  assert.deepEqual(reduce(pending, said(1, "other", "a")).pending.map((one) => one.op), ["a", "b"]);
  const back = reduce(pending, { ...WELCOME, resumed: true, seq: 1, entries: [said(1, "me", "a")] });
  assert.deepEqual(back.pending.map((one) => one.op), ["b"]);
  assert.deepEqual(reduce(back, { t: "accepted", op: "b", seq: 1 }).pending, []);
  assert.deepEqual(reduce(back, { t: "error", code: "empty", text: "no", op: "b" }).pending, []);
});

test("people come, rename and go, and their cursors with them", () => {
  const member = { id: "you", name: "Bob", hue: 90, region: "" };
  let state = run(WELCOME, { t: "joined", member }, { t: "cursors", c: [["you", 0.5, 0.25], ["me", 0, 0]] });
  assert.deepEqual(state.cursors.you, { x: 0.5, y: 0.25 });
  state = reduce(state, { t: "renamed", member: { ...member, name: "Rob" } });
  assert.equal(state.members.you.name, "Rob");
  assert.deepEqual(Object.keys(reduce(state, { t: "cursors", c: [["you", null, null]] }).cursors), ["me"]);
  assert.deepEqual(Object.keys(reduce(state, { t: "cursors", c: [["you", 1, 1]], whole: true }).cursors), ["you"]);
  state = reduce(state, { t: "left", id: "you" });
  assert.deepEqual([Object.keys(state.members), Object.keys(state.cursors)], [["me"], ["me"]]);
});

test("an unknown message changes nothing, and no state is ever changed in place", () => {
  const state = Object.freeze(run(WELCOME, said(1)));
  assert.equal(reduce(state, { t: "dance" }), state);
  const before = JSON.stringify(state);
  for (const message of [said(2), { t: "$say", op: "a", text: "x" }, { t: "cursors", c: [["me", 0, 0]] }]) reduce(state, message);
  assert.equal(JSON.stringify(state), before);
});

test("a page keeps a bounded number of lines", () => {
  let state = run(WELCOME);
  for (let seq = 1; seq <= KEEP + 10; seq += 1) state = reduce(state, said(seq));
  assert.deepEqual([state.entries.length, state.entries[0].seq], [KEEP, 11]);
});

test("waiting doubles up to a bound and is spread", () => {
  assert.equal(wait(1, () => 1), 300);
  assert.equal(wait(1, () => 0), 150);
  assert.equal(wait(4, () => 1), 2400);
  assert.equal(wait(50, () => 1), 10_000);
});

/** A connection over sockets that the test drives, with timers that it fires by hand. */
function harness() {
  const log = { sockets: [], phases: [], heard: [], timers: [], now: 0 };
  const connection = new Connection({
    url: "ws://x", hello: () => ({ t: "hello" }), heard: (message) => log.heard.push(message),
    changed: (phase) => log.phases.push(phase), ended: finalWord, now: () => log.now, random: () => 1,
    open: () => {
      const socket = { sent: [], send: (text) => socket.sent.push(JSON.parse(text)), close: () => {} };
      log.sockets.push(socket);
      return socket;
    },
    later: (act, pause) => log.timers.push({ act, pause }) - 1,
    never: (timer) => { if (timer !== null && timer !== undefined) log.timers[timer] = null; },
  });
  const last = () => log.sockets.at(-1);
  const tell = (message) => last().onmessage({ data: JSON.stringify(message) });
  const due = (pause) => log.timers.findLast((timer) => timer?.pause === pause);
  return { connection, log, last, tell, due };
}

test("a lost connection comes back, waiting longer each time, and says hello again", () => {
  const { connection, log, last, tell, due } = harness();
  connection.connect();
  last().onopen();
  tell(WELCOME);
  assert.deepEqual(last().sent.map((message) => message.t), ["hello", "ping"]);
  last().onclose({ code: 1006 });
  assert.equal(log.phases.at(-1), "reconnecting");
  due(300).act();
  last().onclose({ code: 1006 });
  due(600).act();
  last().onopen();
  assert.deepEqual(last().sent, [{ t: "hello" }]);
  assert.equal(log.sockets.length, 3);
});

test("a room that moved is followed, and the page says so", () => {
  const { connection, log, last, tell } = harness();
  connection.connect();
  tell(WELCOME);
  tell({ t: "moved", region: "iad", machine: "m2" });
  last().onclose({ code: 4001 });
  assert.equal(log.phases.at(-1), "moved");
});

test("a refusal that coming back would not mend ends it with a sentence", () => {
  const { connection, log, last } = harness();
  connection.connect();
  last().onclose({ code: 4000 });
  assert.deepEqual([log.phases.at(-1), log.timers.filter((timer) => timer?.pause === 300).length], ["ended", 0]);
});

test("silence is noticed, and a pong is a round trip", () => {
  const { connection, log, last, tell, due } = harness();
  connection.connect();
  tell(WELCOME);
  log.now = 40;
  tell({ t: "pong", n: 1 });
  assert.deepEqual(log.heard.at(-1), { t: "$rtt", rtt: 40 });
  log.now = 16_000;
  due(5_000).act();
  assert.equal(log.phases.at(-1), "reconnecting");
  assert.equal(last().onclose === undefined, false);
});

test("words", () => {
  assert.deepEqual([ago(100, 90), ago(0, 59), ago(0, 60), ago(0, 7200), ago(0, 200_000)], ["just now", "just now", "1 min ago", "2 h ago", "2 d ago"]);
  assert.deepEqual(pieces("see https://a.example/b?c=1, (http://d.example) javascript:alert(1)"), [
    { text: "see " }, { text: "https://a.example/b?c=1", href: "https://a.example/b?c=1" }, { text: ", (" },
    { text: "http://d.example", href: "http://d.example" }, { text: ") javascript:alert(1)" },
  ]);
  assert.equal(finalWord(1001), null);
});
