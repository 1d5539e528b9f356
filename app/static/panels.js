// Draws the people, the way here and the room's figures from a room's state; keeps nothing but what is on the page.

import { city, placeName } from "./regions.js";
import { roundTrip } from "./words.js";

/** A DOM element with text or children; text is always text, never markup. */
export function element(tag, className, ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

export class PeoplePanel {
  constructor(list, count) {
    Object.assign(this, { list, count, members: null });
  }

  draw({ members, n: own }) {
    if (members === this.members) return;
    this.members = members;
    this.count.textContent = members.size || "";
    this.list.replaceChildren(...[...members.values()].map((member) => {
      const name = element("span", "who", element("bdi", "", member.name));
      name.style.setProperty("--hue", member.hue);
      if (member.n === own) name.append(element("span", "you", "you"));
      if (member.role === "view") name.append(element("span", "you", "looks on"));
      const where = element("span", "quiet", [member.region && city(member.region), member.rtt && roundTrip(member.rtt)].filter(Boolean).join(" · "));
      return element("li", "", name, where);
    }));
  }
}

/** The stations of this connection, as far as the proxy told them, and what is known of how long each takes. */
export class PathPanel {
  /** `way` has the `trace` of a request on the same way, and `woke`, the steps of a start that was for us (way.js); both may be null. */
  constructor(list, way) {
    Object.assign(this, { list, way, known: [] });
  }

  draw({ path, machine, region }) {
    const { trace, woke } = this.way;
    const known = [path, trace, woke];
    if (this.known.length && known.every((one, n) => one === this.known[n])) return;
    this.known = known;
    const stations = [];
    const station = (className, what, where, ...more) => stations.push(element("li", className, element("span", "what", what), element("span", "where", where), ...more));
    const took = (text) => element("span", "took", text);
    const hop = (name) => {
      const found = trace?.hops.findLast((one) => one.machine === name);
      return found ? [took(roundTrip(found.took) + (found.configured ? ` (${roundTrip(found.configured)} configured)` : "")), bar(found, trace.total)] : [];
    };
    station("", "You", "this browser");
    if (!path) station("later", "…", "on the way");
    else {
      if (path.edge) station("", "Edge", placeName(path.edge), ...(trace ? [took(`asked again just now: ${roundTrip(trace.total)}`)] : []));
      if (path.replayed_from) station("passed", "Said “fly-replay”", `${path.replayed_from} in ${city(path.replayed_region)}`, ...hop(path.replayed_from));
      if (woke) station("passed", "Woken for you", woke.map((step) => `${step.name} ${roundTrip(step.took)}`).join(" · "), took(roundTrip(woke.reduce((sum, step) => sum + step.took, 0))));
      station("end", "Holds the room", `${machine} in ${city(region)}`, ...hop(machine));
      if (!path.edge) stations.push(element("li", "aside", "No proxy in between, so no replay."));
      else if (!path.replayed_from) stations.push(element("li", "aside", "The edge chose the right machine, so no replay."));
    }
    this.list.replaceChildren(...stations);
  }
}

/** When a hop began and ended, of the whole: our own part, then the latency that was configured. */
function bar({ start, took, configured }, total) {
  const made = element("i", "");
  for (const [name, at] of [["from", start], ["own", start + took - configured], ["to", start + took]]) made.style.setProperty(`--${name}`, `${(100 * at) / total}%`);
  return made;
}

const SPARK = 60; // round trips in the small curve, one every 5 s

/** The figures of the room and the curve of our round trips. */
export class AboutPanel {
  constructor(get) {
    Object.assign(this, { get, trips: [], last: null });
  }

  draw(state) {
    const text = (id, value) => { if (this.get(id).textContent !== String(value)) this.get(id).textContent = value; };
    const known = state.doc.epoch;
    text("where", state.machine || "–");
    text("rtt", roundTrip(state.rtt));
    text("epoch", state.epoch || "–");
    text("seq", known ? state.doc.seq : "–");
    text("stored", known ? state.stored : "–");
    text("waits", state.pending.length);
    if (state.rtt === null || state.rtt === this.last) return;
    this.last = state.rtt;
    this.trips = [...this.trips, state.rtt].slice(-SPARK);
    const [least, most] = [Math.min(...this.trips), Math.max(...this.trips)];
    const at = this.trips.map((trip, n) => `${(n / Math.max(1, this.trips.length - 1)) * 100},${22 - (trip / most) * 18}`);
    this.get("spark-line").setAttribute("points", at.length > 1 ? at.join(" ") : `0,${at[0].split(",")[1]} 100,${at[0].split(",")[1]}`);
    text("spark-text", `${this.trips.length} round trips: ${roundTrip(least)} to ${roundTrip(most)}`);
  }
}
