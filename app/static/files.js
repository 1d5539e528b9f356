// Drawings that come and go: files, and the clipboard, where shapes are text and so can be pasted into another room.

import { format, parse } from "./arrange.js";
import { seen } from "./view.js";
import { clean } from "./words.js";

export class Files {
  /** `page` has `stage`, `camera`, `wanted`, `allowed()`, `complain(text)`, `all()` (the shapes from the lowest up), and the `name` of files. */
  constructor(page) {
    this.page = page;
    for (const kind of ["copy", "cut"]) document.addEventListener(kind, (event) => this.copy(event));
    document.addEventListener("paste", (event) => this.paste(event));
  }

  async save(kind) {
    const { page } = this;
    const shapes = page.all();
    if (!shapes.length) return page.complain("Nothing has been drawn yet.");
    await page.wanted.save(kind, shapes, page.name);
  }

  /** Read a file that `save` made; what is in it is put over what is there. */
  async open(input) {
    const [file] = input.files;
    if (!file) return;
    const found = parse(await file.text().catch(() => ""));
    input.value = "";
    if (found === null) this.page.complain(`The file ${file.name} is no drawing that was saved here as JSON.`);
    else this.page.stage.add(found);
  }

  copy(event) {
    if (elsewhere(event) || String(getSelection())) return;
    const held = this.page.stage.held();
    if (!held.length) return;
    event.preventDefault();
    event.clipboardData.setData("text/plain", format(held));
    if (event.type === "cut" && this.page.allowed()) this.page.stage.remove();
  }

  /** What is pasted comes to the middle of the view; what is no drawing becomes a text. */
  paste(event) {
    if (elsewhere(event) || !this.page.allowed()) return;
    const text = event.clipboardData.getData("text/plain");
    const plain = clean(text);
    const found = parse(text) ?? (plain ? [{ kind: "text", x: 0, y: 0, text: plain }] : []);
    if (!found.length) return;
    event.preventDefault();
    const { x, y, w, h } = seen(this.page.camera.view);
    this.page.stage.add(found, { middle: { x: x + w / 2, y: y + h / 2 } });
  }
}

function elsewhere(event) {
  return event.target.closest?.("input, textarea, select, dialog");
}
