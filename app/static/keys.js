// What the keys do over the sheet; help.js tells people.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const PAN = 80; // pixels that Space and an arrow key move the view by
const NEARER = 1.25;

export const TOOL_KEYS = { v: "select", p: "pen", r: "rect", o: "ellipse", l: "line", a: "arrow", n: "note", t: "text" };

export class Keys {
  /** `page` offers `allowed()`, `undo()`, `redo()`, `toggleGrid()`, `help()` and `content()` (the box around all shapes, or null). */
  constructor({ sheet, stage, camera, page }) {
    Object.assign(this, { sheet, stage, camera, page });
    document.addEventListener("keydown", (event) => this.down(event));
  }

  /** Letters count over the sheet alone; undo, redo, delete and ? everywhere but where somebody writes. */
  down(event) {
    this.sheet.toggleAttribute("data-pointer", false);
    if (event.defaultPrevented || event.target.closest("input, textarea, select, dialog")) return;
    const over = this.sheet.contains(event.target);
    const act = this.command(event) ?? (over ? this.plain(event) : null);
    if (!act) return;
    event.preventDefault();
    act();
  }

  command(event) {
    const { stage, page } = this;
    const key = event.key.toLowerCase();
    if (key === "?") return () => page.help();
    if (!page.allowed()) return null;
    if (key === "delete") return () => stage.remove();
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return null;
    if (ARROWS[event.key] && this.sheet.contains(event.target)) return () => stage.grow(ARROWS[event.key]);
    if (key === "z") return () => (event.shiftKey ? page.redo() : page.undo());
    return { y: () => page.redo(), a: () => stage.all(), d: () => stage.duplicate() }[key] ?? null;
  }

  plain(event) {
    const { stage, camera, page } = this;
    const { key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return null;
    if (key === " ") return () => camera.hold(true);
    if (ARROWS[key] && camera.space) return () => camera.pan(...ARROWS[key].map((way) => -way * PAN));
    if (ARROWS[key]) return () => stage.nudge(ARROWS[key], event.shiftKey);
    const looking = {
      "+": () => camera.zoom(NEARER), "=": () => camera.zoom(NEARER), "-": () => camera.zoom(1 / NEARER), 0: () => camera.home(),
      1: () => { if (page.content()) camera.fit(page.content()); }, g: () => page.toggleGrid(), Escape: () => stage.escape(),
      "]": () => stage.next(1), "[": () => stage.next(-1),
    }[key];
    if (looking || !page.allowed()) return looking ?? null;
    if (TOOL_KEYS[key.toLowerCase()]) return () => stage.choose(TOOL_KEYS[key.toLowerCase()]);
    return {
      Enter: () => stage.press(event.shiftKey), Backspace: () => stage.remove(), ",": () => stage.turn(-1), ".": () => stage.turn(1),
      "{": () => stage.back(), "}": () => stage.front(),
    }[key] ?? null;
  }
}
