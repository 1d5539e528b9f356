// The shared area: sends where we point, shows where the others do. Coordinates are fractions of the area.

const SEND_EVERY = 33; // ms, the room's own tick
const STEP = 0.02;

const ARROW = "M2 1 L2 17 L6.4 12.800 L9.400 19.400 L12 18.200 L9 11.800 L15 11.400 Z";

export class Area {
  constructor(element, layer, { point }) {
    this.element = element;
    this.layer = layer;
    this.point = point;
    this.at = null;
    this.sentAt = 0;
    this.timer = null;
    this.shown = new Map();
    element.addEventListener("pointermove", (event) => this.follow(event));
    element.addEventListener("pointerdown", (event) => this.follow(event));
    element.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") this.move(null); });
    element.addEventListener("blur", () => this.move(null));
    element.addEventListener("keydown", (event) => this.key(event));
  }

  follow(event) {
    const box = this.element.getBoundingClientRect();
    this.move({ x: fraction((event.clientX - box.left) / box.width), y: fraction((event.clientY - box.top) / box.height) });
  }

  key(event) {
    const [dx, dy] = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key] ?? [];
    if (dx === undefined) return;
    event.preventDefault();
    const { x, y } = this.at ?? { x: 0.5, y: 0.5 };
    this.move({ x: fraction(x + dx), y: fraction(y + dy) });
  }

  /** Remember where we point and tell the room, at most once a tick; the last position always arrives. */
  move(at) {
    this.at = at;
    const now = performance.now();
    if (this.timer !== null) return;
    const pause = Math.max(0, this.sentAt + SEND_EVERY - now);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.sentAt = performance.now();
      this.point(this.at);
    }, pause);
  }

  /** Draw everybody's cursor; our own only while it was moved by keys, since the mouse shows itself. */
  draw(cursors, members, you) {
    for (const [id, cursor] of this.shown) {
      if (!cursors[id] || !members[id]) {
        cursor.remove();
        this.shown.delete(id);
      }
    }
    for (const [id, { x, y }] of Object.entries(cursors)) {
      const member = members[id];
      if (!member) continue;
      let cursor = this.shown.get(id);
      if (!cursor) {
        cursor = newCursor();
        this.shown.set(id, cursor);
        this.layer.append(cursor);
      }
      cursor.classList.toggle("own", id === you);
      cursor.style.setProperty("--hue", member.hue);
      cursor.style.left = `${x * 100}%`;
      cursor.style.top = `${y * 100}%`;
      cursor.classList.toggle("flipped", x > 0.85);
      const label = cursor.lastElementChild;
      if (label.textContent !== member.name) label.textContent = member.name;
    }
  }
}

function newCursor() {
  const cursor = document.createElement("div");
  cursor.className = "cursor";
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 18 21");
  const arrow = document.createElementNS("http://www.w3.org/2000/svg", "path");
  arrow.setAttribute("d", ARROW);
  svg.append(arrow);
  const label = document.createElement("span");
  cursor.append(svg, label);
  return cursor;
}

function fraction(value) {
  return Math.min(1, Math.max(0, Math.round(value * 10_000) / 10_000));
}
