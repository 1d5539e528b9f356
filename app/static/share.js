// The window about who may come in: the links of the room, and who needs none.

import { access } from "./room.js";

export class ShareWindow {
  /** `page` offers `links()` (ask the room) and `share(what)` (an operation), and says whether we came by a `link()`. */
  constructor(dialog, page) {
    Object.assign(this, { dialog, page, links: null });
    const get = (name) => dialog.querySelector(`[name="${name}"]`);
    this.fields = { edit: get("edit"), view: get("view"), public: get("public"), listed: get("listed") };
    this.fields.public.addEventListener("change", (event) => page.share({ public: event.target.value }));
    this.fields.listed.addEventListener("change", (event) => page.share({ listed: event.target.checked }));
    for (const button of dialog.querySelectorAll("[data-copy]")) button.addEventListener("click", () => this.copy(button));
    for (const button of dialog.querySelectorAll("[data-revoke]")) {
      button.addEventListener("click", () => page.share({ revoke: button.dataset.revoke }));
    }
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); }); // beside it
  }

  open() {
    this.dialog.showModal();
    this.page.links();
  }

  draw(state) {
    if (!this.dialog.open) return;
    const editor = state.role === "edit" && this.page.link() !== null;
    this.dialog.querySelector("#share-note").hidden = editor;
    const { public: open, listed } = access(state);
    this.fields.public.value = open;
    this.fields.listed.checked = listed;
    this.fields.public.disabled = this.fields.listed.disabled = !editor;
    for (const button of this.dialog.querySelectorAll("[data-revoke]")) button.disabled = !editor;
    for (const role of ["edit", "view"]) {
      const path = state.links?.[role];
      this.dialog.querySelector(`.link[data-role="${role}"]`).hidden = state.links !== null && !path;
      this.fields[role].value = path ? new URL(path, location.href).href : "";
    }
  }

  async copy(button) {
    const field = this.fields[button.dataset.copy];
    if (!field.value) return;
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = "Copied";
    } catch {
      field.select(); // as in a frame of another site: one key press does the rest
      button.textContent = "Press Ctrl-C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  }
}
