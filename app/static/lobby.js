// The lobby: which rooms there are and where they live, and how to make one.

import { CODES, city, placeName } from "./regions.js";
import { ago } from "./words.js";

const get = (id) => document.getElementById(id);
const form = get("create");
const note = get("create-note");
const list = get("list");
const ADVICE = note.textContent;
const ROOM = /^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/;

/** Fetch JSON, or throw an Error whose text is the server's own sentence. */
async function ask(url, options) {
  let answer;
  try {
    answer = await fetch(url, { cache: "no-store", ...options });
  } catch {
    throw new Error("The machine cannot be reached. Check your connection and try again.");
  }
  if (!answer.ok) throw Object.assign(new Error(sentence(await answer.text(), answer.status)), { status: answer.status });
  return answer.json();
}

function sentence(text, status) {
  const line = text.trim().split("\n")[0];
  if (!line || line.startsWith("<") || line.length > 300) return `The answer was ${status}. Try again.`;
  return line[0].toUpperCase() + line.slice(1) + (line.endsWith(".") ? "" : ".");
}

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
  const machine = cell("td", cell("code", room.machine));
  machine.title = `app ${room.app}, epoch ${room.epoch}`;
  const since = cell("time", ago(room.since, Date.now() / 1000));
  since.dateTime = new Date(room.since * 1000).toISOString();
  since.title = new Date(room.since * 1000).toLocaleString();
  const cells = [name, cell("td", placeName(room.region)), machine, cell("td", since)];
  cells.push(cell("td", room.members === null ? "–" : String(room.members), "number"));
  ["Room", "Lives in", "Machine", "Since", "Members"].forEach((label, n) => { cells[n].dataset.label = label; });
  const element = document.createElement("tr");
  element.append(...cells);
  return element;
}

function offer(regions) {
  const select = get("region");
  const chosen = select.value;
  const group = (label, codes) => {
    const element = document.createElement("optgroup");
    element.label = label;
    element.append(...codes.map((code) => new Option(`${city(code)} (${code})`, code)));
    return element;
  };
  const known = regions.filter((code) => CODES.includes(code));
  const others = CODES.filter((code) => !known.includes(code));
  select.replaceChildren(new Option("Where I am now", ""));
  if (known.length) select.append(group("This app is here", known));
  select.append(group("If this app has a machine there", others));
  select.value = chosen;
}

async function refresh() {
  const [table, empty, failed] = [list.querySelector("table"), list.querySelector(".empty"), list.querySelector(".failed")];
  list.setAttribute("aria-busy", "true");
  try {
    const { rooms, regions, shared } = await ask("/api/rooms");
    get("unshared").hidden = shared;
    offer(regions);
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

async function create(event) {
  event.preventDefault();
  const room = form.room.value.trim().toLowerCase();
  const region = form.region.value;
  if (!ROOM.test(room)) {
    complain(room ? `“${room}” cannot be a name: use a–z, 0–9 and hyphens, no hyphen at an end.` : "Give the room a name.");
    return;
  }
  form.querySelector("button").disabled = true;
  say(region ? `Asking for a machine in ${city(region)}…` : "Creating…");
  try {
    await ask(`/api/rooms/${room}${region ? `?region=${region}` : ""}`, { method: "PUT" });
    location.assign(`/rooms/${room}`);
  } catch (error) {
    complain(error.message);
    if (error.status === 409) {
      const link = cell("a", "Open it");
      link.href = `/rooms/${room}`;
      note.append(" ", link);
    }
    form.querySelector("button").disabled = false;
    refresh();
  }
}

function say(text, wrong = false) {
  note.textContent = text;
  note.classList.toggle("wrong", wrong);
  form.room.toggleAttribute("aria-invalid", wrong);
}

function complain(text) {
  say(text, true);
  form.room.focus();
}

async function answered() {
  const { answered_by: me, path } = await ask("/api/where");
  const edge = path.edge ? ` through the edge in ${placeName(path.edge)}` : "";
  get("answered").textContent = `Answered by machine ${me.machine} in ${placeName(me.region)}${edge}.`;
}

form.addEventListener("submit", create);
form.room.addEventListener("input", () => say(ADVICE));
get("again").addEventListener("click", refresh);
addEventListener("pageshow", (event) => { if (event.persisted) refresh(); });
refresh();
answered().catch(() => {});
