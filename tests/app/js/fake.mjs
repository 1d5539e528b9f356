// A room as the page meets it, in memory: one log whose end may be lost, epochs, operations that count once; and a page
// of it made of the real reducer and the real outbox over a clock that the test drives.

import { Outbox } from "../../../app/static/outbox.js";
import { initial, reduceAll } from "../../../app/static/room.js";

const WINDOW = 64;
const PATH = { edge: "", replayed_from: "", replayed_region: "", request: "" };

/** A clock with timers; nothing happens until `advance`. */
export class Clock {
  constructor() {
    Object.assign(this, { at: 0, timers: new Map(), number: 0 });
    this.now = () => this.at;
    this.later = (act, pause) => (this.timers.set((this.number += 1), { act, due: this.at + pause }), this.number);
    this.never = (number) => this.timers.delete(number);
  }

  advance(ms) {
    const end = this.at + ms;
    for (;;) {
      const [number, timer] = [...this.timers].filter(([, { due }]) => due <= end).sort((a, b) => a[1].due - b[1].due)[0] ?? [];
      if (!timer) break;
      this.timers.delete(number);
      this.at = Math.max(this.at, timer.due);
      timer.act();
    }
    this.at = end;
  }
}

/** The room: `log` holds all entries, those up to `stored` are safe. */
export class FakeRoom {
  constructor() {
    Object.assign(this, { log: [], stored: 0, epoch: 0, starts: new Map(), seats: new Set(), refuse: () => null });
    this.wake();
  }

  get seq() {
    return this.log.length;
  }

  /** A machine takes the room: what was not stored is gone, and so is everybody. */
  wake() {
    for (const seat of [...this.seats]) seat.lose();
    this.log.length = this.stored;
    this.epoch += 1;
    this.starts.set(this.epoch, this.seq + 1);
    this.append({ t: "epoch", epoch: this.epoch, machine: `m${this.epoch}`, region: "ams", app: "rooms", writer: "w", why: "woken" });
  }

  append(entry) {
    const line = { ...entry, seq: this.seq + 1, at: 0 };
    this.log.push(line);
    for (const seat of this.seats) seat.queue.push(line);
    return line;
  }

  store() {
    this.stored = this.seq;
    for (const seat of this.seats) seat.queue.push({ t: "stored", seq: this.seq });
  }

  known(by, client) {
    const ops = this.log.filter((entry) => entry.by === by && entry.client === client).map((entry) => entry.op);
    const last = Math.max(0, ...ops);
    return { last, skipped: Array.from({ length: last }, (_, n) => n + 1).filter((op) => !ops.includes(op)).slice(-WINDOW) };
  }

  enter(seat, hello) {
    const { last, skipped } = this.known(seat.id, hello.client);
    const next = this.starts.get(hello.epoch + 1) ?? Infinity;
    const resumed = hello.since > 0 && hello.since < next && hello.since <= this.seq;
    const parts = resumed ? 0 : 2;
    this.seats.add(seat);
    seat.client = hello.client;
    seat.queue.push({
      t: "welcome", v: 2, you: seat.id, n: seat.n, role: "edit", room: "blue", machine: `m${this.epoch}`, region: "ams", epoch: this.epoch,
      seq: this.seq, stored: this.stored, resumed, parts, op: last, skipped, members: [seat.member], cursors: [], selected: [], path: PATH,
      public: "edit", listed: true,
    });
    if (resumed) seat.queue.push(...this.log.slice(hello.since));
    else {
      const { shapes, chat } = fold(this.log);
      seat.queue.push({ t: "state", shapes: shapes.slice(0, 3), chat: [] }, { t: "state", shapes: shapes.slice(3), chat });
    }
  }

  hear(seat, message) {
    if (!["say", "edit"].includes(message.t)) return;
    const { last, skipped } = this.known(seat.id, seat.client);
    const op = message.op;
    if (op > last + WINDOW + 1) return seat.queue.push({ t: "error", code: "gap", text: "gap", op });
    if (op <= last && !skipped.includes(op)) return seat.queue.push({ t: "accepted", op, seq: this.seq });
    const refusal = this.refuse(message);
    if (refusal) return seat.queue.push({ t: "error", code: refusal, text: refusal, op });
    const by = { by: seat.id, client: seat.client, op };
    if (message.t === "say") this.append({ t: "said", ...by, name: seat.id, hue: 0, text: message.text });
    else this.append({ t: "edited", ...by, changes: message.changes });
  }
}

/** The log folded in the plainest way, to compare with. */
export function fold(log) {
  const shapes = {};
  for (const { changes = [] } of log) {
    for (const { id, set, gone } of changes) {
      if (gone) delete shapes[id];
      else if (shapes[id] || set.kind) shapes[id] = { id, ...shapes[id], ...set };
    }
  }
  return { shapes: Object.values(shapes), chat: log.filter((entry) => entry.t === "said").slice(-500) };
}

/** One page: state, outbox and a connection that can be lost in both directions. */
export class FakePage {
  constructor(room, id, n, clock) {
    Object.assign(this, { room, id, n, member: { id, n, name: id, hue: 0, region: "" }, queue: [], online: false, clients: 1 });
    this.state = initial(`${id}-1`);
    this.outbox = new Outbox({ ...clock, send: (message) => this.upstream.push(message) });
    this.upstream = []; // on its way to the room
  }

  connect() {
    this.online = true;
    const { client, doc } = this.state;
    this.room.enter(this, { client, epoch: doc.epoch, since: doc.seq });
  }

  /** The connection breaks: what the room said is lost, of what we sent the first `arrives` still come through. */
  lose(arrives = 0) {
    for (const message of this.upstream.splice(0).slice(0, arrives)) this.room.hear(this, message);
    this.room.seats.delete(this);
    this.queue = [];
    this.online = false;
    this.outbox.stop();
    this.update([{ t: "$phase", phase: "reconnecting" }]);
  }

  update(messages) {
    const before = this.state;
    this.state = reduceAll(this.state, messages);
    if (this.state.pending !== before.pending) this.outbox.offer(this.unsent());
  }

  unsent() {
    return this.state.pending.filter((one) => one.seq === undefined);
  }

  act(operation) {
    this.update([{ t: "$do", operation }]);
  }

  /** Up to so many messages arrive at the room, up to so many here, as one frame. */
  exchange(up = Infinity, down = Infinity) {
    for (const message of this.upstream.splice(0, up)) this.room.hear(this, message);
    const frame = this.queue.splice(0, down);
    if (!frame.length) return;
    this.update(frame);
    if (frame.some((message) => message.t === "welcome")) this.welcomed();
    if (this.state.gap) {
      this.lose();
      this.connect();
    }
  }

  welcomed() {
    if (!this.state.stale) return this.outbox.start(this.unsent());
    this.update([{ t: "$client", client: `${this.id}-${(this.clients += 1)}` }]);
    this.lose();
    this.connect();
  }
}
