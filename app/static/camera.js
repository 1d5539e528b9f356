// Moves the view over the sheet: wheel, pinch, drag with Space or the middle button, and the buttons in the corner.

import { HOME, fitted, panned, toPlace, zoomed } from "./view.js";

const WHEEL = 0.0022; // zoom for a pixel of the wheel (our choice: a notch of 100 is a quarter)
const LINE = 32; // pixels of a line, for wheels that count lines

export class Camera {
  /** `changed()` is told of every new view. */
  constructor(sheet, changed) {
    Object.assign(this, { sheet, changed, view: fitted(HOME, { width: 1, height: 1 }), own: false, space: false, held: new Map(), grip: null });
    sheet.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    for (const name of ["pointerup", "pointercancel"]) sheet.addEventListener(name, (event) => this.up(event), true);
    addEventListener("keyup", (event) => { if (event.key === " ") this.hold(false); });
    addEventListener("blur", () => this.hold(false));
    new ResizeObserver(() => this.resize()).observe(sheet);
    this.resize();
  }

  /** Until somebody moves the view, it shows all of the usual part, whatever the size. */
  resize() {
    const { clientWidth: width, clientHeight: height } = this.sheet;
    if (width && height) this.show(this.own ? { ...this.view, width, height } : fitted(HOME, { width, height }), this.own);
  }

  show(view, own = true) {
    this.view = view;
    this.own = own;
    this.changed(view);
  }

  home() {
    this.show(fitted(HOME, this.view), false);
  }

  fit(box) {
    this.show(fitted(box, this.view));
  }

  zoom(factor, at = {}) {
    this.show(zoomed(this.view, factor, at.x, at.y));
  }

  pan(dx, dy) {
    this.show(panned(this.view, dx, dy));
  }

  /** Where an event is, in pixels of the sheet. */
  pixel(event) {
    const box = this.sheet.getBoundingClientRect();
    return { x: event.clientX - box.left - this.sheet.clientLeft, y: event.clientY - box.top - this.sheet.clientTop };
  }

  place(event) {
    const { x, y } = this.pixel(event);
    return toPlace(this.view, x, y);
  }

  wheel(event) {
    event.preventDefault();
    const unit = event.deltaMode ? LINE : 1;
    const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
    if (event.ctrlKey || event.metaKey) this.zoom(Math.exp(-Math.max(-150, Math.min(150, dy)) * (Math.abs(dy) < 20 ? 5 * WHEEL : WHEEL)), this.pixel(event));
    else if (event.shiftKey && !dx) this.pan(-dy, 0);
    else this.pan(-dx, -dy);
  }

  /** While Space is held, the pointer takes hold of the sheet. */
  hold(space) {
    this.space = space;
    this.sheet.toggleAttribute("data-grab", space || this.grip !== null);
  }

  /** Whether this pointer moves the view, and so draws nothing. */
  down(event) {
    this.held.set(event.pointerId, this.pixel(event));
    const [first, second] = [...this.held.values()];
    if (event.button === 1 || (this.space && event.button === 0)) this.grip = { at: first };
    else if (second) this.grip = { at: middle(first, second), apart: apart(first, second) };
    if (this.grip === null) return false;
    event.preventDefault();
    this.sheet.setPointerCapture(event.pointerId);
    this.hold(this.space);
    return true;
  }

  moved(event) {
    if (this.held.has(event.pointerId)) this.held.set(event.pointerId, this.pixel(event));
    if (this.grip === null) return false;
    const [first, second] = [...this.held.values()];
    const at = second ? middle(first, second) : first;
    let view = panned(this.view, at.x - this.grip.at.x, at.y - this.grip.at.y);
    if (second && this.grip.apart) view = zoomed(view, apart(first, second) / this.grip.apart, at.x, at.y);
    this.grip = { at, apart: second ? apart(first, second) : 0 };
    this.show(view);
    return true;
  }

  /** With the first finger that is lifted a pinch is over; the other does nothing until it is lifted too. */
  up(event) {
    this.held.delete(event.pointerId);
    if (this.grip === null) return;
    const [left] = this.held.values();
    this.grip = left ? { at: left, apart: 0 } : null;
    this.hold(this.space);
  }
}

function middle(a, b) {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

function apart(a, b) {
  return Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
}
