// The window about who may come in: the links of the room, and who needs none. Loaded when somebody asks for it.

import { access } from "./room.js";

const link = (role, label) => `<div class="link" data-role="${role}"><label for="link-${role}">${label}</label>
  <div><input id="link-${role}" name="${role}" readonly placeholder="asking the room…"><button class="main" data-copy="${role}">Copy</button>
    <button data-revoke="${role}" title="Nobody gets in by the old link any more">Replace</button></div></div>`;

const WINDOW = `
  <div class="row"><h2 id="share-title">Share this room</h2>
    <form method="dialog"><button aria-label="Close">✕</button></form></div>
  ${link("edit", "Link to draw and talk")}
  ${link("view", "Link to look on")}
  <div class="link">
    <label for="public">Without a link</label>
    <select id="public" name="public">
      <option value="">Nobody gets in</option>
      <option value="view">Everybody may look on</option>
      <option value="edit">Everybody may draw and talk</option>
    </select>
  </div>
  <label class="check"><input type="checkbox" name="listed"> Listed in the lobby</label>
  <p class="note" id="share-note" hidden>Only who came by a link to draw can change who may come in.</p>
`;

export class ShareWindow {
  /** `page` offers `links()` (ask the room) and `share(what)` (an operation), and says whether we came by a `link()`. */
  constructor(dialog, page) {
    dialog.innerHTML = WINDOW; // ours alone: nobody's text is in it
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
