// The machines of the region that was chosen, each as a button with its state.

import { count, make, say } from "./control-elements.js";
import { look } from "./control-fold.js";

const MOST = 120; // buttons; a region of Fly's holds 100 of ours
const SIGNS = { started: "●", changing: "◐", ending: "◔", suspended: "◫", stopped: "○", failed: "✕" };

export class Machines {
  /** `choose(id)` is called with the machine whose button is pressed. */
  constructor({ choose, places }) {
    this.choose = choose;
    this.places = places;
    this.element = make("div", { class: "fl-machines" });
    this.buttons = new Map();
    this.listed = "";
  }

  show(fold, region, chosen) {
    if (!region) {
      this.listed = "";
      const words = "Choose a region on the map to see its machines.";
      this.element.replaceChildren(make("p", { class: "fl-quiet", text: words }));
      return;
    }
    const all = [...(fold.regions.get(region)?.values() || [])].sort((a, b) => (a.name < b.name ? -1 : 1));
    const shown = all.slice(0, MOST);
    const listed = [region, all.length, ...shown.map((machine) => machine.id)].join("\n");
    if (listed !== this.listed) this.#list(region, all.length, shown);
    this.listed = listed;
    for (const machine of shown) {
      const button = this.buttons.get(machine.id);
      button.dataset.look = look(machine.state);
      say(button.querySelector("i"), SIGNS[button.dataset.look]);
      say(button.querySelector("small"), machine.state);
      button.setAttribute("aria-pressed", String(machine.id === chosen));
    }
  }

  #list(region, all, shown) {
    const focused = this.element.contains(document.activeElement) ? document.activeElement.dataset.machine : "";
    this.buttons = new Map(shown.map((machine) => [machine.id, this.#button(machine)]));
    const items = [...this.buttons.values()].map((button) => make("li", {}, button));
    const city = this.places[region]?.city || "";
    this.element.replaceChildren(
      make("h3", { text: `${region} ${city}: ${count(all, "machine")}` }),
      make("ul", { "aria-label": `Machines in ${region}` }, ...items),
      ...(all > shown.length ? [make("p", { class: "fl-quiet", text: `and ${all - shown.length} more` })] : []),
    );
    this.buttons.get(focused)?.focus();
  }

  #button(machine) {
    const name = make("span", { text: machine.name || machine.id });
    const parts = [make("i", { "aria-hidden": "true" }), name, make("small")];
    const said = { type: "button", "data-machine": machine.id, title: `${machine.id}, ${machine.app}` };
    return make("button", { ...said, onclick: () => this.choose(machine.id) }, ...parts);
  }
}
