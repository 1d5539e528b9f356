// The lobby: which rooms there are and where they live, and how to make one.

import { ago } from "./ago.js";
import { ask } from "./api.js";
import { recents } from "./memory.js";
import { city, offerRegions, placeName } from "./regions.js";

const get = (id) => document.getElementById(id);
const form = get("create");
const note = get("create-note");
const list = get("list");
const ADVICE = note.textContent;
const ROOM = /^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/;

function cell(tag, content, className) {
  const element = document.createElement(tag);
  element.append(content);
  if (className) element.className = className;
  return element;
}

function row(room) {
  const link = cell("a", room.room);
  link.href = `/rooms/${room.room}`;
  const name = cell("th", link);
  name.scope = "row";
  if (room.public === "view") name.append(" ", cell("span", "look only", "you"));
  const machine = cell("td", cell("code", room.machine));
  machine.title = `app ${room.app}, epoch ${room.epoch}`;
  const since = cell("time", ago(room.since, Date.now() / 1000));
  since.dateTime = new Date(room.since * 1000).toISOString();
  since.title = new Date(room.since * 1000).toLocaleString();
  const state = cell("td", cell("span", room.awake ? "awake" : "asleep", room.awake ? "awake" : "asleep"));
  const members = room.members === null || room.members === undefined ? "–" : String(room.members);
  const cells = [name, cell("td", placeName(room.region)), machine, state, cell("td", since), cell("td", members, "number")];
  ["Room", "Lives in", "Machine", "State", "Since", "Members"].forEach((label, n) => { cells[n].dataset.label = label; });
  const element = document.createElement("tr");
  element.append(...cells);
  return element;
}

async function refresh() {
  const [table, empty, failed] = [list.querySelector("table"), list.querySelector(".empty"), list.querySelector(".failed")];
  list.setAttribute("aria-busy", "true");
  try {
    const { rooms, regions, shared, paid } = await ask("/api/rooms");
    get("paid").textContent = price(paid);
    get("unshared").hidden = shared;
    offerRegions(get("region"), regions, "Where I am now");
    table.tBodies[0].replaceChildren(...rooms.map(row));
    table.hidden = get("legend").hidden = rooms.length === 0;
    empty.hidden = rooms.length > 0;
    failed.hidden = true;
  } catch (error) {
    failed.textContent = error.message;
    failed.hidden = false;
  }
  list.setAttribute("aria-busy", "false");
}

/** What is paid now, as far as this list shows it. */
function price({ machines, size, usd_hour: each, published }) {
  const dollars = (value) => `$${value.toFixed(4)}`;
  const sum = machines === 1 ? `At least 1 machine runs now, for ${dollars(each)} an hour` : `At least ${machines} machines run now, for ${machines} × ${dollars(each)} = ${dollars(machines * each)} an hour`;
  return `${sum}: Fly’s published price (${published}) of ${size} in its base regions. Counted are the machine that answered and those of the rooms that are awake.`;
}

/** Make a room with `act`, which gives the path of its page; meanwhile nothing else can be made. */
async function make(act) {
  const region = form.region.value;
  const buttons = form.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  say(region ? `Asking for a machine in ${city(region)}…` : "Creating…");
  try {
    location.assign(await act(region ? `?region=${region}` : ""));
  } catch (error) {
    return error;
  } finally {
    for (const button of buttons) button.disabled = false;
  }
  return null;
}

async function createNamed(event) {
  event.preventDefault();
  const room = form.room.value.trim().toLowerCase();
  if (!ROOM.test(room)) {
    complain(room ? `“${room}” cannot be a name: use a–z, 0–9 and hyphens, no hyphen at an end.` : "Give the room a name.");
    return;
  }
  const error = await make(async (where) => {
    await ask(`/api/rooms/${room}${where}`, { method: "PUT" });
    return `/rooms/${room}`;
  });
  if (!error) return;
  complain(error.message);
  if (error.status === 409) {
    const link = cell("a", "Open it");
    link.href = `/rooms/${room}`;
    note.append(" ", link);
  }
  refresh();
}

async function createPrivate() {
  const error = await make(async (where) => (await ask(`/api/rooms${where}`, { method: "POST" })).edit);
  if (error) say(error.message, true);
}

function say(text, wrong = false) {
  note.textContent = text;
  note.classList.toggle("wrong", wrong);
}

function complain(text) {
  say(text, true);
  form.room.setAttribute("aria-invalid", "true");
  form.room.focus();
}

async function answered() {
  const { answered_by: me, path } = await ask("/api/where");
  const edge = path.edge ? ` through the edge in ${placeName(path.edge)}` : "";
  get("answered").textContent = `Answered by machine ${me.machine} in ${placeName(me.region)}${edge}.`;
}

/** Rooms that this browser was in, private ones too: only it has their links. */
function recall() {
  get("recent").hidden = recents().length === 0;
  get("recent").querySelector("ul").replaceChildren(...recents().map(({ room, path }) => {
    const link = cell("a", room);
    link.href = path;
    return cell("li", link);
  }));
}

form.addEventListener("submit", createNamed);
form.room.addEventListener("input", () => { say(ADVICE); form.room.removeAttribute("aria-invalid"); });
get("private").addEventListener("click", createPrivate);
get("again").addEventListener("click", refresh);
addEventListener("pageshow", (event) => { if (event.persisted) refresh(); recall(); });
refresh();
answered().catch(() => {});
