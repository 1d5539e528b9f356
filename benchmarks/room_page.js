// Stands in for the room's WebSocket while the page is measured: 2,000 shapes, 50 members who point, some who drag.

(() => {
  const SHAPES = 2_000, MEMBERS = 50, TICK = 40;
  const KINDS = ["rect", "ellipse", "note", "line", "arrow", "text", "pen"];
  const hex = (n) => `#${((n * 2654435761) >>> 8 & 0xffffff).toString(16).padStart(6, "0")}`;
  const shapes = Array.from({ length: SHAPES }, (_, n) => {
    const kind = KINDS[n % KINDS.length];
    const [x, y] = [(n * 61) % 1500 - 750, (n * 37) % 940 - 470];
    const text = kind === "text" ? { text: `text ${n}`, w: 110, h: 35, r: 0 } : kind === "note" && n % 4 === 0 ? { text: "a note with some words" } : {};
    const points = kind === "pen" ? { points: Array.from({ length: 40 }, (_, p) => (p % 2 ? Math.round(20 * Math.sin(p)) : p * 2)) } : {};
    return { id: `s${n}`, kind, x, y, w: 40 + (n % 50), h: 24 + (n % 40), z: n, r: n % 9 ? 0 : 15, fill: hex(n), stroke: hex(n + 1), sw: 2, ...text, ...points };
  });
  const members = Array.from({ length: MEMBERS + 1 }, (_, n) => ({ id: `m${n}`, n: n + 1, name: `member ${n}`, hue: n * 7, region: "ams", rtt: 20 }));
  const welcome = {
    t: "welcome", v: 2, you: "m0", n: 1, role: "edit", room: "benchmark", machine: "m", region: "ams", epoch: 1, log: "l", seq: 1, stored: 1, resumed: false, parts: 1,
    op: 0, skipped: [], members, cursors: [], selected: [], path: { edge: "", replayed_from: "", replayed_region: "", request: "" }, public: "edit", listed: true,
  };
  let socket = null, tick = 0, drags = false, seq = 1;

  class Played {
    send(text) {
      const message = JSON.parse(text);
      if (message.t === "hello") {
        socket = this;
        this.say([welcome, { t: "state", shapes, chat: [] }]);
      } else if (message.t === "ping") this.say([{ t: "pong", n: message.n }]);
      else if (message.t === "edit") {
        seq += 1;
        this.say([{ t: "edited", seq, at: 0, by: "m0", client: "", op: message.op, changes: message.changes }, { t: "stored", seq }]);
      }
    }

    say(messages) {
      const text = JSON.stringify(messages);
      setTimeout(() => this.onmessage?.({ data: text }), 0);
    }

    close() {}
  }
  globalThis.WebSocket = class {
    constructor() {
      const made = new Played();
      setTimeout(() => made.onopen?.(), 0);
      return made;
    }
  };

  setInterval(() => {
    if (!socket) return;
    tick += 1;
    const c = members.slice(1).map(({ n }) => [n, Math.round(700 * Math.sin(tick / 20 + n)), Math.round(400 * Math.cos(tick / 17 + 2 * n))]);
    const messages = [{ t: "cursors", c }];
    if (drags) {
      const moved = (n) => ({ id: `s${n * 300}`, set: { x: Math.round(600 * Math.sin(tick / 15 + n)), y: Math.round(300 * Math.cos(tick / 15 + n)) } });
      messages.push({ t: "drags", d: [1, 2, 3, 4, 5].map((n) => [n + 1, [moved(n)]]) });
    }
    socket.say(messages);
  }, TICK);

  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const key = (name, more = {}) => document.getElementById("sheet").dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true, ...more }));

  /** Frames while a load runs: the ms between them. */
  globalThis.benchmark = async (name, seconds) => {
    const sheet = document.getElementById("sheet");
    const box = sheet.getBoundingClientRect();
    const pointer = (kind, x, y, more = {}) => sheet.dispatchEvent(new PointerEvent(kind, {
      pointerId: 1, isPrimary: true, button: 0, pointerType: "pen", bubbles: true, cancelable: true, clientX: box.left + x, clientY: box.top + y, ...more,
    }));
    const gaps = [];
    let running = true, last = performance.now(), n = 0;
    sheet.setPointerCapture = () => {};
    sheet.focus();
    key("0");
    drags = name !== "cursors";
    if (name === "ours") {
      pointer("pointerdown", 2, box.height / 2 - 20);
      pointer("pointermove", box.width / 2 - 160, box.height - 60);
      pointer("pointerup", box.width / 2 - 160, box.height - 60);
      await wait(200);
      pointer("pointerdown", box.width / 2 - 200, box.height / 2 + 20); // one of those that were surrounded
    }
    await wait(300);
    last = performance.now();
    const frame = (now) => {
      if (!running) return;
      gaps.push(now - last);
      last = now;
      n += 1;
      const wheel = (more) => sheet.dispatchEvent(new WheelEvent("wheel", { bubbles: true, cancelable: true, clientX: box.left + 300, clientY: box.top + 200, ...more }));
      if (name === "ours") pointer("pointermove", box.width / 2 - 200 + 60 * Math.sin(n / 9), box.height / 2 + 60 * Math.cos(n / 9));
      if (name === "pan") wheel({ deltaX: 6 * Math.sin(n / 30), deltaY: 6 * Math.cos(n / 30) });
      if (name === "zoom") wheel({ deltaY: 8 * Math.sin(n / 25), ctrlKey: true });
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    await wait(1_000 * seconds);
    running = false;
    if (name === "ours") pointer("pointercancel", 0, 0);
    key("0");
    return { gaps: gaps.slice(1) };
  };
})();
