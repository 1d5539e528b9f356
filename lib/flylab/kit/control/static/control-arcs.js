// Arcs that move over the map, on a canvas that is only drawn while there are any.

import { curve, part } from "./control-places.js";

const TRAVEL = 900; // ms from end to end; slower than any request, so that it can be seen. Our choice
const FADE = 700;
const FOLLOW = 350; // ms after the hop before
const MOST = 90; // arcs at once: what a computer without a graphics card draws with ease

export class Arcs {
  constructor(canvas, { still }) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.still = still;
    this.arcs = [];
    this.places = new Map();
    this.width = 0;
    this.radius = 12;
    this.running = 0;
    this.seen = true;
    this.drawn = 0; // frames, for whoever measures
  }

  resize(width, height, radius, places) {
    const scale = Math.min(globalThis.devicePixelRatio || 1, 2);
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(height * scale);
    this.context.setTransform(scale, 0, 0, scale, 0, 0);
    Object.assign(this, { width, height, radius, places });
    this.arcs = [];
  }

  add(arcs) {
    if (!this.seen || globalThis.document.hidden) return;
    const now = performance.now();
    for (const arc of arcs) {
      const [a, b] = [this.places.get(arc.from), this.places.get(arc.to)];
      if (!a || !b) continue;
      const born = now + (this.still ? 0 : FOLLOW * ((arc.hop || 1) - 1));
      const way = arc.from === arc.to ? null : curve(a, b, this.width);
      this.arcs.push({ kind: arc.kind, way, b, born, line: 1.6 + Math.min(2, Math.log2(arc.n || 1) / 2) });
    }
    if (this.arcs.length > MOST) this.arcs.splice(0, this.arcs.length - MOST);
    this.start();
  }

  start() {
    if (this.running || !this.arcs.length) return;
    const style = getComputedStyle(this.canvas);
    const colour = (kind) => [kind, style.getPropertyValue(`--fl-${kind}`).trim() || "#888"];
    this.colours = Object.fromEntries(["serve", "replay", "wake", "refuse"].map(colour));
    const step = (now) => {
      this.running = 0;
      this.draw(now);
      if (this.arcs.length && this.seen) this.running = requestAnimationFrame(step);
    };
    this.running = requestAnimationFrame(step);
  }

  stop() {
    cancelAnimationFrame(this.running);
    this.running = 0;
    this.arcs = [];
  }

  draw(now) {
    const { context } = this;
    const life = TRAVEL + FADE;
    this.drawn += 1;
    this.arcs = this.arcs.filter((arc) => now - arc.born < life);
    context.clearRect(0, 0, this.width, this.height);
    context.lineCap = "round";
    for (const arc of this.arcs) {
      const age = now - arc.born;
      if (age < 0) continue;
      context.strokeStyle = context.fillStyle = this.colours[arc.kind];
      context.lineWidth = arc.line;
      context.setLineDash(arc.kind === "refuse" ? [5, 4] : arc.kind === "replay" ? [9, 4] : []);
      if (this.still) this.#whole(arc, 0.8);
      else this.#moving(arc, age);
    }
    context.globalAlpha = 1;
  }

  #moving(arc, age) {
    const gone = Math.min(1, age / TRAVEL);
    const t = gone < 0.5 ? 2 * gone * gone : 1 - 2 * (1 - gone) * (1 - gone);
    const left = Math.max(0, Math.min(1, (age - TRAVEL) / FADE)); // how much of the fading is over
    if (arc.way) {
      if (left > 0) this.#stroke(arc.way, 0, 1, 0.55 * (1 - left));
      else {
        this.#stroke(arc.way, 0, t, 0.3);
        this.#stroke(arc.way, Math.max(0, t - 0.25), t, 0.9);
        const [, , head] = part(arc.way, t, t);
        this.context.setLineDash([]);
        this.context.globalAlpha = 1;
        for (const shift of arc.way.shifts) this.#dot(head.x + shift, head.y, arc.line + 1);
      }
    }
    const rings = arc.way ? left : gone;
    if (rings > 0 && rings < 1 && (arc.kind !== "serve" || !arc.way)) this.#ring(arc, rings);
  }

  #whole(arc, alpha) {
    if (arc.way) this.#stroke(arc.way, 0, 1, alpha);
    else this.#ring(arc, 0.3);
  }

  #stroke(way, from, to, alpha) {
    const { context } = this;
    const [p, q, r] = part(way, from, to);
    context.globalAlpha = alpha;
    for (const shift of way.shifts) {
      context.beginPath();
      context.moveTo(p.x + shift, p.y);
      context.quadraticCurveTo(q.x + shift, q.y, r.x + shift, r.y);
      context.stroke();
    }
  }

  #dot(x, y, radius) {
    this.context.beginPath();
    this.context.arc(x, y, radius, 0, 7);
    this.context.fill();
  }

  #ring(arc, share) {
    const { context } = this;
    context.setLineDash([]);
    context.globalAlpha = 0.9 * (1 - share);
    context.beginPath();
    context.arc(arc.b.x, arc.b.y, this.radius + 2 + share * (arc.kind === "serve" ? 8 : 14), 0, 7);
    context.stroke();
  }
}
