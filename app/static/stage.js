// The sheet that everybody draws on: turns pointer, keys and typing into gestures of tools.js, and tells the page what came of it.

import { SHEET, place, textSize } from "./geometry.js";
import { above, ordered } from "./document.js";
import { TOOLS, begin, removal, shift } from "./tools.js";
import { clean } from "./words.js";

const STEP = 16; // units that an arrow key moves by; with shift a quarter
const KEYS = { v: "select", p: "pen", r: "rect", o: "ellipse", n: "note", t: "text" };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Stage {
  /**
   * `sheet` takes pointer and keys, `editor` is the text field that lies over it. The page is told through `point(at)`,
   * `draft(changes)`, `edit(changes)`, `select(ids)`, `undo()`, `redo()` and `chosen(tool)`, and asked for `shapes()`,
   * `selection()`, `colours()`, `allowed()` and `id()`.
   */
  constructor({ sheet, editor, page }) {
    Object.assign(this, { sheet, editor, page, tool: "select", gesture: null, at: { x: 0, y: 0 }, written: null });
    sheet.addEventListener("pointerdown", (event) => this.down(event));
    sheet.addEventListener("pointermove", (event) => this.moved(event));
    sheet.addEventListener("pointerup", (event) => this.up(event));
    sheet.addEventListener("pointercancel", () => this.cancel());
    sheet.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") page.point(null); });
    sheet.addEventListener("dblclick", () => { if (this.tool === "select") this.writeSelected(); });
    sheet.addEventListener("blur", () => page.point(null));
    sheet.addEventListener("keydown", (event) => this.key(event));
    editor.addEventListener("input", () => page.draft(this.writing()));
    editor.addEventListener("blur", () => this.finishWriting());
    editor.addEventListener("keydown", (event) => {
      const done = event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey));
      if (done) sheet.focus({ preventScroll: true });
      event.stopPropagation();
    });
  }

  choose(tool) {
    this.tool = TOOLS.includes(tool) ? tool : "select";
    this.page.chosen(this.tool);
  }

  down(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    event.preventDefault(); // no text is selected by dragging; focus is ours to give
    this.sheet.focus({ preventScroll: true });
    this.follow(event);
    if (!this.page.allowed()) return;
    this.sheet.setPointerCapture(event.pointerId);
    this.start(event.shiftKey);
  }

  moved(event) {
    if (!event.isPrimary) return;
    // A pen draws through every place that the pointer passed, not only those that were in time for a frame.
    const passed = this.gesture ? event.getCoalescedEvents?.() ?? [] : [];
    for (const one of passed.slice(0, -1)) this.gesture.move(this.where(one));
    this.follow(event);
    if (this.gesture) this.page.draft(this.gesture.move(this.at));
  }

  up(event) {
    if (!event.isPrimary || !this.gesture) return;
    this.follow(event);
    this.finish();
  }

  where(event) {
    const box = this.sheet.getBoundingClientRect();
    return place((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  }

  follow(event) {
    this.at = this.where(event);
    this.page.point(this.at);
  }

  start(more) {
    const shapes = this.page.shapes();
    this.gesture = begin(this.tool, this.at, {
      shapes: ordered(shapes), selection: this.page.selection(), more, id: this.page.id(), z: above(shapes), colours: this.page.colours(),
    });
    if (this.gesture.selection) this.page.select(this.gesture.selection);
  }

  finish() {
    const { gesture, tool } = this;
    this.gesture = null;
    const changes = gesture.end(this.at);
    if (changes.length) this.page.edit(changes);
    else this.page.draft([]);
    if (gesture.write) this.write(gesture.write);
    if (gesture.makes) {
      this.page.select([gesture.makes]);
      if (tool === "note") this.writeSelected();
    }
    if (tool !== "pen") this.choose("select");
  }

  cancel() {
    this.gesture = null;
    this.page.draft([]);
  }

  key(event) {
    const { key } = event;
    const command = event.ctrlKey || event.metaKey;
    if (command && key.toLowerCase() === "z") this.act(event, event.shiftKey ? "redo" : "undo");
    else if (command && key.toLowerCase() === "y") this.act(event, "redo");
    else if (command || event.altKey) return;
    else if (key === "Delete" || key === "Backspace") this.act(event, "remove");
    else if (key === "Escape") this.act(event, "escape");
    else if (key === "Enter" || key === " ") this.act(event, "press", event.shiftKey);
    else if (ARROWS[key]) this.act(event, "nudge", ARROWS[key].map((way) => way * (event.shiftKey ? STEP / 4 : STEP)));
    else if (KEYS[key.toLowerCase()]) this.act(event, "choose", KEYS[key.toLowerCase()]);
  }

  /** Taking back and removing work from everywhere on the page but where somebody writes. */
  keyElsewhere(event) {
    if (event.defaultPrevented || event.target.closest("input, textarea, select, dialog") || this.sheet.contains(event.target)) return;
    if (event.ctrlKey || event.metaKey || event.key === "Delete") this.key(event);
  }

  act(event, what, ...how) {
    event.preventDefault();
    this[what](...how);
  }

  undo() {
    if (this.page.allowed()) this.page.undo();
  }

  redo() {
    if (this.page.allowed()) this.page.redo();
  }

  remove() {
    const selection = this.page.selection().filter((id) => this.page.shapes().has(id));
    if (!selection.length || !this.page.allowed()) return;
    this.page.edit(removal(selection));
    this.page.select([]);
  }

  escape() {
    if (this.gesture) this.cancel();
    else if (this.tool !== "select") this.choose("select");
    else this.page.select([]);
  }

  /** The keyboard's click: what is selected is written on, else the tool is used where the arrow keys went. */
  press(more) {
    if (!this.page.allowed()) return;
    if (this.tool === "select" && !more && this.writeSelected()) return;
    if (this.tool === "pen") return;
    this.page.point(this.at);
    this.start(more);
    this.finish();
  }

  /** Arrow keys move what is selected, else our pointer. */
  nudge([dx, dy]) {
    const shapes = this.page.shapes();
    const held = this.page.selection().filter((id) => shapes.has(id)).map((id) => shapes.get(id));
    if (held.length && this.tool === "select" && this.page.allowed()) return this.page.edit(shift(held, dx, dy));
    this.at = place((this.at.x + dx) / SHEET.width + 0.5, (this.at.y + dy) / SHEET.height + 0.5);
    this.page.point(this.at);
  }

  /** Open the text field on the one shape that is selected, if it can have text. */
  writeSelected() {
    const [id, ...others] = this.page.selection();
    const shape = this.page.shapes().get(id);
    if (!shape || others.length || !["note", "text", "rect", "ellipse"].includes(shape.kind) || !this.page.allowed()) return false;
    this.write(shape);
    return true;
  }

  write(shape) {
    this.finishWriting();
    this.written = shape;
    const { editor } = this;
    editor.value = shape.text ?? "";
    editor.hidden = false;
    const size = shape.kind === "text" ? { w: 480, h: 80 } : shape;
    const at = { x: shape.x / SHEET.width + 0.5, y: shape.y / SHEET.height + 0.5, w: size.w / SHEET.width, h: size.h / SHEET.height };
    for (const [name, value] of Object.entries(at)) editor.style.setProperty(`--${name}`, value);
    editor.focus({ preventScroll: true });
  }

  /** What the text field makes of its shape, as changes; a text without letters is no shape. */
  writing() {
    const { written: shape } = this;
    const text = clean(this.editor.value);
    if (text === (shape.text ?? "")) return [];
    if (shape.kind !== "text") return [{ id: shape.id, set: { text } }];
    const known = this.page.shapes().has(shape.id) && shape.text !== undefined;
    if (!text) return known ? [{ id: shape.id, gone: true }] : [];
    const { id, x, y, z, kind } = shape;
    return [{ id, set: known ? { text, ...textSize(text) } : { kind, x, y, z, text, ...textSize(text) } }];
  }

  finishWriting() {
    if (!this.written) return;
    const changes = this.writing();
    this.written = null;
    this.editor.hidden = true;
    if (changes.length) this.page.edit(changes);
    else this.page.draft([]);
  }
}
