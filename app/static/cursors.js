// Shows where the others point: one small arrow with a name each, moved smoothly by the style sheet.

import { toPixel } from "./view.js";

const ARROW = "M2 1 L2 17 L6.4 12.800 L9.400 19.400 L12 18.200 L9 11.800 L15 11.400 Z";
const SVG = "http://www.w3.org/2000/svg";

export class CursorLayer {
  constructor(element) {
    Object.assign(this, { element, shown: new Map(), drawn: {} });
  }

  /** Our own is shown only while it is moved by keys, since the mouse shows itself (the style sheet decides). */
  draw({ cursors, members, n: own }, view) {
    const { drawn } = this;
    if (drawn.cursors === cursors && drawn.members === members && drawn.view === view) return;
    if (drawn.view !== view) this.element.classList.add("still"); // they move with the sheet, not after it
    else this.element.classList.remove("still");
    this.drawn = { cursors, members, view };
    for (const [n, { element }] of this.shown) {
      if (cursors.has(n) && members.has(n)) continue;
      element.remove();
      this.shown.delete(n);
    }
    for (const [n, cursor] of cursors) {
      const member = members.get(n);
      if (!member) continue;
      let one = this.shown.get(n);
      if (!one) this.shown.set(n, (one = { element: newCursor(this.element) }));
      if (one.member !== member) {
        one.member = member;
        one.element.style.setProperty("--hue", member.hue);
        one.element.classList.toggle("own", n === own);
        one.element.lastElementChild.textContent = member.name;
      }
      if (one.cursor === cursor && one.view === view) continue;
      Object.assign(one, { cursor, view });
      const { x, y } = toPixel(view, cursor);
      one.element.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
      const flipped = x > view.width - 140;
      if (flipped !== one.flipped) one.element.classList.toggle("flipped", (one.flipped = flipped));
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
