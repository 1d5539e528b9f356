// The page's connection: how it says hello, notices silence, comes back, and says how it stands.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Connection, wait } from "../../../app/static/connection.js";
import { finalWord, stateText } from "../../../app/static/words.js";
import { Clock } from "./fake.mjs";

const WELCOME = { t: "welcome" };

/** A connection over sockets that the test drives and a clock that it advances. */
function harness({ learn, online = () => true } = {}) {
  const clock = new Clock();
  const log = { sockets: [], phases: [], heard: [], urls: [] };
  const connection = new Connection({
    url: () => `ws://x/${log.sockets.length}`, hello: () => ({ t: "hello" }), heard: (messages) => log.heard.push(messages),
    changed: (phase, detail) => log.phases.push(detail ? `${phase}: ${detail}` : phase),
    ended: finalWord, learn, online, random: () => 1, now: clock.now, later: clock.later, never: clock.never,
    open: (url) => {
      const socket = { sent: [], closed: false, send: (text) => socket.sent.push(JSON.parse(text)), close: () => { socket.closed = true; } };
      log.urls.push(url);
      log.sockets.push(socket);
      return socket;
    },
  });
  const last = () => log.sockets.at(-1);
  const tell = (...messages) => last().onmessage({ data: JSON.stringify(messages) });
  const live = () => {
    last().onopen();
    tell(WELCOME);
    clock.advance(0);
  };
  return { connection, log, last, tell, live, clock };
}

const settled = () => new Promise((resolve) => { setImmediate(resolve); });

test("waiting doubles up to a bound and is spread", () => {
  assert.deepEqual([wait(1, () => 1), wait(1, () => 0), wait(4, () => 1), wait(50, () => 1)], [300, 150, 2400, 10_000]);
});

test("a lost connection comes back, waiting longer each time, and says hello again at the address of then", () => {
  const { connection, log, last, live, clock } = harness();
  connection.connect();
  live();
  assert.deepEqual(last().sent, [{ t: "hello" }, { t: "ping", n: 1 }]);
  last().onclose({ code: 1006 });
  clock.advance(299);
  assert.equal(log.sockets.length, 1);
  clock.advance(1);
  last().onclose({ code: 1006 });
  clock.advance(600);
  last().onopen();
  assert.deepEqual(last().sent, [{ t: "hello" }]);
  assert.deepEqual(log.phases, ["connecting", "reconnecting", "reconnecting", "reconnecting", "reconnecting"]);
  assert.deepEqual(log.urls, ["ws://x/0", "ws://x/1", "ws://x/2"]);
});

test("a connection that lasted was no failure; one that breaks again and again is waited for ever longer", () => {
  const { connection, log, last, live, clock } = harness();
  connection.connect();
  for (const pause of [300, 600, 1200]) {
    live();
    last().onclose({ code: 4002 });
    const before = log.sockets.length;
    clock.advance(pause - 1);
    assert.equal(log.sockets.length, before);
    clock.advance(1);
    assert.equal(log.sockets.length, before + 1);
  }
  live();
  clock.advance(2_000);
  last().onclose({ code: 1006 });
  clock.advance(300);
  assert.equal(log.sockets.length, 5);
});

test("frames are lists of messages and are passed on as one", () => {
  const { connection, log, live, tell } = harness();
  connection.connect();
  live();
  tell({ t: "stored", seq: 1 }, { t: "stored", seq: 2 });
  assert.deepEqual(log.heard, [[WELCOME], [{ t: "stored", seq: 1 }, { t: "stored", seq: 2 }]]);
});

test("a room that moved is followed at once, and the page says so", () => {
  const { connection, log, last, live, tell, clock } = harness();
  connection.connect();
  live();
  clock.advance(3_000);
  tell({ t: "moved", region: "iad", machine: "m2" });
  last().onclose({ code: 4001 });
  assert.equal(log.phases.at(-1), "moved");
  clock.advance(100);
  assert.equal(log.sockets.length, 2);
  clock.advance(1_500);
  assert.equal(log.phases.at(-1), "moved", "it is not being woken");
  live();
  last().onclose({ code: 1006 });
  assert.equal(log.phases.at(-1), "reconnecting");
});

test("no welcome within a second: the room is being woken; silence for longer is the end of the attempt", () => {
  const { connection, log, clock, last } = harness();
  connection.connect();
  clock.advance(999);
  assert.deepEqual(log.phases, ["connecting"]);
  clock.advance(1);
  assert.deepEqual(log.phases, ["connecting", "waking"]);
  clock.advance(20_000);
  assert.equal(log.sockets[0].closed, true);
  assert.equal(log.phases.includes("reconnecting"), true);
  const before = log.phases.length;
  log.sockets[0].onclose({ code: 1006 });
  log.sockets[0].onmessage({ data: JSON.stringify([WELCOME]) });
  assert.equal(log.phases.length, before, "a socket that was given up says nothing any more");
  assert.ok(last() !== log.sockets[0]);
});

test("refusals that coming back would not mend end it with a sentence; somebody can still try again", () => {
  for (const code of [4000, 4003, 4005, 4006]) {
    const { connection, log, last, clock } = harness();
    connection.connect();
    last().onopen();
    last().onclose({ code });
    assert.match(log.phases.at(-1), /^ended: .+\.$/);
    clock.advance(60_000);
    connection.hurry();
    assert.equal(log.sockets.length, 1);
    connection.wake();
    assert.equal(log.sockets.length, 2);
    assert.equal(log.phases.at(-1), "connecting");
  }
});

test("a room that was put to sleep is left asleep until somebody wakes it; one whose machine leaves is followed", () => {
  const { connection, log, last, live, tell, clock } = harness();
  connection.connect();
  live();
  tell({ t: "closing", why: "the room was put to sleep" });
  last().onclose({ code: 1001 });
  clock.advance(60_000);
  assert.deepEqual([log.phases.at(-1), log.sockets.length], ["asleep", 1]);
  connection.wake();
  live();
  tell({ t: "closing", why: "this machine is going away" });
  last().onclose({ code: 1001 });
  clock.advance(300);
  assert.equal(log.sockets.length, 3);
});

test("a socket that cannot be opened hides the reason, which is asked for after two attempts", async () => {
  let answer = { status: 503, text: "No machine is free." };
  let asked = 0;
  const { connection, log, last, clock } = harness({ learn: async () => (asked += 1, answer) });
  connection.connect();
  last().onclose({ code: 1006 });
  await settled();
  assert.equal(asked, 0);
  clock.advance(300);
  last().onclose({ code: 1006 });
  await settled();
  assert.deepEqual([asked, log.phases.at(-1)], [1, "reconnecting: No machine is free."]);
  answer = null;
  clock.advance(600);
  last().onclose({ code: 1006 });
  await settled();
  assert.equal(log.phases.at(-1), "reconnecting");
  answer = { status: 403, text: "This room is private." };
  clock.advance(1_200);
  last().onclose({ code: 1006 });
  await settled();
  clock.advance(60_000);
  assert.deepEqual([log.phases.at(-1), log.sockets.length], ["ended: This room is private.", 4]);
});

test("a room that moved and cannot be followed is waited for like any other, with the reason", async () => {
  const { connection, log, last, live, tell, clock } = harness({ learn: async () => ({ status: 503, text: "No machine is free." }) });
  connection.connect();
  live();
  clock.advance(3_000);
  tell({ t: "moved", region: "iad", machine: "m2" });
  last().onclose({ code: 4001 });
  for (const pause of [100, 600]) {
    clock.advance(pause);
    last().onclose({ code: 1006 });
  }
  await settled();
  assert.equal(log.phases.at(-1), "reconnecting: No machine is free.");
});

test("without a network it says offline, and comes back when there is one", () => {
  let network = true;
  const { connection, log, last, live, clock } = harness({ online: () => network });
  connection.connect();
  live();
  network = false;
  connection.again();
  assert.deepEqual([log.phases.at(-1), last().closed], ["offline", true]);
  connection.again();
  assert.equal(log.sockets.length, 1, "there is nothing left to drop");
  network = true;
  connection.hurry();
  assert.deepEqual([log.phases.at(-1), log.sockets.length], ["reconnecting", 2]);
  clock.advance(300);
  assert.equal(log.sockets.length, 2, "the timer of before is void");
});

test("a pong is a round trip, which the next ping tells; silence is noticed, sparse timers are not silence", () => {
  const { connection, log, last, live, tell, clock } = harness();
  connection.connect();
  live();
  clock.advance(40);
  tell({ t: "pong", n: 1 });
  assert.deepEqual(log.heard.at(-1), [{ t: "$rtt", rtt: 40 }]);
  clock.at += 60_000; // a page in the background: its timers hardly run
  clock.advance(0);
  assert.equal(log.sockets.length, 1);
  assert.deepEqual(last().sent.at(-1), { t: "ping", n: 2, rtt: 40 });
  clock.advance(21_000);
  assert.equal(last().closed || log.sockets.length > 1, true);
});

test("a ping without an answer is told before the connection is given up, and so is the answer that comes after all", () => {
  const { connection, log, live, tell, clock } = harness();
  const told = () => log.heard.flat().filter((one) => one.t === "$silent").map((one) => one.silent);
  connection.connect();
  live();
  tell({ t: "pong", n: 1 });
  clock.advance(5_000 + 2_999);
  assert.deepEqual(told(), []);
  clock.advance(1);
  assert.deepEqual(told(), [true]);
  tell({ t: "pong", n: 2 });
  assert.deepEqual(told(), [true, false]);
  clock.advance(5_000 + 3_000);
  log.sockets.at(-1).onclose({ code: 1006 });
  assert.deepEqual(told(), [true, false, true, false], "what follows is no silence");
});

test("nothing is sent into a socket that closes", () => {
  const { connection, last, live } = harness();
  connection.connect();
  live();
  last().readyState = 2;
  connection.send({ t: "say" });
  assert.equal(last().sent.at(-1).t, "ping");
});

test("the state in words", () => {
  const say = (phase, more = {}) => stateText({ phase, detail: "", region: "ams", role: "edit", pending: [], ...more });
  assert.equal(say("live"), "Live in Amsterdam (ams)");
  assert.equal(say("live", { role: "view" }), "Live in Amsterdam (ams) · read-only");
  assert.equal(say("moved", { detail: "nrt" }), "The room moved to Tokyo (nrt), following…");
  assert.equal(say("offline", { pending: [1, 2] }), "Offline · 2 not stored yet");
  assert.equal(say("ended", { detail: "The room is full." }), "The room is full.");
  assert.equal(say("live", { path: { replayed_region: "nrt" } }), "Live in Amsterdam (ams), replayed from nrt");
  assert.equal(say("live", { pending: [{ op: 5 }], late: 4 }), "Live in Amsterdam (ams)", "it has not waited long");
  assert.equal(say("live", { pending: [{ op: 5 }, { op: 6 }], late: 5 }), "Live in Amsterdam (ams) · 2 not stored yet");
  assert.equal(say("live", { pending: [{ op: 5 }], late: 0, silent: true }), "No answer from Amsterdam (ams)… · 1 not stored yet");
  assert.equal(say("asleep", { pending: [{ op: 5 }] }), "The room was put to sleep · 1 not stored yet");
  assert.deepEqual([finalWord(1001), finalWord(1006), finalWord(4001), finalWord(4002), finalWord(4007)], [null, null, null, null, null]);
});
