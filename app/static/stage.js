// The sheet that everybody draws on: turns the pointer into gestures of tools.js, and tells the page what came of it.

import { copies, batches, reorder } from "./arrange.js";
import { above, ordered } from "./document.js";
import { union } from "./geometry.js";
import { GRID, MOST_SELECTED, shift } from "./moving.js";
import { frame, handleAt, resizing, rotated, scaled } from "./resizing.js";
import { TOOLS, begin, removal } from "./tools.js";
import { clamp, seen, toPixel } from "./view.js";
import { Writing } from "./writing.js";

const STEP = 16; // units that an arrow key moves by
const TURN = 15; // degrees of a key
const WRITABLE = ["note", "text", "rect", "ellipse"];

export class Stage {
  /**
   * `sheet` takes the pointer, `editor` is the text field that lies over it, `camera` has the view. The page is told through
   * `point(at)`, `draft(changes)`, `edit(changes)`, `select(ids)`, `undo()`, `redo()`, `chosen(tool)` and `redraw()`, and asked for
   * `shapes()`, `selection()`, `look()`, `allowed()`, `grid()` and `id()`.
   */
  constructor({ sheet, editor, camera, page }) {
    Object.assign(this, { sheet, camera, page, tool: "select", gesture: null, at: { x: 0, y: 0 }, small: 4 });
    this.writing = new Writing(editor, { ...page, view: () => camera.view }, () => sheet.focus({ preventScroll: true }));
    sheet.addEventListener("pointerdown", (event) => this.down(event));
    sheet.addEventListener("pointermove", (event) => this.moved(event));
    sheet.addEventListener("pointerup", (event) => this.up(event));
    sheet.addEventListener("pointercancel", () => this.cancel());
    sheet.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") page.point(null); });
    sheet.addEventListener("dblclick", () => { if (this.tool === "select") this.writeSelected(); });
    sheet.addEventListener("blur", () => page.point(null));
    // Who clicks on a tool goes on with the sheet, whose letters then count; who came by keyboard stays.
    sheet.closest(".board").addEventListener("click", (event) => {
      if (event.detail && event.target.closest("button")) sheet.focus({ preventScroll: true });
    });
  }

  choose(tool) {
    this.tool = TOOLS.includes(tool) ? tool : "select";
    this.page.chosen(this.tool);
  }

  get unit() {
    return 1 / this.camera.view.scale;
  }

  /** The selected shapes, from the lowest up. */
  held() {
    const ids = new Set(this.page.selection());
    return ids.size ? ordered(this.page.shapes()).filter((shape) => ids.has(shape.id)) : [];
  }

  down(event) {
    if (this.camera.down(event)) return this.cancel();
    if (event.button !== 0 || !event.isPrimary) return;
    event.preventDefault(); // no text is selected by dragging; focus is ours to give
    this.sheet.focus({ preventScroll: true });
    this.follow(event);
    if (!this.page.allowed()) return;
    this.sheet.setPointerCapture(event.pointerId);
    const touch = event.pointerType === "touch";
    this.start(event.shiftKey, touch ? 14 : 7, touch ? 10 : 4);
  }

  moved(event) {
    if (this.camera.moved(event) || !event.isPrimary) return;
    // A pen draws through every place that the pointer passed, not only those that were in time for a frame.
    const passed = this.gesture ? event.getCoalescedEvents?.() ?? [] : [];
    for (const one of passed.slice(0, -1)) this.gesture.move(this.camera.place(one), keys(one));
    this.follow(event);
    if (this.gesture) this.show(this.gesture.move(this.at, keys(event)));
    else if (event.pointerType === "mouse") this.sheet.dataset.handle = this.handle() ?? "";
  }

  up(event) {
    if (!event.isPrimary || !this.gesture) return;
    this.follow(event);
    this.finish(keys(event));
  }

  follow(event) {
    this.sheet.toggleAttribute("data-pointer", true);
    this.at = this.camera.place(event);
    this.page.point(this.at);
  }

  /** The handle under the pointer. */
  handle(near) {
    if (this.tool !== "select" || !this.page.allowed()) return null;
    const held = this.held();
    return held.length ? handleAt(held, this.at, this.unit, near) : null;
  }

  start(more, near = 7, small = 4) {
    const shapes = this.page.shapes();
    const handle = this.handle(near + 5);
    this.gesture = handle ? resizing(handle, this.at, this.held()) : begin(this.tool, this.at, {
      shapes: ordered(shapes), selection: this.page.selection(), more, id: this.page.id(), z: above(shapes), look: this.page.look(this.tool),
      near: near * this.unit, small: Math.max(1, small * this.unit), seen: seen(this.camera.view), grid: this.page.grid(),
    });
    this.select(this.gesture.selection);
  }

  show(changes) {
    this.select(this.gesture.selection);
    this.page.draft(changes);
    this.page.redraw();
  }

  select(ids) {
    if (ids && ids.join() !== this.page.selection().join()) this.page.select(ids);
  }

  finish(held = {}) {
    const { gesture, tool } = this;
    this.gesture = null;
    const changes = gesture.end(this.at, held);
    if (changes.length) this.page.edit(changes);
    else this.page.draft([]);
    this.select(gesture.selection);
    if (gesture.write) this.writing.begin(gesture.write);
    if (gesture.makes) {
      this.page.select([gesture.makes]);
      if (tool === "note") this.writeSelected();
    }
    if (tool !== "pen") this.choose("select");
    this.page.redraw();
  }

  cancel() {
    if (!this.gesture) return;
    this.gesture = null;
    this.page.draft([]);
    this.page.redraw();
  }

  /** One edit for each part of the changes that fits into a message. */
  edit(changes) {
    for (const batch of batches(changes)) this.page.edit(batch);
  }

  // What keys and buttons do; each is called only for who may draw.

  remove() {
    const ids = this.held().map((shape) => shape.id);
    if (!ids.length) return;
    this.edit(removal(ids));
    this.page.select([]);
  }

  front() {
    this.edit(reorder(ordered(this.page.shapes()), this.page.selection(), true));
  }

  back() {
    this.edit(reorder(ordered(this.page.shapes()), this.page.selection(), false));
  }

  duplicate() {
    this.add(this.held(), { dx: GRID, dy: GRID });
  }

  /** Make these shapes, and select them. `middle`: where the middle of all of them shall be. */
  add(shapes, { dx = 0, dy = 0, middle = null } = {}) {
    if (!shapes.length) return;
    if (middle) {
      const { x, y, w, h } = union(shapes);
      [dx, dy] = [Math.round(middle.x - x - w / 2), Math.round(middle.y - y - h / 2)];
    }
    const changes = copies(shapes, { id: () => this.page.id(), z: above(this.page.shapes()), dx, dy });
    this.edit(changes);
    this.choose("select");
    this.page.select(changes.slice(-MOST_SELECTED).map((change) => change.id));
  }

  all() {
    this.page.select(ordered(this.page.shapes()).slice(-MOST_SELECTED).map((shape) => shape.id));
  }

  /** Select the next shape above the selected one, or below it; one that is not in view is brought there. */
  next(step) {
    const shapes = ordered(this.page.shapes());
    if (!shapes.length) return;
    const at = shapes.findIndex((shape) => shape.id === this.page.selection().at(-1));
    const shape = shapes[(at < 0 && step < 0 ? shapes.length - 1 : at + step + shapes.length) % shapes.length];
    this.page.select([shape.id]);
    const { x, y, w, h } = frame([shape]);
    this.at = { x: Math.round(x + w / 2), y: Math.round(y + h / 2) };
    this.reveal();
  }

  /** Bring our place into view and tell it. */
  reveal() {
    const { view } = this.camera;
    const { x, y } = toPixel(view, this.at);
    const edge = 30;
    const [dx, dy] = [clamp(x, edge, view.width - edge) - x, clamp(y, edge, view.height - edge) - y];
    if (dx || dy) this.camera.pan(dx, dy);
    this.page.point(this.at);
  }

  escape() {
    if (this.gesture) this.cancel();
    else if (this.tool !== "select") this.choose("select");
    else this.page.select([]);
  }

  /** The keyboard's click: what is selected is written on, else the tool is used where the arrow keys went. */
  press(more) {
    if (this.tool === "select" && !more && this.writeSelected()) return;
    if (this.tool === "pen") return;
    this.page.point(this.at);
    this.start(more);
    this.finish();
  }

  /** Arrow keys move what is selected, else our pointer. */
  nudge([dx, dy], fine) {
    const by = fine ? STEP / 4 : this.page.grid() ? GRID : STEP;
    const held = this.held();
    if (held.length && this.tool === "select" && this.page.allowed()) return this.edit(shift(held, dx * by, dy * by));
    this.at = { x: this.at.x + dx * by, y: this.at.y + dy * by };
    this.reveal();
  }

  grow([dx, dy]) {
    const held = this.held();
    if (!held.length) return;
    const whole = frame(held);
    const by = (size, step) => (size ? Math.max(4, size + step * STEP) / size : 1);
    let [sx, sy] = [by(whole.w, dx), by(whole.h, dy)];
    if (held.some((shape) => shape.kind === "text")) sx = sy = dx ? sx : sy;
    // One alone grows in its own frame, however it is turned.
    this.edit(scaled(held.length > 1 ? held : [{ ...held[0], r: 0 }], { x: whole.x, y: whole.y }, sx, sy));
  }

  turn(way) {
    const held = this.held();
    if (!held.length) return;
    const { x, y, w, h } = frame(held);
    this.edit(rotated(held, { x: x + w / 2, y: y + h / 2 }, way * TURN));
  }

  /** Open the text field on the one shape that is selected, if it can have text. */
  writeSelected() {
    const [id, ...others] = this.page.selection();
    const shape = this.page.shapes().get(id);
    if (!shape || others.length || !WRITABLE.includes(shape.kind) || !this.page.allowed()) return false;
    this.writing.begin(shape);
    return true;
  }
}

function keys({ shiftKey, altKey }) {
  return { shift: shiftKey, alt: altKey };
}
