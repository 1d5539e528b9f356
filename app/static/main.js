// The room's page: wires the connection, the reducer and the panels together, and nothing else.

import { Area } from "./area.js";
import { Connection } from "./connection.js";
import { ChatPanel, drawPath, drawPeople } from "./panels.js";
import { placeName } from "./regions.js";
import { initial, reduce } from "./room.js";
import { finalWord } from "./words.js";

const get = (id) => document.getElementById(id);
const room = decodeURIComponent(location.pathname.split("/").pop());
const secret = remember(sessionStorage, `key ${room}`, () => random(24));

let state = initial();
let drawing = false;

const connection = new Connection({
  url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/rooms/${room}/ws`,
  hello: () => ({ t: "hello", v: 1, key: secret, name: get("name").value.trim() || "guest", log: state.log, since: state.seq }),
  heard: hear,
  changed: (phase, detail) => update({ t: "$phase", phase: navigator.onLine === false && phase === "reconnecting" ? "offline" : phase, detail }),
  ended: finalWord,
});
const area = new Area(get("area"), get("cursors"), {
  point: (at) => connection.send(at ? { t: "cursor", ...at } : { t: "cursor" }),
});
const chat = new ChatPanel(get("log"));

function hear(message) {
  update(message);
  if (state.gap) connection.again();
  else if (message.t === "welcome") {
    // What was said while we were away, or never acknowledged: the same operations again, which is harmless.
    for (const one of state.pending) connection.send({ t: "say", ...one });
    // The name may have been changed after our hello had gone.
    if (state.members[state.you]?.name !== get("name").value.trim()) rename();
  }
}

function update(message) {
  state = reduce(state, message);
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(draw);
}

function draw() {
  drawing = false;
  drawState();
  chat.draw(state);
  drawPeople(get("people"), get("count"), state);
  drawPath(get("path"), state);
  area.draw(state.cursors, state.members, state.you);
  get("rtt").textContent = state.rtt === null ? "–" : `${state.rtt < 10 ? state.rtt.toFixed(1) : Math.round(state.rtt)} ms`;
  get("epoch").textContent = state.epoch || "–";
  get("seq").textContent = state.log ? state.seq : "–";
  get("stored").textContent = state.log ? state.stored : "–";
  get("chat-note").textContent = state.error ?? "";
  const others = Object.keys(state.cursors).filter((id) => id !== state.you).length;
  const alone = state.phase === "live" && Object.keys(state.members).length < 2;
  get("hint").hidden = others > 0 || state.phase !== "live";
  get("hint").textContent = alone
    ? "You are alone here. Open this link in a second window, or send it to somebody: you will see each other move."
    : "Move your pointer or a finger here: the others see it.";
}

function drawState() {
  const texts = {
    connecting: "Connecting…",
    live: `Live in ${placeName(state.region)}`,
    reconnecting: state.detail ? `Reconnecting, ${state.detail}…` : "Reconnecting…",
    moved: "The room moved, following…",
    offline: "Offline",
    ended: state.detail,
  };
  const waiting = state.pending.length;
  const text = texts[state.phase] + (waiting && state.phase !== "live" ? ` ${waiting} unsent` : "");
  get("state").dataset.phase = document.body.dataset.phase = state.phase;
  if (get("state-text").textContent !== text) get("state-text").textContent = text;
}

function say(event) {
  event.preventDefault();
  const text = get("text").value.trim();
  if (!text) return;
  const one = { op: random(12), text };
  update({ t: "$say", ...one });
  connection.send({ t: "say", ...one });
  get("text").value = "";
}

async function share() {
  const button = get("share");
  try {
    await navigator.clipboard.writeText(location.href);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Copy it from the address bar";
  }
  setTimeout(() => { button.textContent = "Copy link"; }, 2000);
}

function rename() {
  const name = get("name").value.trim();
  if (!name) return;
  keep(localStorage, "name", name);
  connection.send({ t: "rename", name });
}

/** A storage may be forbidden, as in a frame of another site; then nothing is remembered. */
function remember(storage, key, make) {
  try {
    return storage.getItem(key) ?? keep(storage, key, make());
  } catch {
    return make();
  }
}

function keep(storage, key, value) {
  try {
    storage.setItem(key, value);
  } catch { /* not remembered */ }
  return value;
}

function random(length) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => letters[byte % 64]).join("");
}

const GUESTS = ["Heron", "Otter", "Lynx", "Wren", "Fox", "Hare", "Newt", "Swift", "Badger", "Marten"];
document.title = `${room} · Rooms`;
get("title").textContent = room;
get("name").value = remember(localStorage, "name", () => `${GUESTS[Math.floor(Math.random() * GUESTS.length)]} ${Math.floor(Math.random() * 90 + 10)}`);
get("name").addEventListener("change", rename);
get("name").addEventListener("keydown", (event) => { if (event.key === "Enter") event.target.blur(); });
get("say").addEventListener("submit", say);
get("share").addEventListener("click", share);
addEventListener("online", () => connection.hurry());
addEventListener("offline", () => update({ t: "$phase", phase: "offline" }));
document.addEventListener("visibilitychange", () => { if (!document.hidden) connection.hurry(); });
connection.connect();
draw();
