// Elements, texts and words that the parts of the page share.

export function make(name, options = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(options)) {
    if (key === "text") element.textContent = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== false && value !== undefined) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function draw(name, options = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(options)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Change a text only where it differs: a list that is written anew four times a second is mostly as it was. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The same for what is read out, which is also shown to whoever points at it. */
export function name(element, text) {
  if (element.title === text) return;
  element.title = text;
  element.setAttribute("aria-label", text);
}

export const clock = (at) => new Date(at * 1000).toLocaleTimeString([], { hour12: false });

export function ms(value) {
  if (value >= 999.5) return `${(value / 1000).toFixed(value >= 9995 ? 1 : 2)} s`;
  return `${value >= 99.5 ? Math.round(value) : value.toFixed(1)} ms`;
}

export const count = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

/** A list of signs with their words. */
export function legend(label, signs) {
  const items = signs.map(([look, words]) => make("li", {}, make("i", { class: look, "aria-hidden": "true" }), words));
  return make("ul", { class: "fl-legend", "aria-label": label }, ...items);
}

/** The element that an arrow key leads to in a column; null for other keys. */
export function stepped(event, elements, here) {
  const [from, last] = [elements.indexOf(here), elements.length - 1];
  const at = { ArrowUp: from - 1, ArrowDown: from + 1, Home: 0, End: last }[event.key];
  if (at === undefined || from < 0) return null;
  event.preventDefault();
  event.stopPropagation(); // the notebook would go to another cell
  return elements[Math.min(Math.max(at, 0), last)];
}
