// Draws the chat, the people and the way here from a room's state; keeps nothing but what is on the page.

import { placeName } from "./regions.js";
import { waiting } from "./room.js";
import { pieces, roundTrip } from "./words.js";

/** A DOM element with text or children; text is always text, never markup. */
export function element(tag, className, ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

export class ChatPanel {
  constructor(list) {
    this.list = list;
    this.drawn = new WeakMap(); // entry → its line
    this.seen = {};
  }

  draw(state) {
    const { doc: { chat }, pending, stored, you, afresh } = state;
    if (chat === this.seen.chat && pending === this.seen.pending && stored === this.seen.stored) return;
    const atEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
    const ours = waiting(state).filter((one) => one.t === "say");
    const wrote = ours.length > 0 && pending !== this.seen.pending;
    this.seen = { chat, pending, stored };
    const lines = chat.map((entry) => {
      const line = this.line(entry, you);
      line.classList.toggle("tentative", entry.seq > stored);
      return line;
    });
    if (afresh) lines.unshift(element("li", "divider", "The room started afresh here: what was before lived in the memory of a machine that is gone."));
    lines.push(...ours.map((one) => element("li", "line own tentative", element("p", "text", one.text), element("p", "when", "sending…"))));
    if (!lines.length) lines.push(element("li", "divider", "Nothing has been said yet."));
    const wanted = new Set(lines);
    for (const child of [...this.list.children]) if (!wanted.has(child)) child.remove();
    lines.forEach((line, n) => { if (this.list.children[n] !== line) this.list.insertBefore(line, this.list.children[n] ?? null); });
    if (atEnd || wrote) this.list.scrollTop = this.list.scrollHeight;
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
    line = element("li", entry.by === you ? "line own" : "line", who, text, time);
    this.drawn.set(entry, line);
    return line;
  }
}

export class PeoplePanel {
  constructor(list, count) {
    Object.assign(this, { list, count, members: null });
  }

  draw({ members, n: own }) {
    if (members === this.members) return;
    this.members = members;
    this.count.textContent = members.size || "";
    this.list.replaceChildren(...[...members.values()].map((member) => {
      const name = element("span", "who", element("bdi", "", member.name));
      name.style.setProperty("--hue", member.hue);
      if (member.n === own) name.append(element("span", "you", "you"));
      if (member.role === "view") name.append(element("span", "you", "looks on"));
      const where = element("span", "quiet", [member.region && placeName(member.region), member.rtt && roundTrip(member.rtt)].filter(Boolean).join(" · "));
      return element("li", "", name, where);
    }));
  }
}

/** The stations of this connection, as far as the proxy told them. */
export class PathPanel {
  constructor(list) {
    Object.assign(this, { list, path: undefined });
  }

  draw({ path, machine, region }) {
    if (path === this.path) return;
    this.path = path;
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
    this.list.replaceChildren(...stations);
  }
}
