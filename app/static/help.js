// The window with the keyboard shortcuts of keys.js. Loaded when somebody asks for it.

import { element } from "./panels.js";

const WINDOW = `
  <div class="row"><h2 id="help-title">Keyboard shortcuts</h2>
    <form method="dialog"><button aria-label="Close">✕</button></form></div>
  <p class="note">Letters count while the sheet has the focus: click on it, or go there by Tab.</p>
  <dl id="help-list"></dl>
`;

/** [keys, what they do] */
const SHORTCUTS = [
  ["V P R O L A N T", "Select, pen, rectangle, ellipse (O), line, arrow, sticky note, text"],
  ["Arrows", "Move what is selected, else your pointer; with Shift finely"],
  ["Enter", "Write on what is selected, else use the tool at your pointer"],
  ["Ctrl Arrows", "Resize"], [", .", "Turn by 15°"], ["[ ]", "Select the one below or above"], ["Shift [ ]", "To the back, to the front"],
  ["Ctrl A", "Select all"], ["Esc", "Let go"], ["Delete", "Delete"], ["Ctrl D", "Duplicate"],
  ["Ctrl C X V", "Copy, cut, paste"], ["Ctrl Z", "Undo what you did"], ["Ctrl Shift Z", "Redo"],
  ["+ −", "Zoom; also Ctrl and the wheel, or pinch"], ["0 1", "The whole sheet; all that was drawn"],
  ["Space", "Hold and drag, or hold and use the arrows, to move about"], ["G", "Grid"], ["?", "This sheet"],
  ["Shift", "While dragging: keep proportions, level lines, turn in steps"], ["Alt", "While dragging: do not snap"],
];

/** Fill the window, once. */
export function fillHelp(dialog) {
  if (dialog.children.length) return;
  dialog.innerHTML = WINDOW; // ours alone: nobody's text is in it
  dialog.lastElementChild.append(...SHORTCUTS.map(([keys, what]) => {
    const names = element("dt", "");
    for (const key of keys.split(" ")) names.append(element("kbd", "", key), " ");
    return element("div", "", names, element("dd", "", what));
  }));
}
