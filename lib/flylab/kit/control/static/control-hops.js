// The waterfall of one exchange: a row for each hop, ways that were configured hatched, what was measured solid.

import { legend, make, ms } from "./control-elements.js";
import { segments } from "./control-exchange.js";

const PIECES = {
  out: "way there (configured)",
  wake: "waking (measured)",
  own: "our own time (measured)",
  back: "way back (configured)",
};
const SIGNS = [
  ["fl-key fl-piece fl-out", "configured, an input"],
  ["fl-key fl-piece fl-wake", "waking, measured"],
  ["fl-key fl-piece fl-own", "our own, measured"],
];

export class Hops {
  constructor() {
    this.element = make("div", { class: "fl-detail" });
    this.record = undefined;
    this.show(null);
  }

  show(record) {
    if (record === this.record) return;
    this.record = record;
    if (!record) {
      const words = "Choose an exchange to see its hops.";
      this.element.replaceChildren(make("p", { class: "fl-quiet", text: words }));
      return;
    }
    const hops = record.hops || [];
    // A pipe stays open long after its last hop has begun: what is drawn is how it came about.
    const until = record.status === 101 ? 0 : record.total_ms || 0;
    const end = Math.max(0.001, until, ...hops.map((hop) => ended(record, hop)));
    const head = ["Hop", "Time", "Took", "Ended"].map((text) => make("th", { scope: "col", text }));
    const rows = hops.map((hop) => row(record, hop, end));
    this.element.replaceChildren(
      make("h4", { text: `${record.method} ${record.path}` }),
      make("p", { class: "fl-quiet", text: about(record, hops) }),
      hops.length
        ? make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows))
        : make("p", { text: "It came to no machine." }),
      legend("Signs of the hops", SIGNS),
    );
  }
}

function about(record, hops) {
  const configured = hops.reduce((sum, hop) => sum + (hop.configured_ms || 0), 0);
  const answer = `${record.status ?? "no answer"}${record.code ? ` ${record.code}` : ""}`;
  const took = `${ms(record.total_ms || 0)}, of which ${ms(configured)} configured`;
  const pipe = record.open ? "a pipe that is open" : `a pipe that was open for ${ms(record.total_ms || 0)}`;
  return [record.app || "no app", `from ${record.edge}`, answer, record.status === 101 ? pipe : took].join(" · ");
}

/** When a hop had come to an answer; of a pipe's last one that was long before its end. */
function ended(record, hop) {
  const end = hop.ended_ms || 0;
  if (record.status !== 101 || record.open || hop.outcome === "replay") return end;
  const ready = hop.woke?.reachable_ms ?? hop.started_ms;
  return Math.min(end, record.opened_ms ?? ready + (hop.configured_ms || 0)); // the least it can have been
}

function row(record, hop, end) {
  const shown = { ...hop, ended_ms: ended(record, hop) };
  const track = make("div", { class: "fl-track" });
  for (const piece of segments(shown)) {
    const bar = make("i", { class: `fl-piece fl-${piece.kind}`, title: `${PIECES[piece.kind]}: ${ms(piece.ms)}` });
    bar.style.left = `${(100 * piece.start) / end}%`;
    bar.style.width = `max(2px, ${(100 * piece.ms) / end}%)`;
    track.append(bar);
  }
  const why = hop.woke ? `${hop.cause}, woken` : hop.cause;
  const outcome = hop.code || hop.outcome || (record.open ? "open" : "");
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, make("b", { text: hop.region }), ` ${why}`),
    make("td", {}, track),
    make("td", { class: "fl-num", text: ms(Math.max(0, shown.ended_ms - (hop.started_ms || 0))) }),
    make("td", { text: outcome }),
  );
}
