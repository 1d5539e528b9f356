// One room as this page knows it: a pure reducer over the messages of app/protocol.py and the entries of app/entries.py.
// No DOM, no clock, no socket.
//
// What is shown = the log so far (`doc`) + our own operations that it does not hold yet (`pending`) + what is being dragged.
// An operation stays in `pending` until it is stored: `seq` says where in the log it is, if it is; should the machine die
// before the store has it, the next welcome says so and it is sent again, under the same number, which counts once.
//
// Local actions carry a "$": "$do" (an operation of ours), "$draft" (what we drag), "$select", "$client" (a new name to
// number operations under), "$phase" (the connection), "$rtt" (a measured round trip), "$silent" (no answer comes),
// "$late" (what waits longest has waited long), "$error" (something that we cannot do), "$noted" (it was read).

import { applyChanges, overlay } from "./document.js";

export const VERSION = 2;

/** How many lines of chat a page keeps; older ones can be had by reloading. */
export const KEEP = 500;

/** A client may leave out so many numbers in a row (app/operations.py); past that it must number afresh. */
const MOST_SKIPPED = 64;

/** The room before anything was heard. */
export function initial(client = "") {
  return {
    phase: "connecting", detail: "", silent: false, late: 0, error: null, gap: false, rtt: null,
    you: "", n: 0, role: "edit", room: "", machine: "", region: "", epoch: 0, log: "", path: null, public: "", listed: false, links: null,
    doc: { epoch: 0, seq: 0, shapes: new Map(), chat: [] }, stored: 0,
    incoming: null, // the state that is arriving in parts: {parts, doc}
    members: new Map(), cursors: new Map(), drags: new Map(), selected: new Map(), // by the member's number
    client, ops: 0, pending: [], draft: [], selection: [],
    stale: false, // our numbers are too far ahead of what the room knows: number afresh
    afresh: false, // the room came back with less than it had acknowledged (it was in a machine's memory)
  };
}

/** The state after one message or action; an unknown one changes nothing. `fresh` are collections that this call may change. */
export function reduce(state, message, fresh = new Set()) {
  return Object.hasOwn(STEPS, message.t) ? STEPS[message.t](state, message, fresh) : state;
}

/** The state after the messages of one frame: collections are copied once a frame, not once a message. */
export function reduceAll(state, messages) {
  const fresh = new Set();
  return messages.reduce((before, message) => reduce(before, message, fresh), state);
}

/** Our operations that are not part of what is known of the log, in order. */
export function waiting({ pending, doc }) {
  return pending.filter((one) => one.seq === undefined || one.seq > doc.seq);
}

/** The shapes to draw, by id. */
export function shapes(state) {
  return overlay(state.doc.shapes, { waiting: waiting(state), drags: state.drags, draft: state.draft });
}

/** The ids of the shapes that we changed and that are not stored yet. */
export function unstored({ pending }) {
  return new Set(pending.flatMap((one) => (one.t === "edit" ? one.changes.map((change) => change.id) : [])));
}

/** Who may come in without a link, as it will be once our own wishes are in the log. */
export function access(state) {
  const { public: open, listed } = Object.assign({ public: state.public, listed: state.listed },
    ...waiting(state).filter((one) => one.t === "share").map(defined));
  return { public: open, listed };
}

const STEPS = {
  welcome(state, m) {
    const skipped = new Set(m.skipped);
    // Where an operation was heard to be counts only in the log that goes on: another machine's has it elsewhere.
    const place = (one) => (m.resumed && one.seq <= state.doc.seq ? one.seq : m.seq);
    const pending = state.pending
      .map((one) => ({ ...one, seq: one.op > m.op || skipped.has(one.op) ? undefined : place(one) }))
      .filter((one) => !(one.seq <= m.stored));
    const next = pending.find((one) => one.seq === undefined);
    const arriving = { parts: m.parts, doc: { epoch: m.epoch, seq: m.seq, shapes: new Map(), chat: [] } };
    return settle({
      ...state, error: null, gap: false, pending, rtt: null,
      stale: next !== undefined && next.op > m.op + MOST_SKIPPED,
      afresh: state.afresh || (!m.resumed && Math.max(m.seq, m.stored) < state.stored),
      you: m.you, n: m.n, role: m.role, room: m.room, machine: m.machine, region: m.region, epoch: m.epoch, log: m.log, path: m.path,
      public: m.public, listed: m.listed, stored: m.stored,
      incoming: m.resumed ? null : arriving,
      members: byNumber(m.members), drags: new Map(),
      cursors: new Map(m.cursors.map(([n, x, y]) => [n, { x, y }])),
      selected: new Map(m.selected),
    });
  },
  state(state, m, fresh) {
    if (!state.incoming) return state;
    const { parts, doc } = state.incoming;
    const all = owned(doc.shapes, fresh);
    for (const shape of m.shapes) all.set(shape.id, shape);
    return settle({ ...state, incoming: { parts: parts - 1, doc: { ...doc, shapes: all, chat: [...doc.chat, ...m.chat].slice(-KEEP) } } });
  },

  // Entries of the log
  epoch: entry((state, doc, m) => [{ epoch: Math.max(state.epoch, m.epoch) }, { epoch: Math.max(doc.epoch, m.epoch) }]),
  released: entry(() => [{}, {}]),
  said: entry((state, doc, m, fresh) => {
    const chat = owned(doc.chat, fresh);
    chat.push(m);
    if (chat.length > KEEP) chat.shift();
    return [{}, { chat }];
  }),
  edited: entry((state, doc, m, fresh) => [{ drags: settled(state, m) }, { shapes: applyChanges(owned(doc.shapes, fresh), m.changes) }]),
  access: entry((state, doc, m) => [{ public: m.public, listed: m.listed }, {}]),

  stored(state, m) {
    if (m.seq <= state.stored) return state;
    return { ...state, stored: m.seq, pending: drop(state.pending, (one) => one.seq <= m.seq) };
  },
  accepted: (state, m) => ({ ...state, pending: logged(state, state.client, m.op, m.seq) }),

  // Who is here
  joined: (state, m, fresh) => ({ ...state, members: owned(state.members, fresh).set(m.member.n, m.member) }),
  changed: (state, m, fresh) => withRole({ ...state, members: owned(state.members, fresh).set(m.member.n, m.member) }),
  left: (state, m) => present({ ...state, members: new Map([...state.members].filter(([n]) => n !== m.n)) }),
  members: (state, m) => withRole(present({ ...state, members: byNumber(m.members) })),
  cursors(state, m, fresh) {
    const cursors = m.whole ? new Map() : owned(state.cursors, fresh);
    const others = m.whole ? { drags: new Map(), selected: new Map() } : {}; // all of theirs follow too
    for (const [n, x, y] of m.c) {
      if (x === undefined) cursors.delete(n);
      else cursors.set(n, { x, y });
    }
    return { ...state, ...others, cursors };
  },
  drags: (state, m, fresh) => ({ ...state, drags: assigned(owned(state.drags, fresh), m.d.filter(([n]) => n !== state.n)) }),
  selected: (state, m, fresh) => ({ ...state, selected: assigned(owned(state.selected, fresh), m.s) }),

  linked: (state, m) => ({ ...state, links: { edit: m.edit, view: m.view } }),
  error(state, m) {
    if (m.code === "gap") return { ...state, gap: true }; // our numbers are too far ahead: the next welcome shows how far
    return { ...state, error: m.text, pending: drop(state.pending, (one) => one.op === m.op && one.seq === undefined) };
  },
  moved: (state, m) => away({ ...state, phase: "moved", detail: m.region }),
  closing: (state, m) => away({ ...state, phase: "reconnecting", detail: m.why }),

  $do(state, { operation }) {
    const op = state.ops + 1;
    const one = { ...operation, op, seq: undefined };
    return { ...state, error: null, ops: op, draft: one.t === "edit" ? [] : state.draft, pending: [...state.pending, one] };
  },
  $draft: (state, m) => ({ ...state, draft: m.changes }),
  $select: (state, m) => ({ ...state, selection: m.ids }),
  $client(state, m) {
    const pending = waiting(state).map((one, n) => ({ ...one, op: n + 1 }));
    return { ...state, client: m.client, ops: pending.length, pending, stale: false };
  },
  $phase: (state, m) => (m.phase === "live" ? state : away({ ...state, phase: m.phase, detail: m.detail ?? (m.phase === state.phase ? state.detail : "") })),
  $silent: (state, m) => ({ ...state, silent: m.silent }),
  $late: (state) => ({ ...state, late: state.pending[0]?.op ?? 0 }),
  $rtt: (state, m) => ({ ...state, rtt: m.rtt }),
  $error: (state, m) => ({ ...state, error: m.text }),
  $noted: (state) => ({ ...state, error: null }),
};

/** A step for an entry of the log, which counts once and in order; `change` gives what is new of the state and of its doc. */
function entry(change) {
  return (state, m, fresh) => {
    const doc = state.incoming?.doc ?? state.doc;
    if (m.seq <= doc.seq) return state; // heard already
    if (m.seq > doc.seq + 1) return { ...state, gap: true }; // something is missing: reconnect with `since`
    const [ours, docs] = change(state, doc, m, fresh);
    const next = { ...doc, seq: m.seq, ...docs };
    const pending = m.by === state.you ? logged(state, m.client, m.op, m.seq) : state.pending;
    return { ...state, ...ours, pending, ...(state.incoming ? { incoming: { ...state.incoming, doc: next } } : { doc: next }) };
  };
}

/** Note that the log has our operation at `seq`; it is done with when that is stored. */
function logged(state, client, op, seq) {
  if (client !== state.client || !state.pending.some((one) => one.op === op)) return state.pending;
  return state.pending
    .map((one) => (one.op === op ? { ...one, seq: Math.min(seq, one.seq ?? seq) } : one))
    .filter((one) => !(one.seq <= state.stored));
}

/** Take the arriving state for ours when its last part is there. */
function settle(state) {
  if (!state.incoming) return { ...state, phase: "live", detail: "" };
  if (state.incoming.parts > 0) return { ...state, phase: "loading", detail: "" };
  return { ...state, phase: "live", detail: "", doc: state.incoming.doc, incoming: null };
}

/** Without a connection nobody is seen to move. */
function away(state) {
  return { ...state, incoming: null, cursors: new Map(), drags: new Map(), selected: new Map() };
}

/** Forget what belonged to members who are not here any more. */
function present(state) {
  const kept = (map) => new Map([...map].filter(([n]) => state.members.has(n)));
  return { ...state, cursors: kept(state.cursors), drags: kept(state.drags), selected: kept(state.selected) };
}

function withRole(state) {
  const me = state.members.get(state.n);
  return me ? { ...state, role: me.role ?? "edit" } : state; // what is as usual is left out on the wire
}

/** What a member was dragging is settled by the edit that ends the drag, even before the drag is said to be over. */
function settled({ drags, members }, m) {
  const dragging = [...drags.keys()].find((n) => members.get(n)?.id === m.by);
  if (dragging === undefined) return drags;
  const ids = new Set(m.changes.map((change) => change.id));
  return assigned(new Map(drags), [[dragging, drags.get(dragging).filter((change) => !ids.has(change.id))]]);
}

function byNumber(members) {
  return new Map(members.map((member) => [member.n, member]));
}

/** Take over what each member has now; nothing is an empty list. */
function assigned(map, pairs) {
  for (const [n, list] of pairs) {
    if (list.length) map.set(n, list);
    else map.delete(n);
  }
  return map;
}

/** The collection itself if it was made during this frame, else a copy that is. */
function owned(collection, fresh) {
  if (fresh.has(collection)) return collection;
  const copy = Array.isArray(collection) ? [...collection] : new Map(collection);
  fresh.add(copy);
  return copy;
}

function drop(pending, which) {
  return pending.some(which) ? pending.filter((one) => !which(one)) : pending;
}

function defined({ public: open, listed: shown }) {
  return { ...(open === undefined ? {} : { public: open }), ...(shown === undefined ? {} : { listed: shown }) };
}
