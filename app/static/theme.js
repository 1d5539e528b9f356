// The colours of the style sheet for what is drawn on canvases: asked for once for each theme, since asking is slow.

export const DARK = matchMedia("(prefers-color-scheme: dark)");
const known = new Map();
DARK.addEventListener("change", () => known.clear());

/** A custom property's value, such as "--ink". */
export function themed(name) {
  if (!known.has(name)) known.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return known.get(name);
}

/** Call `act` when the theme has changed. */
export function onTheme(act) {
  DARK.addEventListener("change", act);
}
