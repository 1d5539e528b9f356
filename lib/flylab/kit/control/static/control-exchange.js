// What is said of one exchange; pure.

/** What the list says of it in one sign: the rarest of what happened on its way. */
export function kind(record) {
  if (record.code || record.status >= 500) return "refuse";
  const hops = record.hops || [];
  if (hops.some((hop) => hop.woke)) return "wake";
  return hops.some((hop) => hop.cause !== "route") ? "replay" : "serve";
}

/** `nrt → fra ⤳ syd`: the visitor's edge, and where each hop went. */
export function route(record) {
  const steps = (record.hops || []).map((hop) => (hop.cause === "route" ? " → " : " ⤳ ") + hop.region);
  return record.edge + steps.join("");
}

/** The pieces of one hop, as `flylab.kit.waterfall.segments` has them: ways are configured, the rest is measured. */
export function segments(hop) {
  const took = Math.max(0, hop.ended_ms - hop.started_ms);
  const way = Math.min((hop.configured_ms || 0) / 2, took / 2);
  const woke = hop.woke;
  const reachable = woke ? (woke.reachable_ms ?? hop.ended_ms) : 0;
  const wake = Math.min(woke ? Math.max(0, reachable - woke.requested_ms) : 0, took - 2 * way);
  const pieces = [];
  let at = hop.started_ms;
  for (const [name, ms] of [["out", way], ["wake", wake], ["own", took - 2 * way - wake], ["back", way]]) {
    if (ms > 0) pieces.push({ kind: name, start: at, ms });
    at += ms;
  }
  return pieces;
}
