// Keeps one WebSocket open: says hello, notices silence, comes back with back-off and jitter. Draws nothing.

const FIRST_WAIT = 300; // ms, doubled after each failure
const LONGEST_WAIT = 10_000;
const PING_EVERY = 5_000;
const DOUBT = 3_000; // a ping unanswered for so long is told
const SILENCE = 15_000; // a ping unanswered for so long: the connection is dead, whatever the browser thinks
const PATIENCE = 1_000; // after so long without a welcome the room is probably being woken
const SOON = 100; // ms: a room that let us go on purpose is there again at once
const STEADY = 2_000; // a connection that lasted so long was no failure
const OPEN = 1; // of WebSocket.readyState; what is sent while it closes is lost, and the browser complains
const LEARN_AFTER = 2; // attempts that failed, before asking over HTTP why

/** How long to wait before attempt `failures + 1`: between half and all of a doubling time, so that a crowd spreads. */
export function wait(failures, random) {
  const most = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.max(0, failures - 1));
  return most / 2 + (most / 2) * random();
}

/**
 * `url()` and `hello()` give the address and the first message of each connection, `heard(messages)` gets every frame,
 * `changed(phase, detail)` every change: connecting, waking, moved, reconnecting, offline, asleep, ended; what `heard` gets tells also of silence. A socket that cannot
 * be opened hides the reason, so `learn()` asks for it: a promise of `{status, text}`, or null when nothing is wrong.
 * `ended(code, why)` says whether coming back is no answer: `{phase, text}` or null.
 */
export class Connection {
  constructor({ url, hello, heard, changed, ended, learn = async () => null, now = () => performance.now(), random = Math.random,
    online = () => globalThis.navigator?.onLine !== false, open = (address) => new WebSocket(address),
    later = setTimeout.bind(globalThis), never = clearTimeout.bind(globalThis) }) {
    Object.assign(this, { url, hello, heard, changed, ended, learn, now, random, online, openSocket: open, later, never });
    this.quiet = false;
    this.failures = 0;
    this.unopened = 0;
    this.attempts = 0;
    this.socket = null;
    this.live = false;
    this.timer = this.beat = this.impatient = this.doubt = null;
    this.asked = null; // since when we wait for any answer
    this.pings = new Map();
    this.pinged = 0;
    this.rtt = undefined;
    this.why = { t: "", text: "" };
  }

  connect() {
    this.never(this.timer);
    this.timer = null;
    this.attempts += 1;
    this.changed(this.attempts === 1 ? "connecting" : this.phase());
    const socket = this.openSocket(this.url());
    this.socket = socket;
    this.opened = false;
    this.asked = this.now();
    this.impatient = this.later(() => { if (this.why.t !== "moved") this.changed("waking"); }, PATIENCE);
    socket.onopen = () => {
      this.opened = true;
      this.unopened = 0;
      socket.send(JSON.stringify(this.hello()));
    };
    socket.onmessage = (event) => { if (socket === this.socket) this.receive(JSON.parse(event.data)); };
    socket.onclose = (event) => { if (socket === this.socket) this.closed(event.code); };
    this.startBeat();
  }

  /** Send if live; what must not be lost is sent again by the caller after the next welcome. */
  send(message) {
    if (this.live && !(this.socket.readyState > OPEN)) this.socket.send(JSON.stringify(message));
  }

  /** Drop this connection and come back, as after a gap. */
  again() {
    if (!this.socket) return;
    this.socket.close();
    this.closed(0);
  }

  /** The network is back: do not wait any longer. */
  hurry() {
    if (this.timer !== null) this.connect();
  }

  /** Come back also from an end, because somebody asked for it. */
  wake() {
    if (this.socket === null) this.connect();
  }

  receive(messages) {
    this.asked = null;
    this.silent(false);
    this.heard(messages.map((message) => this.notice(message)));
  }

  /** What the connection itself has to know of a message; a pong becomes a measured round trip. */
  notice(message) {
    if (message.t === "welcome") {
      this.live = true;
      this.since = this.now();
      this.why = { t: "", text: "" };
      this.never(this.impatient);
      this.later(() => this.ping(), 0); // after the operations that wait
    } else if (message.t === "moved" || message.t === "closing") this.why = { t: message.t, text: message.why ?? message.region };
    else if (message.t === "pong") {
      const sent = this.pings.get(message.n);
      this.pings.clear();
      if (sent !== undefined) return { t: "$rtt", rtt: (this.rtt = this.now() - sent) };
    }
    return message;
  }

  closed(code) {
    const steady = this.live && this.now() - this.since >= STEADY;
    this.socket = null;
    this.live = false;
    this.never(this.beat);
    this.never(this.impatient);
    this.silent(false);
    this.pings.clear();
    const last = this.ended(code, this.why.t === "closing" ? this.why.text : "");
    if (last !== null) return this.stop(last);
    this.failures = steady ? 1 : this.failures + 1;
    if (!this.opened) this.unopened += 1;
    this.changed(this.phase());
    const pause = steady && this.why.t ? SOON * this.random() : wait(this.failures, this.random);
    this.timer = this.later(() => this.connect(), pause);
    if (this.unopened >= LEARN_AFTER && this.online()) this.ask();
  }

  stop({ phase, text }) {
    this.never(this.timer);
    this.timer = null;
    this.failures = this.unopened = this.attempts = 0;
    this.why = { t: "", text: "" };
    this.changed(phase, text);
  }

  async ask() {
    const answer = await this.learn();
    if (answer === null || this.live || this.timer === null) return;
    if (answer.status === 403) this.stop({ phase: "ended", text: answer.text });
    else {
      this.why = { t: "", text: "" }; // wherever it moved, that is not what keeps us
      this.changed(this.phase(), answer.text);
    }
  }

  silent(silent) {
    this.never(this.doubt);
    this.doubt = null;
    if (silent !== this.quiet) this.heard([{ t: "$silent", silent: (this.quiet = silent) }]);
  }

  phase() {
    if (!this.online()) return "offline";
    return this.why.t === "moved" ? "moved" : "reconnecting";
  }

  startBeat() {
    this.never(this.beat);
    this.beat = this.later(() => {
      if (this.asked !== null && this.now() - this.asked > SILENCE) return this.again();
      this.ping();
      this.startBeat();
    }, PING_EVERY);
  }

  ping() {
    if (!this.live) return;
    this.pinged += 1;
    this.pings.set(this.pinged, this.now());
    this.asked ??= this.now();
    this.doubt ??= this.later(() => this.silent(true), DOUBT);
    this.send({ t: "ping", n: this.pinged, ...(this.rtt === undefined ? {} : { rtt: Math.min(60_000, Math.round(this.rtt * 10) / 10) }) });
  }
}
