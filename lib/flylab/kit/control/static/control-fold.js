// The fold: what batches of a feed say, kept as it is now; it draws nothing.

const KEPT = 60; // exchanges in the list and above; as many as the kernel keeps
const CHANGING = new Set(["created", "creating", "starting", "restarting", "replacing", "updating"]);
const ENDING = new Set(["stopping", "suspending", "destroying"]);

/** Which of six looks a state has; a region's ring has them in this order. */
export const LOOKS = ["started", "changing", "ending", "suspended", "stopped", "failed"];

export function look(state) {
  if (state === "started" || state === "suspended" || state === "stopped") return state;
  if (CHANGING.has(state)) return "changing";
  if (ENDING.has(state)) return "ending";
  return "failed";
}

/** The world as batches have told it; `apply` says which parts are to be drawn anew. */
export class Fold {
  constructor() {
    this.clear();
    this.platform = "connecting";
    this.about = {};
    this.gauges = {};
    this.faults = [];
    this.at = 0;
  }

  clear() {
    this.machines = new Map();
    this.regions = new Map(); // region → Map of machines by id
    this.exchanges = new Map(); // id → record, the newest last
  }

  apply(batch) {
    const changed = { regions: new Set(), exchanges: false, about: false };
    if (batch.whole) {
      for (const region of this.regions.keys()) changed.regions.add(region);
      this.clear();
    }
    for (const id of batch.gone || []) this.#drop(id, changed);
    for (const machine of batch.machines || []) {
      const before = this.machines.get(machine.id);
      if (before && before.region !== machine.region) this.#drop(machine.id, changed);
      this.machines.set(machine.id, machine);
      if (!this.regions.has(machine.region)) this.regions.set(machine.region, new Map());
      this.regions.get(machine.region).set(machine.id, machine);
      changed.regions.add(machine.region);
    }
    for (const record of batch.exchanges || []) {
      const before = this.exchanges.get(record.id);
      // A pipe that ends keeps its place; whatever else comes again is the newest.
      if (before && !before.open) this.exchanges.delete(record.id);
      this.exchanges.set(record.id, record);
      changed.exchanges = true;
    }
    while (this.exchanges.size > KEPT) this.exchanges.delete(this.exchanges.keys().next().value);
    if (batch.about) {
      this.about = batch.about;
      changed.about = true;
    }
    if (batch.gauges) this.gauges = batch.gauges;
    if (batch.faults) this.faults = batch.faults;
    if (batch.platform) this.platform = batch.platform;
    if (batch.at) this.at = batch.at;
    return changed;
  }

  /** How many machines of a region have which look. */
  looks(region) {
    const found = Object.fromEntries(LOOKS.map((name) => [name, 0]));
    for (const machine of this.regions.get(region)?.values() || []) found[look(machine.state)] += 1;
    return found;
  }

  #drop(id, changed) {
    const machine = this.machines.get(id);
    if (!machine) return;
    this.machines.delete(id);
    this.regions.get(machine.region)?.delete(id);
    changed.regions.add(machine.region);
  }
}
