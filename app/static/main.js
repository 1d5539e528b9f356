// The room's page: wires the connection, the reducer, the sheet and the panels together, and nothing else.

import { ask } from "./api.js";
import { Camera } from "./camera.js";
import { ChatPanel } from "./chat.js";
import { palette } from "./colours.js";
import { Connection } from "./connection.js";
import { Files } from "./files.js";
import { union } from "./geometry.js";
import { Keys } from "./keys.js";
import { guest, keep, random, remember, visited } from "./memory.js";
import { closable } from "./menus.js";
import { Outbox } from "./outbox.js";
import { AboutPanel, PathPanel, PeoplePanel } from "./panels.js";
import { PlacesPanel } from "./places.js";
import { offerRegions } from "./regions.js";
import { VERSION, initial, reduceAll } from "./room.js";
import { Scene } from "./scene.js";
import { Stage } from "./stage.js";
import { fillToolbars } from "./toolbar.js";
import { Wanted } from "./wanted.js";
import { WayHere } from "./way.js";
import { clean, finalWord, sentence, stateText } from "./words.js";

const get = (id) => document.getElementById(id);
fillToolbars(get);
const room = decodeURIComponent(location.pathname.split("/").pop());
const secret = remember("sessionStorage", `key ${room}`, () => random(24));
const title = `${room} · Rooms`;
const READ = 8_000; // ms that an error stays on the page
const LATE = 1_000; // ms after which a change that is not stored is told; most take a round trip

let link = new URLSearchParams(location.search).get("k"); // the key in the link that we came by
let state = initial(random(12));
let drawing = false;
let reading = null;
let lateness = null;
let grid = remember("localStorage", "grid", () => "") === "on";

const withLink = (path) => (link ? `${path}?k=${encodeURIComponent(link)}` : path);
const allowed = () => state.role === "edit";

const connection = new Connection({
  url: () => new URL(withLink(`/rooms/${room}/ws`), location.href).href.replace(/^http/, "ws"),
  hello: () => ({
    t: "hello", v: VERSION, key: secret, client: state.client, name: name(), epoch: state.doc.epoch, log: state.log, since: state.doc.seq,
  }),
  heard: hear,
  changed: (phase, detail) => update([{ t: "$phase", phase, detail }]),
  ended: finalWord,
  learn: () => ask(withLink(`/api/rooms/${room}`)).then(() => null, ({ status, message }) => (status ? { status, text: message } : null)),
});
const outbox = new Outbox({ send: (message) => connection.send(message) });
const scene = new Scene(get);
const camera = new Camera(get("sheet"), later);
const chat = new ChatPanel(get("log"), (count) => {
  get("unread").hidden = count === 0;
  get("unread").textContent = `${count} new`;
  document.title = (count ? `(${count}) ` : "") + title;
});
const way = new WayHere(() => withLink(`/api/rooms/${room}`), later);
const panels = [new PeoplePanel(get("people"), get("count")), new PathPanel(get("path"), way), new AboutPanel(get), new PlacesPanel(get("places"))];

const page = {
  shapes: () => scene.look(state),
  selection: () => state.selection,
  look: () => wanted.look(),
  id: () => random(12),
  allowed,
  grid: () => grid,
  redraw: later,
  palette: () => palette(state.members.get(state.n)?.hue ?? 260),
  held: () => stage.held(),
  get,
  later,
  complain: (text) => update([{ t: "$error", text }]),
  sharing: { links: () => connection.send({ t: "links" }), share: (what) => act({ t: "share", ...what }), link: () => link },
  help: () => wanted.help(),
  point: (at) => outbox.latest(at ? { t: "cursor", ...at } : { t: "cursor" }),
  draft(changes) {
    if (!changes.length && !state.draft.length) return;
    update([{ t: "$draft", changes }]);
    outbox.latest({ t: "drag", changes });
  },
  edit(changes) {
    if (!changes.length) return;
    const dragged = state.draft.length > 0;
    act({ t: "edit", changes });
    if (dragged) outbox.latest({ t: "drag", changes: [] }); // after the edit, so that nothing jumps back
  },
  select(ids) {
    update([{ t: "$select", ids }]);
    outbox.latest({ t: "select", ids });
  },
  undo: () => { if (allowed()) act({ t: "undo" }); },
  redo: () => { if (allowed()) act({ t: "redo" }); },
  chosen: (tool) => {
    get("sheet").dataset.tool = tool;
    for (const button of document.querySelectorAll("button[data-tool]")) button.setAttribute("aria-pressed", button.dataset.tool === tool);
    later();
  },
  toggleGrid() {
    grid = !grid;
    keep("localStorage", "grid", grid ? "on" : "");
    later();
  },
  content: () => (page.shapes().size ? union([...page.shapes().values()]) : null),
};
const wanted = new Wanted(page);
const stage = new Stage({ sheet: get("sheet"), editor: get("editor"), camera, page });
const files = new Files({ ...page, stage, camera, wanted, name: room, all: () => (page.shapes(), scene.ordered) });
new Keys({ sheet: get("sheet"), stage, camera, page });

/** What buttons do that are no tools. */
const ACTS = {
  undo: page.undo, redo: page.redo, help: page.help, grid: page.toggleGrid,
  front: () => stage.front(), back: () => stage.back(), duplicate: () => stage.duplicate(), remove: () => stage.remove(),
  in: () => camera.zoom(1.25), out: () => camera.zoom(0.8), fit: () => (page.content() ? camera.fit(page.content()) : camera.home()),
  png: () => files.save("png"), svg: () => files.save("svg"), json: () => files.save("json"), import: () => get("import").click(),
};

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
  visited(room, withLink(location.pathname));
  way.ask();
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
  if (state.phase !== before.phase) {
    if (!["live", "loading"].includes(state.phase)) outbox.stop();
    if (before.phase === "live") way.leave();
  }
  if (state.pending !== before.pending) outbox.offer(unsent());
  if (state.pending[0]?.op !== before.pending[0]?.op) {
    clearTimeout(lateness);
    lateness = state.pending.length ? setTimeout(() => update([{ t: "$late" }]), LATE) : null;
  }
  if (state.error !== before.error) {
    clearTimeout(reading);
    if (state.error) reading = setTimeout(() => update([{ t: "$noted" }]), READ);
  }
  later();
}

/** Draw once with the next frame. */
function later() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(draw);
}

function draw() {
  drawing = false;
  drawState();
  drawSheet();
  for (const panel of panels) panel.draw(state);
  chat.draw(state);
  wanted.shareWindow?.draw(state);
}

function drawState() {
  const text = stateText(state);
  get("state").dataset.phase = state.silent ? "silent" : state.phase;
  document.body.classList.toggle("was", state.epoch > 0 && (state.silent || !["live", "connecting", "loading"].includes(state.phase)));
  if (get("state-text").textContent !== text) get("state-text").textContent = text;
  get("wake").hidden = !["asleep", "ended"].includes(state.phase);
  get("wake").textContent = state.phase === "asleep" ? "Wake it" : "Try again";
  const why = sentence(state.error ?? (["reconnecting", "offline"].includes(state.phase) ? state.detail : ""));
  if (get("note").textContent !== why) get("note").textContent = why;
  get("note").classList.toggle("wrong", state.error !== null);
  const live = state.phase === "live";
  for (const control of document.querySelectorAll(".edits")) control.disabled = !allowed();
  for (const control of document.querySelectorAll(".control")) control.disabled = !live || !allowed();
}

function drawSheet() {
  const { view } = camera;
  const held = stage.held();
  const grips = stage.tool === "select" && allowed() && !stage.gesture?.area;
  if (scene.draw(state, { view, gesture: stage.gesture, grips, grid })) later();
  stage.writing.place();
  wanted.looks(allowed() && (held.length > 0 || stage.tool !== "select") && stage.gesture === null, held);
  for (const button of document.querySelectorAll(".on-held")) button.disabled = !held.length;
  get("zoom").textContent = `${Math.round(view.scale * 100)}%`;
  document.querySelector('[data-act="grid"]').setAttribute("aria-pressed", grid);
  const { style } = get("looks");
  const own = page.palette();
  style.setProperty("--own-stroke", own.stroke);
  style.setProperty("--own-fill", own.fill);
  get("hint").hidden = state.phase !== "live" || scene.ordered.length > 0 || stage.gesture !== null || stage.writing.shape !== null;
  get("hint-alone").hidden = state.members.size > 1;
  get("hint-draw").hidden = !allowed();
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
  offerRegions(get("region"), [], "Move to…");
  const { regions } = await ask("/api/rooms").catch(() => ({ regions: [] }));
  offerRegions(get("region"), regions, "Move to…");
}

// A lobby that sent us round on the way here (app/onward.py) counts in the address; nobody needs to see or share that.
history.replaceState(null, "", withLink(location.pathname));
document.title = title;
get("title").textContent = room;
get("name").value = remember("localStorage", "name", guest);
const listen = (id, kind, heard) => get(id).addEventListener(kind, heard);
listen("name", "change", rename);
listen("name", "keydown", (event) => { if (event.key === "Enter") get("sheet").focus(); }); // where letters count
listen("say", "submit", say);
listen("share", "click", () => wanted.share());
listen("unread", "click", () => { get("log").scrollTop = get("log").scrollHeight; get("text").focus(); });
listen("wake", "click", () => connection.wake());
listen("sleep", "click", () => connection.send({ t: "sleep" }));
listen("import", "change", (event) => files.open(event.target));
listen("move", "submit", (event) => {
  event.preventDefault();
  if (get("region").value) connection.send({ t: "move", region: get("region").value });
});
addEventListener("click", ({ target }) => {
  const { tool, act: name } = target.closest?.("[data-tool], [data-act]")?.dataset ?? {};
  if (tool && target.closest("button")) stage.choose(tool);
  if (!name) return;
  ACTS[name]();
  get("file").open = false;
});
addEventListener("online", () => connection.hurry());
addEventListener("offline", () => connection.again());
addEventListener("beforeunload", (event) => { if (state.pending.length) event.preventDefault(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) connection.hurry(); });
closable(document.querySelectorAll("details.menu"));
stage.choose("select");
offerMove();
// Only a frame of another page has a name, or should have one.
Promise.resolve(self.name && import("./embedded.js").then((it) => it.embed(connection))).finally(() => connection.connect());
draw();
performance.mark("interactive");
