// The chat of a room: its lines, those that are still on their way, and what came while nobody looked.

import { element } from "./panels.js";
import { waiting } from "./room.js";
import { pieces } from "./words.js";

export class ChatPanel {
  /** `unread(count)` is told how many lines came while nobody looked. */
  constructor(list, unread) {
    Object.assign(this, { list, unread, drawn: new WeakMap(), seen: {}, read: null, inView: true, shown: 0 });
    this.divider = element("div", "divider new", "New since you looked away");
    new IntersectionObserver(([entry]) => { this.inView = entry.intersectionRatio > 0.9; this.look(); }, { threshold: [0, 0.9, 1] }).observe(list);
    list.addEventListener("scroll", () => this.look(), { passive: true });
    document.addEventListener("visibilitychange", () => this.look());
  }

  /** Whether somebody can see the last line. */
  get looking() {
    return this.inView && !document.hidden && this.atEnd();
  }

  atEnd() {
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
  }

  look() {
    if (this.looking) this.read = this.seen.chat?.at(-1)?.seq ?? this.read;
    this.count();
  }

  count() {
    const chat = this.seen.chat ?? [];
    const count = this.read === null ? 0 : chat.filter((entry) => entry.seq > this.read && entry.by !== this.seen.you).length;
    if (count !== this.shown) this.unread((this.shown = count));
  }

  draw(state) {
    const { doc: { chat }, pending, stored, you, afresh } = state;
    if (chat === this.seen.chat && pending === this.seen.pending && stored === this.seen.stored) return;
    const atEnd = this.atEnd();
    const looking = this.looking;
    const ours = waiting(state).filter((one) => one.t === "say");
    const wrote = ours.length > 0 && pending !== this.seen.pending;
    this.seen = { chat, pending, stored, you };
    if ((looking && this.read !== null) || wrote || (this.read === null && state.phase === "live")) this.read = chat.at(-1)?.seq ?? 0;
    const lines = [];
    let fresh = this.shown > 0 || !looking; // only where somebody missed something
    for (const entry of chat) {
      if (fresh && this.read !== null && entry.seq > this.read && entry.by !== you) {
        lines.push(this.divider);
        fresh = false;
      }
      const line = this.line(entry, you);
      line.classList.toggle("tentative", entry.seq > stored);
      lines.push(line);
    }
    if (afresh) lines.unshift(element("div", "divider", "The room started afresh here: what was before lived in the memory of a machine that is gone."));
    lines.push(...ours.map((one) => element("div", "line own tentative", element("p", "text", one.text), element("p", "when", "sending…"))));
    if (!lines.length) lines.push(element("div", "divider", "Nothing has been said yet."));
    const wanted = new Set(lines);
    for (const child of [...this.list.children]) if (!wanted.has(child)) child.remove();
    lines.forEach((line, n) => { if (this.list.children[n] !== line) this.list.insertBefore(line, this.list.children[n] ?? null); });
    if (atEnd || wrote) this.list.scrollTop = this.list.scrollHeight;
    this.count();
  }

  line(entry, you) {
    let line = this.drawn.get(entry);
    if (line) return line;
    const text = element("p", "text");
    for (const piece of pieces(entry.text)) {
      if (!piece.href) text.append(piece.text);
      else {
        const link = element("a", "", piece.text);
        Object.assign(link, { href: piece.href, target: "_blank", rel: "noopener noreferrer" });
        text.append(link);
      }
    }
    const time = element("time", "when", new Date(entry.at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
    time.dateTime = new Date(entry.at * 1000).toISOString();
    const who = element("p", "who", element("bdi", "", entry.name));
    who.style.setProperty("--hue", entry.hue);
    line = element("div", entry.by === you ? "line own" : "line", who, text, time);
    this.drawn.set(entry, line);
    return line;
  }
}
