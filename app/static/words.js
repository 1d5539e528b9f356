// Small texts: how long ago, the time of day, links in a line of chat. Pure.

/** "just now", "5 min ago", "3 h ago", "2 d ago". */
export function ago(then, now) {
  const seconds = Math.max(0, now - then);
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
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

const CLOSES = {
  4000: "This page is too old for the room: load it again.",
  4003: "You sent too much at once and were disconnected.",
  4005: "The room is full.",
};

/** What to tell somebody whose connection ended for good, or null when coming back is the answer. */
export function finalWord(code) {
  return CLOSES[code] ?? null;
}
