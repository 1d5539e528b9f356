// Decides when what we do goes out: operations in order and all of them, cursors and drags only the latest; both below
// what the room reads at once (LIMIT_MESSAGES_PER_SECOND and LIMIT_BURST in app/config.py), or it would stop reading us for a while.

const RATE = 50; // messages a second
const BURST = 100;
const RESERVE = 20; // messages that cursors and drags leave for operations
const WINDOW = 64; // numbers that an operation may be ahead of the oldest that waits (app/operations.py)
const TICK = 40; // ms between two messages of one fleeting kind
const BYTES = 4_096; // a longer message counts as several, so many changes as one more (app/session.py)
const CHANGES = 20;
const DRAG_BYTES = 16_384; // of a drag that others are shown (app/protocol.py)

const encoder = new TextEncoder();

export class Outbox {
  constructor({ send, now = () => performance.now(), later = setTimeout.bind(globalThis), never = clearTimeout.bind(globalThis) }) {
    Object.assign(this, { send, now, later, never });
    this.fleeting = new Map(); // kind → the latest message that waits
    this.operations = [];
    this.ticking = null;
    this.pumping = null;
    this.open = false;
    this.sent = 0;
  }

  /** The room has welcomed us: everything that waits goes out, from the first. */
  start(operations) {
    this.open = true;
    this.sent = 0;
    [this.tokens, this.filledAt] = [BURST, this.now()];
    this.offer(operations);
  }

  /** The connection is gone; what was fleeting is forgotten. */
  stop() {
    this.open = false;
    this.fleeting.clear();
    this.never(this.pumping);
    this.never(this.ticking);
    this.pumping = this.ticking = null;
  }

  /** All operations that the log may not have yet; those that went out since the welcome do not go again. */
  offer(operations) {
    this.operations = operations;
    if (this.open && this.pumping === null) this.pump();
  }

  /** A cursor, drag or selection: only the latest of its kind counts. */
  latest(message) {
    if (!this.open) return;
    this.fleeting.set(message.t, message);
    if (this.ticking === null) this.tick();
  }

  pump() {
    this.pumping = null;
    for (const operation of this.operations) {
      if (operation.op <= this.sent) continue;
      if (operation.op >= this.operations[0].op + WINDOW) return; // the next `offer` goes on
      const tokens = weight(operation);
      const pause = this.short(tokens);
      if (pause > 0) {
        this.pumping = this.later(() => this.pump(), pause);
        return;
      }
      this.tokens -= tokens;
      this.sent = operation.op;
      this.send(operation);
    }
  }

  tick() {
    this.ticking = null;
    if (!this.fleeting.size) return;
    for (const [kind, latest] of this.fleeting) {
      const message = kind === "drag" && bytes(latest) > DRAG_BYTES ? { t: "drag", changes: [] } : latest;
      const tokens = weight(message);
      if (this.short(tokens + RESERVE) > 0) break;
      this.tokens -= tokens;
      this.fleeting.delete(kind);
      this.send(message);
    }
    this.ticking = this.later(() => this.tick(), TICK);
  }

  /** How many ms until there are so many messages to spend. */
  short(tokens) {
    const now = this.now();
    this.tokens = Math.min(BURST, this.tokens + ((now - this.filledAt) * RATE) / 1000);
    this.filledAt = now;
    return Math.max(0, Math.ceil(((tokens - this.tokens) * 1000) / RATE));
  }
}

/** As how many messages the room counts this one. */
export function weight(message) {
  const changes = message.changes?.length ?? 0;
  return Math.max(1, bytes(message) / BYTES) + (changes > CHANGES ? changes / CHANGES : 0);
}

function bytes(message) {
  return encoder.encode(JSON.stringify(message)).length;
}
