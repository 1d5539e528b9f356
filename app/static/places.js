// A small map of the world: where the room is, and where its members came in.

import { element } from "./panels.js";
import { city, position } from "./regions.js";

const SVG = "http://www.w3.org/2000/svg";

function drawn(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

export class PlacesPanel {
  constructor(figure) {
    Object.assign(this, { figure, known: null });
    const land = Object.assign(document.createElement("img"), { src: "/static/world.svg", alt: "" });
    this.map = drawn("svg", { viewBox: "0 0 360 140", "aria-hidden": "true" });
    this.text = element("figcaption", "quiet");
    figure.append(land, this.map, this.text);
  }

  draw({ members, region, n: own }) {
    if (this.known && this.known.members === members && this.known.region === region) return;
    this.known = { members, region };
    const counts = new Map();
    for (const [n, member] of members) {
      const here = counts.get(member.region) ?? { hues: [], own: false };
      here.hues.push(member.hue);
      here.own ||= n === own;
      counts.set(member.region, here);
    }
    const room = position(region);
    const parts = [];
    for (const [code, { hues, own: mine }] of counts) {
      const at = position(code);
      if (!at) continue;
      if (room && code !== region) parts.push(drawn("path", { class: mine ? "way own" : "way", d: `M${at.x} ${at.y}Q${(at.x + room.x) / 2} ${Math.min(at.y, room.y) - 14} ${room.x} ${room.y}` }));
      const dot = drawn("circle", { cx: at.x, cy: at.y, r: Math.min(7, 3 + hues.length * 0.4) });
      dot.style.setProperty("--hue", hues[0]);
      dot.append(Object.assign(drawn("title", {}), { textContent: `${hues.length} in ${city(code)}` }));
      parts.push(dot);
    }
    if (room) parts.push(drawn("circle", { class: "home", cx: room.x, cy: room.y, r: 8 }));
    this.map.replaceChildren(...parts);
    const where = [...counts].map(([code, { hues }]) => `${hues.length} ` + (code ? `in ${city(code)}` : "without an edge")).join(", ");
    this.text.textContent = region ? `The room (ring) is in ${city(region)}; members: ${where || "nobody"}.` : "";
  }
}
