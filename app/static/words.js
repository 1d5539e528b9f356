// Small texts: links in a line of chat, what the state of the connection is called. Pure.

import { placeName } from "./regions.js";

/** "3.2 ms", "41 ms", or a dash while nothing was measured. */
export function roundTrip(rtt) {
  if (rtt === null || rtt === undefined || rtt === 0) return "–";
  return `${rtt < 10 ? rtt.toFixed(1) : Math.round(rtt)} ms`;
}

/** The line in pieces, each `{text}` or `{text, href}`; only http and https become links. */
export function pieces(line) {
  const found = [];
  let from = 0;
  for (const match of line.matchAll(/https?:\/\/[^\s<>"'`]+/g)) {
    // A full stop or bracket at the end belongs to the sentence, not to the address.
    const href = match[0].replace(/[.,;:!?)\]}]+$/, "");
    if (match.index > from) found.push({ text: line.slice(from, match.index) });
    found.push({ text: href, href });
    from = match.index + href.length;
  }
  if (from < line.length) found.push({ text: line.slice(from) });
  return found;
}

/** Text as the room takes it: no control characters but line breaks, no half of a character, not too long. */
export function clean(text) {
  const visible = text.replace(/\r\n?/g, "\n").replace(/\t/g, "    ").replace(/[\u0000-\u0009\u000b-\u001f\u007f]/g, "").trim();
  return visible.slice(0, TEXT_CHARS).replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "");
}

const TEXT_CHARS = 2_000;

/** What a server says, as a sentence for people. */
export function sentence(text) {
  const line = text.trim().split("\n")[0];
  return line && line[0].toUpperCase() + line.slice(1) + (/[.!?]$/.test(line) ? "" : ".");
}

const CLOSES = {
  4000: "This page is too old for the room: load it again.",
  4003: "You sent too much at once and were disconnected.",
  4005: "The room is full.",
  4006: "This link does not open the room: it is wrong, or was revoked.",
};

/** The phase and text of a connection that ended for good (or until somebody asks), or null when coming back is the answer. */
export function finalWord(code, why = "") {
  if (why.includes("sleep")) return { phase: "asleep", text: "" };
  return CLOSES[code] ? { phase: "ended", text: CLOSES[code] } : null;
}

/** One short line that says how it stands with the room. */
export function stateText({ phase, detail, region, role, path, pending, silent, late }) {
  const unsaved = pending.length ? ` · ${pending.length} not stored yet` : "";
  const from = path?.replayed_region ? `, replayed from ${path.replayed_region}` : "";
  switch (phase) {
    case "connecting": return `Connecting…${unsaved}`;
    case "waking": return `No answer yet, the room may be waking…${unsaved}`;
    case "loading": return `Loading the room…${unsaved}`;
    case "live": return (silent ? `No answer from ${placeName(region)}…` : `Live in ${placeName(region)}${from}`)
      + (role === "view" ? " · read-only" : silent || pending[0]?.op <= late ? unsaved : "");
    case "moved": return (detail ? `The room moved to ${placeName(detail)}` : "The room moved") + `, following…${unsaved}`;
    case "offline": return `Offline${unsaved}`;
    case "asleep": return `The room was put to sleep${unsaved}`;
    case "ended": return detail + unsaved;
    default: return `Reconnecting…${unsaved}`;
  }
}
