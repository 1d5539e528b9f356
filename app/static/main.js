// The room's page: wires the connection, the reducer, the stage and the panels together, and nothing else.

import { ask } from "./api.js";
import { Canvas } from "./canvas.js";
import { palette } from "./colours.js";
import { Connection } from "./connection.js";
import { CursorLayer } from "./cursors.js";
import { ordered } from "./document.js";
import { guest, keep, random, remember } from "./memory.js";
import { Outbox } from "./outbox.js";
import { ChatPanel, PathPanel, PeoplePanel } from "./panels.js";
import { offerRegions } from "./regions.js";
import { VERSION, initial, reduceAll, shapes, unstored } from "./room.js";
import { ShareWindow } from "./share.js";
import { Stage } from "./stage.js";
import { clean, finalWord, roundTrip, sentence, stateText } from "./words.js";

const get = (id) => document.getElementById(id);
const room = decodeURIComponent(location.pathname.split("/").pop());
const secret = remember("sessionStorage", `key ${room}`, () => random(24));
const READ = 8_000; // ms that an error stays on the page

let link = new URLSearchParams(location.search).get("k"); // the key in the link that we came by
let state = initial(random(12));
let picture = { of: {}, shapes: new Map(), ordered: [] };
let drawing = false;
let drawn = []; // what the sheet shows
let reading = null;

const withLink = (path) => (link ? `${path}?k=${encodeURIComponent(link)}` : path);
const allowed = () => state.role === "edit";

const connection = new Connection({
  url: () => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${withLink(`/rooms/${room}/ws`)}`,
  hello: () => ({
    t: "hello", v: VERSION, key: secret, client: state.client, name: name(), epoch: state.doc.epoch, log: state.log, since: state.doc.seq,
  }),
  heard: hear,
  changed: (phase, detail) => update([{ t: "$phase", phase, detail }]),
  ended: finalWord,
  learn: () => ask(withLink(`/api/rooms/${room}`)).then(() => null, ({ status, message }) => (status ? { status, text: message } : null)),
});
const outbox = new Outbox({ send: (message) => connection.send(message) });
const canvas = new Canvas(get("canvas"));
const cursors = new CursorLayer(get("cursors"));
const chat = new ChatPanel(get("log"));
const path = new PathPanel(get("path"));
const people = new PeoplePanel(get("people"), get("count"));
const stage = new Stage({
  sheet: get("sheet"), editor: get("editor"),
  page: {
    shapes: () => look().shapes,
    selection: () => state.selection,
    colours: () => palette(state.members.get(state.n)?.hue ?? 260),
    id: () => random(12),
    allowed,
    point: (at) => outbox.latest(at ? { t: "cursor", ...at } : { t: "cursor" }),
    draft(changes) {
      if (!changes.length && !state.draft.length) return;
      update([{ t: "$draft", changes }]);
      outbox.latest({ t: "drag", changes });
    },
    edit(changes) {
      const dragged = state.draft.length > 0;
      act({ t: "edit", changes });
      if (dragged) outbox.latest({ t: "drag", changes: [] }); // after the edit, so that nothing jumps back
    },
    select(ids) {
      update([{ t: "$select", ids }]);
      outbox.latest({ t: "select", ids });
    },
    undo: () => act({ t: "undo" }),
    redo: () => act({ t: "redo" }),
    chosen: (tool) => {
      get("sheet").dataset.tool = tool;
      for (const button of document.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", button.dataset.tool === tool);
    },
  },
});
const shareWindow = new ShareWindow(get("share-window"), {
  links: () => connection.send({ t: "links" }),
  share: (what) => act({ t: "share", ...what }),
  link: () => link,
});

/** An operation of ours: shown at once, sent as soon as may be, kept until it is stored. */
function act(operation) {
  update([{ t: "$do", operation }]);
}

function hear(messages) {
  update(messages);
  for (const message of messages) {
    if (message.t === "welcome") welcomed();
    else if (message.t === "access" && get("share-window").open) connection.send({ t: "links" });
    else if (message.t === "linked") follow(message);
  }
  if (state.gap) connection.again();
}

function welcomed() {
  if (state.stale) {
    update([{ t: "$client", client: random(12) }]);
    return connection.again();
  }
  outbox.start(unsent());
  // The name may have been changed after our hello had gone.
  if (state.members.get(state.n)?.name !== name()) rename();
  if (state.selection.length) outbox.latest({ t: "select", ids: state.selection });
}

/** After links were revoked, ours is the new one of what we may do. */
function follow(links) {
  const ours = new URL(links[state.role] || location.href, location.href);
  if (!link || ours.searchParams.get("k") === link) return;
  link = ours.searchParams.get("k");
  history.replaceState(null, "", ours);
}

function unsent() {
  return state.pending.filter((one) => one.seq === undefined);
}

function update(messages) {
  const before = state;
  state = reduceAll(state, messages);
  if (state.phase !== before.phase && !["live", "loading"].includes(state.phase)) outbox.stop();
  if (state.pending !== before.pending) outbox.offer(unsent());
  if (state.error !== before.error) {
    clearTimeout(reading);
    if (state.error) reading = setTimeout(() => update([{ t: "$noted" }]), READ);
  }
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(draw);
}

/** The shapes as they are shown, worked out once for each state. */
function look() {
  const { doc, pending, drags, draft } = state;
  const of = picture.of;
  if (of.shapes !== doc.shapes || of.pending !== pending || of.drags !== drags || of.draft !== draft) {
    const all = shapes(state);
    picture = { of: { shapes: doc.shapes, pending, drags, draft }, shapes: all, ordered: all === picture.shapes ? picture.ordered : ordered(all) };
  }
  return picture;
}

function draw() {
  drawing = false;
  drawState();
  drawSheet();
  chat.draw(state);
  people.draw(state);
  path.draw(state);
  shareWindow.draw(state);
  get("where").textContent = state.machine ? `${state.machine} in ${state.region}` : "–";
  get("rtt").textContent = roundTrip(state.rtt);
  get("epoch").textContent = state.epoch || "–";
  get("seq").textContent = state.doc.epoch ? state.doc.seq : "–";
  get("stored").textContent = state.doc.epoch ? state.stored : "–";
  get("waits").textContent = state.pending.length;
}

function drawState() {
  const text = stateText(state);
  get("state").dataset.phase = document.body.dataset.phase = state.phase;
  document.body.dataset.role = state.role;
  if (get("state-text").textContent !== text) get("state-text").textContent = text;
  get("wake").hidden = !["asleep", "ended"].includes(state.phase);
  get("wake").textContent = state.phase === "asleep" ? "Wake it" : "Try again";
  const why = sentence(state.error ?? (["reconnecting", "offline"].includes(state.phase) ? state.detail : ""));
  if (get("note").textContent !== why) get("note").textContent = why;
  get("note").classList.toggle("wrong", state.error !== null);
  const live = state.phase === "live";
  for (const id of ["text", "send"]) get(id).disabled = !allowed();
  for (const button of document.querySelectorAll(".tools button")) button.disabled = !allowed();
  for (const control of document.querySelectorAll(".control")) control.disabled = !live || !allowed();
}

function drawSheet() {
  cursors.draw(state);
  const { members, selected, drags, pending, selection, n: own, phase } = state;
  const parts = [look().ordered, members, selected, drags, pending, selection, phase, stage.written];
  if (parts.every((part, n) => part === drawn[n])) return; // only cursors moved
  drawn = parts;
  const others = [];
  for (const [n, member] of members) {
    const ids = [...(selected.get(n) ?? []), ...(drags.get(n) ?? []).map((change) => change.id)];
    if (n !== own && ids.length) others.push({ hue: member.hue, ids: [...new Set(ids)] });
  }
  canvas.draw({ shapes: look().ordered, unstored: unstored(state), selection, others });
  const hue = members.get(own)?.hue;
  if (hue !== undefined) get("sheet").style.setProperty("--hue", hue);
  const empty = phase === "live" && look().ordered.length === 0 && !stage.written;
  get("hint").hidden = !empty;
  get("hint").textContent = members.size < 2
    ? "You are alone here. Share the link, or open it in a second window: you will see each other move."
    : allowed() ? "Pick a tool and draw: the others see it at once." : "Nothing has been drawn yet.";
}

function say(event) {
  event.preventDefault();
  const text = clean(get("text").value);
  if (!text || !allowed()) return;
  act({ t: "say", text });
  get("text").value = "";
}

function name() {
  return get("name").value.trim() || "guest";
}

function rename() {
  if (!get("name").value.trim()) return;
  keep("localStorage", "name", name());
  connection.send({ t: "rename", name: name() });
}

async function offerMove() {
  if (get("region").options.length > 1) return;
  offerRegions(get("region"), [], "Move to…");
  const { regions } = await ask("/api/rooms").catch(() => ({ regions: [] }));
  offerRegions(get("region"), regions, "Move to…");
}

// A lobby that sent us round on the way here (app/onward.py) counts in the address; nobody needs to see or share that.
history.replaceState(null, "", withLink(location.pathname));
document.title = `${room} · Rooms`;
get("title").textContent = room;
get("name").value = remember("localStorage", "name", guest);
get("name").addEventListener("change", rename);
get("name").addEventListener("keydown", (event) => { if (event.key === "Enter") event.target.blur(); });
get("say").addEventListener("submit", say);
get("share").addEventListener("click", () => shareWindow.open());
get("wake").addEventListener("click", () => connection.wake());
get("sleep").addEventListener("click", () => connection.send({ t: "sleep" }));
get("move").addEventListener("submit", (event) => {
  event.preventDefault();
  if (get("region").value) connection.send({ t: "move", region: get("region").value });
});
for (const button of document.querySelectorAll("[data-tool]")) button.addEventListener("click", () => stage.choose(button.dataset.tool));
for (const button of document.querySelectorAll("[data-act]")) button.addEventListener("click", () => stage[button.dataset.act]());
document.addEventListener("keydown", (event) => stage.keyElsewhere(event));
addEventListener("online", () => connection.hurry());
addEventListener("offline", () => connection.again());
addEventListener("beforeunload", (event) => { if (state.pending.length) event.preventDefault(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) connection.hurry(); });
stage.choose("select");
offerMove();
connection.connect();
draw();
