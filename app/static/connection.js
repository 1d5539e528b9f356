// Keeps one WebSocket open: says hello, notices silence, comes back with back-off and jitter. Draws nothing.

const FIRST_WAIT = 300; // ms, doubled after each failure
const LONGEST_WAIT = 10_000;
const PING_EVERY = 5_000;
const SILENCE = 15_000; // no sign of life for so long: the connection is dead, whatever the browser thinks

/** How long to wait before attempt `failures + 1`: between half and all of a doubling time, so that a crowd spreads. */
export function wait(failures, random) {
  const most = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.max(0, failures - 1));
  return most / 2 + (most / 2) * random();
}

/**
 * `hello()` gives the first message of each connection, `heard(message)` gets every message, `changed(phase, detail)`
 * every change: connecting, live (after the welcome), moved, reconnecting, offline, ended.
 */
export class Connection {
  constructor({ url, hello, heard, changed, ended, now = () => performance.now(), random = Math.random,
    open = (address) => new WebSocket(address), later = setTimeout.bind(globalThis), never = clearTimeout.bind(globalThis) }) {
    Object.assign(this, { url, hello, heard, changed, ended, now, random, openSocket: open, later, never });
    this.failures = 0;
    this.socket = null;
    this.live = false;
    this.stopped = false;
    this.timer = null;
    this.beat = null;
    this.pings = new Map();
    this.pinged = 0;
    this.why = "";
  }

  connect() {
    this.never(this.timer);
    this.timer = null;
    this.changed(this.failures === 0 && !this.why ? "connecting" : this.why === "moved" ? "moved" : "reconnecting", "");
    const socket = this.openSocket(this.url);
    this.socket = socket;
    this.heardAt = this.now();
    socket.onopen = () => socket.send(JSON.stringify(this.hello()));
    socket.onmessage = (event) => { if (socket === this.socket) this.receive(JSON.parse(event.data)); };
    socket.onclose = (event) => { if (socket === this.socket) this.closed(event.code); };
    this.startBeat();
  }

  /** Send if live; what must not be lost is sent again by the caller after the next welcome. */
  send(message) {
    if (this.live) this.socket.send(JSON.stringify(message));
  }

  /** Drop this connection and come back at once, as after a gap. */
  again() {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    this.closed(0);
  }

  /** The network is back (or the person is impatient): do not wait any longer. */
  hurry() {
    if (this.timer !== null) this.connect();
  }

  receive(message) {
    this.heardAt = this.now();
    if (message.t === "welcome") {
      this.live = true;
      this.failures = 0;
      this.why = "";
      this.ping();
    } else if (message.t === "moved" || message.t === "closing") {
      this.why = message.t;
    } else if (message.t === "pong") {
      const sent = this.pings.get(message.n);
      if (sent !== undefined) message = { t: "$rtt", rtt: this.now() - sent };
      this.pings.clear();
    }
    this.heard(message);
  }

  closed(code) {
    this.socket = null;
    this.live = false;
    this.never(this.beat);
    const last = this.ended(code);
    if (last !== null) {
      this.stopped = true;
      this.changed("ended", last);
      return;
    }
    this.failures += 1;
    const pause = wait(this.failures, this.random);
    this.changed(this.why === "moved" ? "moved" : "reconnecting", this.failures > 2 ? `attempt ${this.failures}` : "");
    this.timer = this.later(() => this.connect(), pause);
  }

  startBeat() {
    this.never(this.beat);
    this.beat = this.later(() => {
      if (this.now() - this.heardAt > SILENCE) return this.again();
      this.ping();
      this.startBeat();
    }, PING_EVERY);
  }

  ping() {
    if (!this.live) return;
    this.pinged += 1;
    this.pings.set(this.pinged, this.now());
    this.send({ t: "ping", n: this.pinged });
  }
}
