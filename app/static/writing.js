// The text field that lies over the shape whose text is being written.

import { box, letters, textSize } from "./geometry.js";
import { NOTE, painted, textBox, textColour } from "./paint.js";
import { toPixel } from "./view.js";
import { clean } from "./words.js";

export class Writing {
  /** `page` offers `shapes()`, `view()`, `draft(changes)`, `edit(changes)`; `done()` is called when the keyboard ends it. */
  constructor(editor, page, done) {
    Object.assign(this, { editor, page, shape: null });
    editor.addEventListener("input", () => page.draft(this.changes()));
    editor.addEventListener("blur", () => this.finish());
    editor.addEventListener("keydown", (event) => {
      if (event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) done();
      event.stopPropagation();
    });
  }

  begin(shape) {
    this.finish();
    this.shape = shape;
    this.editor.value = shape.text ?? "";
    this.editor.hidden = false;
    this.place();
    this.editor.focus({ preventScroll: true });
  }

  /** Lie where the shape is seen now. */
  place() {
    if (!this.shape) return;
    const view = this.page.view();
    const free = this.shape.kind === "text";
    const around = free ? { ...this.shape, w: 480, h: 80 } : box(this.shape);
    const inner = textBox(this.shape, around);
    const { x, y } = toPixel(view, around);
    const pixels = {
      left: x, top: y, width: around.w * view.scale, height: around.h * view.scale,
      paddingInline: free ? 2 : (inner.x - around.x) * view.scale, paddingBlock: free ? 2 : (inner.y - around.y) * view.scale,
    };
    for (const [name, value] of Object.entries(pixels)) this.editor.style[name] = `${value}px`;
    const { fill, kind } = this.shape;
    const themed = (colour) => ({ black: "var(--ink)", paper: "var(--card)" })[colour] ?? colour;
    this.editor.style.background = free ? "" : painted(fill) ? themed(fill) : kind === "note" ? NOTE.fill : "";
    this.editor.style.color = themed(textColour(this.shape));
    this.editor.style.fontSize = `${Math.max(12, letters(this.shape) * view.scale)}px`;
  }

  /** What the text field makes of its shape; a text without letters is no shape. */
  changes() {
    const { shape } = this;
    const text = clean(this.editor.value);
    if (text === (shape.text ?? "")) return [];
    if (shape.kind !== "text") return [{ id: shape.id, set: { text } }];
    const known = this.page.shapes().has(shape.id) && shape.text !== undefined;
    if (!text) return known ? [{ id: shape.id, gone: true }] : [];
    const { id, text: _, ...made } = shape;
    const grown = letters(shape) / letters({ kind: "text" }); // letters keep the size that they were given
    const size = textSize(text);
    const now = { text, w: Math.round(size.w * grown), h: Math.round(size.h * grown) };
    return [{ id, set: known ? now : { ...made, ...now } }];
  }

  finish() {
    if (!this.shape) return;
    const changes = this.changes();
    this.shape = null;
    this.editor.hidden = true;
    if (changes.length) this.page.edit(changes);
    else this.page.draft([]);
  }
}
