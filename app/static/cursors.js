// Shows where the others point: one small arrow with a name each, moved smoothly by the style sheet.

import { SHEET } from "./geometry.js";

const ARROW = "M2 1 L2 17 L6.4 12.800 L9.400 19.400 L12 18.200 L9 11.800 L15 11.400 Z";
const SVG = "http://www.w3.org/2000/svg";

export class CursorLayer {
  constructor(element) {
    this.element = element;
    this.shown = new Map();
    this.drawn = { cursors: null, members: null };
  }

  /** Our own is shown only while it is moved by keys, since the mouse shows itself (the style sheet decides). */
  draw({ cursors, members, n: own }) {
    if (this.drawn.cursors === cursors && this.drawn.members === members) return;
    this.drawn = { cursors, members };
    for (const [n, cursor] of this.shown) {
      if (cursors.has(n) && members.has(n)) continue;
      cursor.remove();
      this.shown.delete(n);
    }
    for (const [n, { x, y }] of cursors) {
      const member = members.get(n);
      if (!member) continue;
      let cursor = this.shown.get(n);
      if (!cursor) this.shown.set(n, (cursor = newCursor(this.element)));
      cursor.classList.toggle("own", n === own);
      cursor.style.setProperty("--hue", member.hue);
      cursor.style.setProperty("--x", x / SHEET.width + 0.5);
      cursor.style.setProperty("--y", y / SHEET.height + 0.5);
      cursor.classList.toggle("flipped", x > 0.35 * SHEET.width);
      const label = cursor.lastElementChild;
      if (label.textContent !== member.name) label.textContent = member.name;
    }
  }
}

function newCursor(layer) {
  const cursor = document.createElement("div");
  cursor.className = "cursor";
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 18 21");
  const arrow = document.createElementNS(SVG, "path");
  arrow.setAttribute("d", ARROW);
  svg.append(arrow);
  cursor.append(svg, document.createElement("span"));
  layer.append(cursor);
  return cursor;
}
