// What the browser remembers of us, and names and numbers that nobody can guess.

/** A storage may be forbidden, as in a frame of another site; then nothing is remembered. `which` is its name. */
export function remember(which, key, make) {
  try {
    return globalThis[which].getItem(key) ?? keep(which, key, make());
  } catch {
    return make();
  }
}

export function keep(which, key, value) {
  try {
    globalThis[which].setItem(key, value);
  } catch { /* not remembered */ }
  return value;
}

const RECENT = 8; // rooms

/** The rooms that were visited last, [{room, path}], the newest first. */
export function recents() {
  try {
    return JSON.parse(remember("localStorage", "recent", () => "[]")).filter(({ room, path }) => room && path.startsWith("/rooms/"));
  } catch {
    return [];
  }
}

/** We are in this room, by a path that has its link. */
export function visited(room, path) {
  keep("localStorage", "recent", JSON.stringify([{ room, path }, ...recents().filter((one) => one.room !== room)].slice(0, RECENT)));
}

/** So many random letters and digits. */
export function random(length) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const bytes = crypto.getRandomValues(new Uint8Array(4 * length)).filter((byte) => byte < 248); // no letter is likelier
  return bytes.length < length ? random(length) : Array.from(bytes.slice(0, length), (byte) => letters[byte % 62]).join("");
}

const GUESTS = ["Heron", "Otter", "Lynx", "Wren", "Fox", "Hare", "Newt", "Swift", "Badger", "Marten"];

/** A name for somebody who has not given one. */
export function guest() {
  return `${GUESTS[Math.floor(Math.random() * GUESTS.length)]} ${Math.floor(Math.random() * 90 + 10)}`;
}
