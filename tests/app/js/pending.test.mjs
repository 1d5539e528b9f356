// What we do counts exactly once and in order, whatever happens to connections and machines: the page against a fake room.

import assert from "node:assert/strict";
import { test } from "node:test";

import { shapes, unstored } from "../../../app/static/room.js";
import { Clock, FakePage, FakeRoom, fold } from "./fake.mjs";

/** A generator of numbers from a seed (mulberry32). */
function chance(seed) {
  let a = seed;
  const next = () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return { below: (n) => Math.floor(next() * n), happens: (share) => next() < share };
}

function settle(room, pages, clock) {
  for (let n = 0; n < 400; n += 1) {
    for (const page of pages) {
      if (!page.online) page.connect();
      page.exchange();
    }
    room.store();
    clock.advance(100);
  }
}

function afternoon(seed, { refuse = () => null } = {}) {
  const { below, happens } = chance(seed);
  const clock = new Clock();
  const room = new FakeRoom();
  room.refuse = (message) => refuse(message, happens);
  const pages = ["ada", "bob", "eve"].map((id, n) => new FakePage(room, id, n + 1, clock));
  const done = [];
  for (let step = 0; step < 30 + below(120); step += 1) {
    const page = pages[below(pages.length)];
    const act = below(12);
    if (act < 3) {
      done.push({ by: page.id, text: `${page.id} ${step}` });
      page.act({ t: "say", text: `${page.id} ${step}` });
    } else if (act < 6) page.act({ t: "edit", changes: [{ id: `s${below(6)}`, set: { kind: "rect", x: step, y: 0, mark: `${page.id} ${step}` } }] });
    else if (act === 6) page.act({ t: "edit", changes: [{ id: `s${below(6)}`, gone: true }] });
    else if (act === 7 && page.online) page.lose(below(4));
    else if (act === 8 && !page.online) page.connect();
    else if (act === 9 && happens(0.5)) room.store();
    else if (act === 10 && happens(0.3)) room.wake();
    else if (page.online) page.exchange(below(4), below(6));
    clock.advance(below(50));
  }
  settle(room, pages, clock);
  return { room, pages, done };
}

function agree({ room, pages, seed }) {
  const { shapes: there, chat } = fold(room.log);
  for (const page of pages) {
    assert.deepEqual(page.state.doc.chat, chat, `seed ${seed}: chat of ${page.id}`);
    assert.deepEqual(Object.fromEntries(shapes(page.state)), Object.fromEntries(there.map((shape) => [shape.id, shape])), `seed ${seed}`);
    assert.deepEqual([page.state.pending.length, page.state.gap, page.state.phase, unstored(page.state).size], [0, false, "live", 0], `seed ${seed}`);
    assert.deepEqual([page.state.doc.seq, page.state.stored], [room.seq, room.seq]);
  }
}

test("everything that was said is there once and in order, after any afternoon of lost connections and lost machines", () => {
  for (let seed = 1; seed <= 400; seed += 1) {
    const { room, pages, done } = afternoon(seed);
    agree({ room, pages, seed });
    for (const { id } of pages) {
      const said = room.log.filter((entry) => entry.t === "said" && entry.by === id).map((entry) => entry.text);
      assert.deepEqual(said, done.filter((one) => one.by === id).map((one) => one.text), `seed ${seed}: ${id}`);
      const ops = room.log.filter((entry) => entry.by === id).map((entry) => `${entry.client} ${entry.op}`);
      assert.equal(new Set(ops).size, ops.length);
    }
  }
});

test("what the room refuses is taken back, and what it does not comes once", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const refused = new Set();
    const { room, pages, done } = afternoon(seed, {
      refuse(message, happens) {
        if (refused.has(message.text)) return "limit"; // its first refusal may have been lost on the way
        return message.t === "say" && happens(0.2) ? refused.add(message.text) && "limit" : null;
      },
    });
    agree({ room, pages, seed });
    const said = room.log.filter((entry) => entry.t === "said").map((entry) => entry.text).sort();
    assert.deepEqual(said, done.map((one) => one.text).filter((text) => !refused.has(text)).sort(), `seed ${seed}`);
  }
});

test("a client whose numbers ran too far ahead of the log takes a new name and goes on", () => {
  const clock = new Clock();
  const room = new FakeRoom();
  const page = new FakePage(room, "ada", 1, clock);
  page.connect();
  page.exchange();
  room.refuse = () => "limit";
  for (let n = 0; n < 70; n += 1) {
    page.act({ t: "say", text: `refused ${n}` });
    page.exchange();
    clock.advance(20);
  }
  room.refuse = () => null;
  page.act({ t: "say", text: "counts" });
  settle(room, [page], clock);
  assert.deepEqual(room.log.filter((entry) => entry.t === "said").map((entry) => [entry.client, entry.text]), [["ada-2", "counts"]]);
  assert.equal(page.state.pending.length, 0);
});

test("hours of work without a connection arrive in order and within the room's limits", () => {
  const clock = new Clock();
  const room = new FakeRoom();
  const page = new FakePage(room, "ada", 1, clock);
  const times = [];
  room.refuse = () => (times.push(clock.now()), null);
  for (let n = 0; n < 500; n += 1) page.act({ t: "say", text: `${n}` });
  page.connect();
  for (let n = 0; n < 3000 && page.state.pending.length; n += 1) {
    page.exchange();
    room.store();
    clock.advance(10);
  }
  assert.deepEqual(room.log.slice(1).map((entry) => entry.text), Array.from({ length: 500 }, (_, n) => `${n}`));
  for (const [n, at] of times.entries()) {
    const within = times.filter((time, m) => m <= n && time > at - 1000).length;
    assert.ok(within <= 120 + 60, `${within} in one second`);
  }
  assert.ok(times.at(-1) >= 7_000, "not all at once");
});

test("a machine that dies before it stored: what the others had seen of it goes, ours is sent again", () => {
  const clock = new Clock();
  const room = new FakeRoom();
  const [ada, bob] = [new FakePage(room, "ada", 1, clock), new FakePage(room, "bob", 2, clock)];
  const both = () => { for (const page of [ada, bob]) page.exchange(); };
  ada.connect();
  bob.connect();
  both();
  room.store();
  both();
  ada.act({ t: "say", text: "tentative" });
  both();
  both();
  assert.deepEqual([ada.state.pending.length, bob.state.doc.chat.length, bob.state.stored], [1, 1, 1]);
  room.wake();
  bob.connect();
  both();
  assert.equal(bob.state.doc.chat.length, 0);
  ada.connect();
  for (let n = 0; n < 3; n += 1) both();
  room.store();
  both();
  assert.deepEqual([ada.state.pending.length, bob.state.doc.chat.map((line) => line.text)], [0, ["tentative"]]);
});
