// Which part of the sheet is seen and how large: places of the sheet ↔ pixels of its element. Pure.
//
// A view is {x, y, scale, width, height}: the place in the middle, pixels a unit, the element's size in pixels.

/** The part of the sheet that every page begins with. */
export const HOME = { x: -800, y: -500, w: 1600, h: 1000 };

const FAR = 32_767; // the sheet ends there (docs/protocol.md)
const [LEAST, MOST] = [0.05, 8]; // pixels a unit (our choice)
const BORDER = 24; // pixels that stay free around what is fitted in

export const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

/** The view of a size that has all of a box in it. */
export function fitted(box, { width, height }, border = BORDER) {
  const scale = Math.min((width - 2 * border) / Math.max(1, box.w), (height - 2 * border) / Math.max(1, box.h));
  return { x: box.x + box.w / 2, y: box.y + box.h / 2, scale: clamp(scale, LEAST, 2), width, height };
}

/** The place under a pixel, as whole units. */
export function toPlace(view, px, py) {
  const whole = (value) => clamp(Math.round(value), -FAR, FAR);
  return { x: whole(view.x + (px - view.width / 2) / view.scale), y: whole(view.y + (py - view.height / 2) / view.scale) };
}

export function toPixel(view, { x, y }) {
  return { x: (x - view.x) * view.scale + view.width / 2, y: (y - view.y) * view.scale + view.height / 2 };
}

export function panned(view, dx, dy) {
  return { ...view, x: clamp(view.x - dx / view.scale, -FAR, FAR), y: clamp(view.y - dy / view.scale, -FAR, FAR) };
}

/** Zoomed so that the place under the pixel stays where it is. */
export function zoomed(view, factor, px = view.width / 2, py = view.height / 2) {
  const scale = clamp(view.scale * factor, LEAST, MOST);
  const by = 1 / view.scale - 1 / scale;
  return { ...view, scale, x: clamp(view.x + (px - view.width / 2) * by, -FAR, FAR), y: clamp(view.y + (py - view.height / 2) * by, -FAR, FAR) };
}

/** The part of the sheet that is seen. */
export function seen({ x, y, scale, width, height }) {
  return { x: x - width / 2 / scale, y: y - height / 2 / scale, w: width / scale, h: height / scale };
}
