// The parts of the page that are loaded when they are wanted, which needs a connection; without one they wait or say so.

export class Wanted {
  /** `page` is what looks.js and share.js need of the page, with `get(id)`, `later()` (draw again) and `complain(text)`. */
  constructor(page) {
    Object.assign(this, { page, rowOfLooks: null, shareWindow: null, asking: false });
  }

  /** The part, or null, which is said. */
  async part(loading) {
    const found = await loading.catch(() => null);
    if (!found) this.page.complain("That part of the page cannot be loaded without a connection.");
    return found;
  }

  async help() {
    const dialog = this.page.get("help-window");
    const found = await this.part(import("./help.js"));
    if (!found || dialog.open) return;
    found.fillHelp(dialog);
    dialog.showModal();
  }

  async share() {
    const dialog = this.page.get("share-window");
    const found = await this.part(import("./share.js"));
    if (!found || dialog.open) return;
    this.shareWindow ??= new found.ShareWindow(dialog, this.page.sharing);
    this.shareWindow.open();
    this.page.later();
  }

  async save(kind, shapes, name) {
    const found = await this.part(import("./saving.js"));
    if (found) await found.save(kind, shapes, name);
  }

  /** How a tool draws now, as far as anything was chosen. */
  look() {
    return this.rowOfLooks?.look() ?? this.page.palette();
  }

  /** Show the row of looks if it is `wanted`; one that cannot be loaded now is asked for again later. */
  async looks(wanted, held) {
    const row = this.page.get("looks");
    row.hidden = !wanted || this.rowOfLooks === null;
    if (this.rowOfLooks) return this.rowOfLooks.draw(held);
    if (!wanted || this.asking || !navigator.onLine) return;
    this.asking = true;
    const found = await import("./looks.js").catch(() => null);
    this.asking = false;
    if (!found) return;
    this.rowOfLooks = new found.Looks(row, this.page);
    this.page.later();
  }
}
