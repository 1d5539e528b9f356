// One room as this page knows it: a pure reducer over the messages of app/protocol.py. No DOM, no clock, no socket.
//
// Local actions carry a "$": "$say" (we want to say something), "$phase" (the connection), "$rtt" (a measured round trip).

/** The room before anything was heard. */
export function initial() {
  return {
    phase: "connecting", detail: "", you: "", room: "", machine: "", region: "", epoch: 0, log: "", seq: 0, stored: 0,
    entries: [], members: {}, cursors: {}, pending: [], path: null, rtt: null, error: null, gap: false,
    afresh: false, // the room lost its log since we were last here (it is in memory for now)
  };
}

/** How many entries a page keeps; older ones can be had by reloading. */
export const KEEP = 500;

/** The state after one message or action; an unknown one changes nothing. */
export function reduce(state, message) {
  const step = STEPS[message.t];
  return step ? step(state, message) : state;
}

const STEPS = {
  welcome(state, m) {
    const entries = m.resumed ? merge(state.entries, m.entries, state.seq) : m.entries.slice(-KEEP);
    const known = new Set(entries.filter((entry) => entry.by === m.you).map((entry) => entry.op));
    return {
      ...state, phase: "live", detail: "", error: null, gap: false,
      afresh: !m.resumed && (state.afresh || state.log !== ""),
      you: m.you, room: m.room, machine: m.machine, region: m.region, epoch: m.epoch, path: m.path,
      log: m.log, seq: m.seq, stored: m.stored, entries,
      members: Object.fromEntries(m.members.map((member) => [member.id, member])),
      cursors: Object.fromEntries(m.cursors.map(([id, x, y]) => [id, { x, y }])),
      pending: state.pending.filter((one) => !known.has(one.op)),
    };
  },
  said(state, m) {
    if (m.seq <= state.seq) return state; // heard already
    if (m.seq > state.seq + 1) return { ...state, gap: true }; // something is missing: reconnect with `since`
    const pending = m.by === state.you ? state.pending.filter((one) => one.op !== m.op) : state.pending;
    return { ...state, seq: m.seq, entries: [...state.entries, m].slice(-KEEP), pending };
  },
  stored: (state, m) => ({ ...state, stored: Math.max(state.stored, m.seq) }),
  accepted: (state, m) => ({ ...state, pending: state.pending.filter((one) => one.op !== m.op) }),
  joined: (state, m) => ({ ...state, members: { ...state.members, [m.member.id]: m.member } }),
  renamed: (state, m) => ({ ...state, members: { ...state.members, [m.member.id]: m.member } }),
  left: (state, m) => ({ ...state, members: without(state.members, m.id), cursors: without(state.cursors, m.id) }),
  cursors(state, m) {
    let cursors = m.whole ? {} : { ...state.cursors };
    for (const [id, x, y] of m.c) {
      if (x === null) cursors = without(cursors, id);
      else cursors[id] = { x, y };
    }
    return { ...state, cursors };
  },
  error(state, m) {
    const pending = m.op === undefined ? state.pending : state.pending.filter((one) => one.op !== m.op);
    return { ...state, error: m.text, pending };
  },
  $say: (state, m) => ({ ...state, error: null, pending: [...state.pending, { op: m.op, text: m.text }] }),
  $phase(state, m) {
    const away = m.phase === "live" ? {} : { cursors: {} };
    return { ...state, phase: m.phase, detail: m.detail ?? "", ...away };
  },
  $rtt: (state, m) => ({ ...state, rtt: m.rtt }),
};

function merge(entries, more, seq) {
  return [...entries, ...more.filter((entry) => entry.seq > seq)].slice(-KEEP);
}

function without(record, key) {
  const { [key]: _, ...rest } = record;
  return rest;
}
