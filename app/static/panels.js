// Draws the chat, the people and the way here from a room's state; keeps nothing but what is on the page.

import { placeName } from "./regions.js";
import { pieces } from "./words.js";

/** A DOM element with text or children; text is always text, never markup. */
function element(tag, className, ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

export class ChatPanel {
  constructor(list) {
    this.list = list;
    this.entries = null;
    this.pending = null;
    this.drawn = new Map();
  }

  draw(state) {
    const { entries, pending, stored, you, afresh } = state;
    if (entries === this.entries && pending === this.pending && stored === this.stored) return;
    const atEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
    Object.assign(this, { entries, pending, stored });
    const lines = entries.map((entry) => this.line(state.log, entry, you));
    for (const [n, entry] of entries.entries()) lines[n].classList.toggle("tentative", entry.seq > stored);
    if (afresh) lines.unshift(element("li", "divider", "The room started afresh here: what was said before lived in the memory of a machine that is gone."));
    for (const one of pending) {
      lines.push(element("li", "line own tentative", element("p", "text", one.text), element("p", "when", "sending…")));
    }
    if (!lines.length) lines.push(element("li", "divider", "Nothing has been said yet."));
    const wanted = new Set(lines);
    for (const child of [...this.list.children]) if (!wanted.has(child)) child.remove();
    lines.forEach((line, n) => { if (this.list.children[n] !== line) this.list.insertBefore(line, this.list.children[n] ?? null); });
    if (atEnd || pending.length) this.list.scrollTop = this.list.scrollHeight;
  }

  line(log, entry, you) {
    const key = `${log} ${entry.seq}`;
    let line = this.drawn.get(key);
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
    line = element("li", entry.by === you ? "line own" : "line", who, text, time);
    this.drawn.set(key, line);
    return line;
  }
}

export function drawPeople(list, count, state) {
  const members = Object.values(state.members);
  count.textContent = members.length || "";
  list.replaceChildren(...members.map((member) => {
    const name = element("span", "who", element("bdi", "", member.name));
    name.style.setProperty("--hue", member.hue);
    const region = element("span", "quiet", member.region ? placeName(member.region) : "");
    const item = element("li", "", name, region);
    if (member.id === state.you) name.append(element("span", "you", "you"));
    return item;
  }));
}

/** The stations of this connection, as far as the proxy told them. */
export function drawPath(list, state) {
  const { path, machine, region } = state;
  const stations = [];
  const station = (className, what, where) => stations.push(element("li", className, element("span", "what", what), element("span", "where", where)));
  station("", "You", "this browser");
  if (!path) station("later", "…", "on the way");
  else {
    if (path.edge) station("", "Edge", placeName(path.edge));
    if (path.replayed_from) station("passed", "Answered “fly-replay”", `${path.replayed_from} in ${placeName(path.replayed_region)}`);
    station("end", "Holds the room", `${machine} in ${placeName(region)}`);
    if (!path.edge) stations.push(element("li", "aside", "No proxy in between: nothing had to be replayed."));
    else if (!path.replayed_from) stations.push(element("li", "aside", "The edge chose the right machine at once: nothing had to be replayed."));
  }
  list.replaceChildren(...stations);
}
