// The list of the last exchanges; it stands still while somebody is about to choose one.

import { make, ms, name, say, stepped } from "./control-elements.js";
import { kind, route } from "./control-exchange.js";

const ROWS = 10;
const SIGNS = { serve: "→", replay: "⤳", wake: "◐", refuse: "✕" };
const NAMES = { serve: "served", replay: "replayed", wake: "woke a machine", refuse: "refused or failed" };

export class Tail {
  /** `choose(id)` is called with the exchange whose row is pressed. */
  constructor({ choose }) {
    this.choose = choose;
    this.rows = [];
    this.shown = "";
    this.fold = null;
    this.chosen = "";
    this.list = make("ol", { class: "fl-tail", "aria-label": "Exchanges, the newest first" });
    this.list.addEventListener("keydown", (event) => {
      const all = this.rows.filter((row) => row.id).map((row) => row.button);
      stepped(event, all, event.target.closest("button"))?.focus();
    });
    this.only = this.#switch("Unusual only", "Show only replays, wakes, upgrades and errors");
    this.hold = this.#switch("Hold", "Let the list stand still");
    const head = make("div", { class: "fl-bar-row" }, make("h3", { text: "Exchanges" }), this.only, this.hold);
    this.note = make("p", { class: "fl-quiet fl-note" });
    this.element = make("div", {}, head, this.note, this.list);
  }

  show(fold, chosen) {
    this.fold = fold;
    this.chosen = chosen;
    const only = this.#pressed(this.only);
    const full = this.rows.length && this.rows.every((row) => row.id) && this.shown === only;
    const busy = this.list.matches(":hover") || this.list.contains(document.activeElement);
    if (full && (busy || this.#pressed(this.hold))) {
      for (const row of this.rows) this.#fill(row, fold.exchanges.get(row.id) || row.record);
      say(this.note, this.#pressed(this.hold) ? "Held." : "The list stands still while you are in it.");
      return;
    }
    this.shown = only;
    const shown = [...fold.exchanges.values()].reverse().filter((record) => !only || unusual(record)).slice(0, ROWS);
    while (this.rows.length < ROWS) this.rows.push(this.#row());
    for (const [number, row] of this.rows.entries()) {
      const record = shown[number];
      row.item.hidden = !record;
      if (record) this.#fill(row, record);
      else [row.id, row.record] = ["", null];
    }
    say(this.note, shown.length ? "" : only ? "Nothing unusual yet." : "No request yet.");
  }

  #pressed(button) {
    return button.getAttribute("aria-pressed") === "true";
  }

  #switch(text, title) {
    const button = make("button", { type: "button", "aria-pressed": "false", text, title });
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(!this.#pressed(button)));
      if (this.fold) this.show(this.fold, this.chosen);
    });
    return button;
  }

  #row() {
    const names = ["fl-sign", "fl-what", "fl-way", "fl-took"];
    const parts = names.map((part) => make("span", { class: part }));
    const button = make("button", { type: "button", "aria-pressed": "false" }, ...parts);
    const row = { item: make("li", {}, button), button, parts, id: "", record: null };
    button.addEventListener("click", () => this.choose(row.id));
    this.list.append(row.item);
    return row;
  }

  #fill(row, record) {
    const look = kind(record);
    const took = record.open ? "open" : ms(record.total_ms || 0);
    [row.id, row.record] = [record.id, record];
    const [sign, what, way, time] = row.parts;
    if (sign.dataset.kind !== look) sign.dataset.kind = look;
    say(sign, SIGNS[look]);
    say(what, `${record.method} ${record.path}`);
    say(way, route(record));
    say(time, took);
    const answer = `status ${record.status ?? "none"}${record.code ? ` ${record.code}` : ""}`;
    name(row.button, `${NAMES[look]}: ${record.method} ${record.path}, ${route(record)}, ${answer}, ${took}`);
    row.button.setAttribute("aria-pressed", String(record.id === this.chosen));
  }
}

function unusual(record) {
  return record.status === 101 || kind(record) !== "serve";
}
