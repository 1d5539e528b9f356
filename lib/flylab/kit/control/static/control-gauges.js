// The gauges: numbers of the last minute, where each comes from, and how it went.

import { count, draw, make, ms, say } from "./control-elements.js";

const POINTS = 90; // of a gauge's line, one for each second
const NONE = "–";

function money(usd) {
  return usd < 0.1 ? `${(100 * usd).toFixed(usd && usd < 0.01 ? 2 : 1)} ¢/h` : `$${usd.toFixed(2)}/h`;
}

/** Key, name, value, what is said of it, and the number for the line. */
export function tiles(g) {
  const n = `n ${(g.n ?? 0).toLocaleString("en")} in ${Math.round(g.span_s || 60)} s`;
  const [some, many] = [g.p50_ms != null, g.p99_ms != null];
  const priced = g.unpriced ? `${g.unpriced} without price` : "published prices";
  const needed = (g.p99_needs || 1000).toLocaleString("en");
  return [
    ["running", "Running", String(g.running), `of ${count(g.machines, "machine")}`, g.running],
    ["money", "Money", money(g.usd_per_hour), priced, g.usd_per_hour],
    ["rate", "Requests", `${g.requests_per_s}/s`, count(g.open || 0, "open pipe"), g.requests_per_s],
    ["p50", "p50", some ? ms(g.p50_ms) : NONE, some ? `${ms(g.p50_configured_ms || 0)} configured` : n, g.p50_ms],
    ["p99", "p99", many ? ms(g.p99_ms) : NONE, many ? n : `${n}; needs ${needed}`, g.p99_ms],
    ["errors", "Errors", String(g.errors), n, g.errors],
  ];
}

export class Gauges {
  constructor() {
    this.element = make("dl", { class: "fl-gauges" });
    this.forget();
  }

  /** Begin all lines anew. */
  forget() {
    this.lines = {};
  }

  show(gauges, at) {
    if (gauges.machines === undefined) return;
    for (const [key, title, value, note, number] of tiles(gauges)) {
      const tile = this.element.querySelector(`[data-gauge="${key}"]`) || this.#tile(key, title);
      say(tile.querySelector(".fl-value"), value);
      say(tile.querySelector(".fl-note"), note);
      this.#line(tile, key, Math.floor(at), number);
    }
    const share = gauges.p50_ms ? Math.min(1, (gauges.p50_configured_ms || 0) / gauges.p50_ms) : 0;
    const tile = this.element.querySelector('[data-gauge="p50"]');
    tile.style.setProperty("--fl-share", `${100 * share}%`);
    tile.classList.toggle("fl-has", gauges.p50_ms != null);
  }

  #tile(key, title) {
    const line = draw("svg", { viewBox: `0 0 ${POINTS} 20`, preserveAspectRatio: "none" }, draw("polyline"));
    const bar = make("i", { class: "fl-share", title: "hatched: configured, an input; solid: measured" });
    const picture = make("dd", { class: "fl-picture", "aria-hidden": "true" }, key === "p50" ? bar : line);
    const words = [make("dd", { class: "fl-value" }), make("dd", { class: "fl-note" })];
    const tile = make("div", { "data-gauge": key }, make("dt", { text: title }), ...words, picture);
    this.element.append(tile);
    return tile;
  }

  #line(tile, key, second, number) {
    const line = (this.lines[key] ||= { second: 0, values: [] });
    if (second === line.second || number == null) return;
    line.second = second;
    line.values.push(number);
    if (line.values.length > POINTS) line.values.shift();
    const most = Math.max(...line.values, 1e-9);
    const from = POINTS - line.values.length;
    const points = line.values.map((value, place) => `${from + place},${(19 - (17 * value) / most).toFixed(1)}`);
    tile.querySelector("polyline")?.setAttribute("points", points.join(" "));
  }
}
