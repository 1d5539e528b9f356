// The buttons that are pictures, as markup of ours alone; what each does is found by its data-tool or data-act.

/** [name, what it does and by which key, its picture as a path on a square of 20] */
const TOOLS = [
  ["select", "Select and move (V)", "M4 2l12 9-6 1 4 6-2.5 1.5-3.5-6-4 4z"],
  ["pen", "Pen (P)", "M3 17l1-5 9-9 4 4-9 9zM11 5l4 4"],
  ["rect", "Rectangle (R)", "M3 5h14v10H3z"],
  ["ellipse", "Ellipse (O)", "M2.5 10a7.5 5.5 0 1 0 15 0a7.5 5.5 0 1 0-15 0"],
  ["line", "Line (L)", "M3 17L17 3"],
  ["arrow", "Arrow (A)", "M3 17L17 3M9 3h8v8"],
  ["note", "Sticky note (N)", "M3 3h14v9l-5 5H3zM17 12h-5v5M6 7h8M6 10h5"],
  ["text", "Text (T)", "M4 6V4h12v2M10 4v13M7.5 17h5"],
];

const UNDO = [
  ["undo", "Undo what you did (Ctrl-Z)", "M7 4L3 8l4 4M3 8h9a5 5 0 0 1 0 9H8"],
  ["redo", "Redo (Ctrl-Shift-Z)", "M13 4l4 4-4 4M17 8H8a5 5 0 0 0 0 9h4"],
];

/** Such buttons; all of them have the class `group`. */
export function buttons(kind, group, list) {
  return list.map(([name, title, path]) =>
    `<button class="${group}" data-${kind}="${name}" title="${title}"><svg viewBox="0 0 20 20"><path d="${path}"/></svg></button>`).join("");
}

export function fillToolbars(get) {
  get("tools").innerHTML = buttons("tool", "edits", TOOLS);
  get("undo").innerHTML = buttons("act", "edits", UNDO);
}
