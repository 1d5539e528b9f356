// How we got here, as far as it can be told: a request that takes the same way with a trace, and when the room's machine came up.

const NAMES = { python: "Python runs", imported: "imported", listening: "listening" };

export class WayHere {
  /** `url()` is where the room is described, `changed()` is called when more is known. */
  constructor(url, changed) {
    Object.assign(this, { url, changed, trace: null, woke: null, began: 0 });
  }

  /** We are not there any more: the way that counts begins now. */
  leave() {
    this.began = performance.now();
  }

  /** Ask once, after a welcome. Fly's proxy leaves the trace out; then what the WebSocket brought has to do. */
  async ask() {
    const began = this.began;
    try {
      const answer = await fetch(this.url(), { cache: "no-store", headers: { "x-flylab-trace": "1" } });
      this.trace = hops(answer.headers.get("x-flylab-trace"));
      const { boot, now } = (await answer.json()).answered_by;
      this.woke = woken(boot, now, performance.now() - began);
    } catch {
      this.trace = this.woke = null; // the panel says no more than it knows
    }
    this.changed();
  }
}

/** Of an `x-flylab-trace` header: {total, hops: [{machine, start, took, configured}]} in ms, or null without one. */
export function hops(header) {
  if (!header) return null;
  const { total_ms: total, hops: all } = JSON.parse(header);
  return { total, hops: all.map((hop) => ({ machine: hop.machine, start: hop.started_ms, took: hop.ended_ms - hop.started_ms, configured: hop.configured_ms })) };
}

/** The steps of a start, [{name, took}] in ms, if it was for us: no longer ago by the machine's clock `now` than we `waited` ms. */
export function woken(boot, now, waited) {
  const steps = Object.entries(boot ?? {});
  if (!steps.length || !((now - steps[0][1]) * 1000 <= waited)) return null;
  return steps.slice(1).map(([name, at], n) => ({ name: NAMES[name], took: (at - steps[n][1]) * 1000 })).filter((step) => step.name);
}
