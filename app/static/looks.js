// The row over the sheet: colours, width and opacity of what is selected, or of what is drawn next.

import { closable } from "./menus.js";
import { NOTE } from "./paint.js";
import { buttons } from "./toolbar.js";

const menu = (name, title, dot) => `<details class="menu" data-look="${name}"><summary class="button" title="${title}"><span class="dot${dot}"></span></summary><div class="swatches"></div></details>`;
const choice = (name, title, options) => `<select data-look="${name}" title="${title}" aria-label="${title}"><option value="">–</option>${options}</select>`;
const ROW = menu("stroke", "Line colour", " ring") + menu("fill", "Fill colour", "")
  + choice("sw", "Line width", [1, 2, 3, 4, 5, 8, 12, 20].map((width) => `<option>${width}</option>`).join(""))
  + choice("opacity", "Opacity", [100, 75, 50, 25].map((part) => `<option value="${part / 100}">${part}%</option>`).join(""))
  + buttons("act", "on-held", [
    ["front", "To the front (Shift-])", "M4 12h12M4 16h12M10 9V2M7 5l3-3 3 3"], ["back", "To the back (Shift-[)", "M4 4h12M4 8h12M10 11v7M7 15l3 3 3-3"],
    ["duplicate", "Duplicate (Ctrl-D)", "M7 7h10v10H7zM13 7V3H3v10h4"], ["remove", "Delete (Delete)", "M3 5h14M8 5V3h4v2M5 5l1 12h8l1-12M8.5 8v6M11.5 8v6"],
  ]);

/** [colour, name]; "" is the member's own. */
const COLOURS = [
  ["", "Your colour"], ["none", "None"], ["black", "Black, white on a dark sheet"], ["#ffffff", "White"], ["#868e96", "Grey"], ["#e03131", "Red"],
  ["#f08c00", "Orange"], ["#ffd43b", "Yellow"], ["#2f9e44", "Green"], ["#0c8599", "Teal"], ["#1971c2", "Blue"], ["#7048e8", "Violet"], ["#e64980", "Pink"],
];

export class Looks {
  /** `page` offers `palette()` (how the member draws), `held()` (what is selected) and `edit(changes)`. */
  constructor(bar, page) {
    Object.assign(this, { bar, page, next: { stroke: "", fill: "", sw: undefined, opacity: 1 }, shown: null });
    this.dots = {};
    bar.innerHTML = ROW; // ours alone
    const menus = bar.querySelectorAll("details");
    for (const menu of menus) this.swatches(menu, menu.dataset.look);
    closable(menus);
    for (const select of bar.querySelectorAll("select")) {
      select.addEventListener("change", () => { if (select.value) this.set(select.dataset.look, Number(select.value)); });
    }
  }

  /** How a tool draws now. */
  look() {
    const { stroke, fill, sw, opacity } = this.next;
    const own = this.page.palette();
    const text = { ...(stroke ? { fill: stroke === "none" ? "black" : stroke } : {}), ...(opacity === 1 ? {} : { opacity }) };
    return { stroke: stroke || own.stroke, fill: fill || own.fill, note: fill || own.note, sw, opacity, text };
  }

  set(property, value) {
    this.next = { ...this.next, [property]: value };
    const own = this.page.palette();
    const held = this.page.held();
    this.page.edit(held.map(({ id, kind }) => {
      if (property === "stroke" && kind === "text") return { id, set: { fill: value === "none" ? "black" : value || own.stroke } };
      const colour = value === "" ? (property === "fill" && kind === "note" ? own.note : own[property]) : value;
      return { id, set: { [property]: colour } };
    }));
    this.shown = null;
  }

  /** Show the look of the first that is selected, else of what comes next. */
  draw(held) {
    const [first] = held;
    const own = this.page.palette();
    const known = [first, this.next, own.stroke];
    if (this.shown && known.every((one, n) => one === this.shown[n])) return;
    this.shown = known;
    const text = first?.kind === "text";
    const look = first ? {
      stroke: (text ? first.fill : first.stroke) ?? "black", fill: first.fill ?? (first.kind === "note" ? NOTE.fill : "none"), sw: first.sw ?? 2, opacity: first.opacity ?? 1,
    } : { ...this.next, stroke: this.next.stroke || own.stroke, fill: this.next.fill || own.fill };
    for (const [property, dot] of Object.entries(this.dots)) {
      dot.style.setProperty("--dot", look[property] === "black" ? "var(--ink)" : look[property]);
      dot.classList.toggle("none", look[property] === "none");
    }
    for (const select of this.bar.querySelectorAll("select")) {
      const value = look[select.dataset.look];
      select.value = value === undefined ? "" : String(value);
      if (select.selectedIndex < 0) select.value = "";
    }
  }

  swatches(menu, property) {
    const dot = (this.dots[property] = menu.querySelector(".dot"));
    const group = menu.lastElementChild;
    for (const [colour, name] of COLOURS) {
      const button = document.createElement("button");
      Object.assign(button, { title: name });
      button.setAttribute("aria-label", name);
      const swatch = dot.cloneNode();
      swatch.classList.toggle("none", colour === "none");
      swatch.style.setProperty("--dot", colour === "black" ? "var(--ink)" : colour || `var(--own-${property})`);
      button.append(swatch);
      button.addEventListener("click", () => {
        this.set(property, colour);
        menu.open = false;
        menu.firstElementChild.focus();
      });
      group.append(button);
    }
  }
}
