// Paints one shape on a 2D context whose units are those of the sheet. Keeps nothing but how texts break into lines.

import { DEFAULTS } from "./document.js";
import { LETTERS, box, letters, turn } from "./geometry.js";

export const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";
export const NOTE = { fill: "#fff3bf", ink: "#1d1b26" }; // paper is pale in both themes
export const LINE = 1.25;
const PADDING = 14;

const SMALLEST = 4; // pixels: letters that are smaller on the screen are not worth their time
const broken = new WeakMap(); // shape → its text in lines
const fonts = new WeakMap(); // context → its font: to set one is slow

/** `ink` is what black is in this theme, `paper` what is written with on it, `scale` how many pixels a unit has. */
export function paint(context, shape, { ink, paper, scale }) {
  const around = box(shape);
  const whole = { ...DEFAULTS, ...shape };
  const colour = (name) => (name === "black" ? ink : name === "paper" ? paper : name);
  turn(context, around, whole.r);
  context.globalAlpha = whole.opacity;
  context.lineWidth = whole.sw;
  context.strokeStyle = colour(whole.stroke);
  context.fillStyle = colour(whole.fill);
  (DRAW[whole.kind] ?? DRAW.rect)(context, whole, around);
  if (whole.text && letters(shape) * scale >= SMALLEST) write(context, shape, around, colour);
  turn(context, around, -whole.r); // quicker than to save and restore all of it
}

/** The context has another font than the one that was set here. */
export function unfont(context) {
  fonts.delete(context);
}

/** The colour of a shape's letters: "black" and "paper" are the theme's. */
export function textColour({ kind, fill, stroke }) {
  if (kind === "text") return painted(fill) ? fill : painted(stroke) ? stroke : DEFAULTS.stroke;
  if (fill === "black") return "paper";
  if (!painted(fill)) return kind === "note" ? NOTE.ink : "black";
  return dark(fill) ? "#ffffff" : NOTE.ink;
}

/** Whether white letters are told better than black ones on "#rrggbb" (relative luminance as in WCAG 2, nearly). */
function dark(colour) {
  const [red, green, blue] = [1, 3, 5].map((n) => (parseInt(colour.slice(n, n + 2), 16) / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.18;
}

/** The part of a shape that its text may fill: of an ellipse the rectangle that touches it from inside, at its diagonals. */
export function textBox(shape, { x, y, w, h } = box(shape)) {
  const corner = (1 - Math.SQRT1_2) / 2;
  const [dx, dy] = shape.kind === "text" ? [0, 0] : shape.kind === "ellipse" ? [w * corner, h * corner] : [PADDING, PADDING];
  return { x: x + dx, y: y + dy, w: w - 2 * dx, h: h - 2 * dy };
}

/** The lines of a shape's text: [{text, x, y}], upper left corners. */
export function lines(context, shape, around = box(shape)) {
  const free = shape.kind === "text";
  const size = letters(shape);
  const { x, y, w } = textBox(shape, around);
  const font = `${free ? 500 : 400} ${size}px ${FONT}`;
  if (fonts.get(context) !== font) {
    context.font = font;
    fonts.set(context, font);
  }
  let found = broken.get(shape);
  if (!found) broken.set(shape, (found = wrapped(context, shape.text, free ? Infinity : w)));
  return found.map((text, n) => ({ text, x, y: y + n * size * LINE }));
}

function write(context, shape, around, colour) {
  const rows = lines(context, shape, around);
  context.textBaseline = "top";
  context.fillStyle = colour(textColour(shape));
  const clipped = shape.kind !== "text" && rows.length * LETTERS.note * LINE + 2 * PADDING > around.h;
  if (clipped) {
    context.save();
    context.beginPath();
    context.rect(around.x, around.y, around.w, around.h);
    context.clip();
  }
  for (const { text, x, y } of rows) context.fillText(text, x, y);
  if (clipped) {
    context.restore();
    unfont(context);
  }
}

// How each kind looks; colours and width are set already, `fill` and `stroke` say which of them count.
const DRAW = {
  rect(context, shape, { x, y, w, h }) {
    context.beginPath();
    context.roundRect(x, y, w, h, Math.min(4, w / 2, h / 2));
    colour(context, shape);
  },
  note(context, shape, { x, y, w, h }) {
    context.beginPath();
    context.roundRect(x, y, w, h, Math.min(6, w / 2, h / 2));
    if (!painted(shape.fill)) context.fillStyle = NOTE.fill;
    context.fill();
    colour(context, { stroke: shape.stroke });
  },
  ellipse(context, shape, { x, y, w, h }) {
    context.beginPath();
    context.ellipse(x + w / 2, y + h / 2, w / 2, h / 2, 0, 0, 2 * Math.PI);
    colour(context, shape);
  },
  pen(context, { x, y, points, stroke }) {
    context.beginPath();
    context.moveTo(x + (points[0] ?? 0), y + (points[1] ?? 0));
    context.lineTo(x + (points[0] ?? 0), y + (points[1] ?? 0)); // a dot, if that is all
    for (let n = 2; n + 1 < points.length; n += 2) context.lineTo(x + points[n], y + points[n + 1]);
    colour(context, { stroke });
  },
  line(context, { x, y, w, h, stroke }) {
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + w, y + h);
    colour(context, { stroke });
  },
  arrow(context, shape) {
    context.beginPath();
    context.moveTo(shape.x, shape.y);
    context.lineTo(shape.x + shape.w, shape.y + shape.h);
    for (const [x, y] of head(shape)) {
      context.moveTo(shape.x + shape.w, shape.y + shape.h);
      context.lineTo(x, y);
    }
    colour(context, { stroke: shape.stroke });
  },
  text() {}, // has letters alone
};

/** Where the two strokes of an arrow's head end. */
export function head({ x, y, w = 0, h = 0, sw = DEFAULTS.sw }) {
  const [angle, size] = [Math.atan2(h, w), 10 + 2 * sw];
  return [-0.45, 0.45].map((side) => [x + w - size * Math.cos(angle + side), y + h - size * Math.sin(angle + side)]);
}

export function painted(colour) {
  return colour !== undefined && colour !== "none";
}

function colour(context, { fill, stroke }) {
  if (painted(fill)) context.fill();
  if (painted(stroke) && context.lineWidth) context.stroke();
}

/** The text in lines no wider than `width`, broken between words where that is possible. */
function wrapped(context, text, width) {
  const found = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(/(?<=\s)/)) {
      if (line && context.measureText((line + word).trimEnd()).width > width) {
        found.push(line);
        line = "";
      }
      line += word;
      while (line.length > 1 && context.measureText(line.trimEnd()).width > width) {
        let fits = line.length - 1;
        while (fits > 1 && context.measureText(line.slice(0, fits)).width > width) fits -= 1;
        found.push(line.slice(0, fits));
        line = line.slice(fits);
      }
    }
    found.push(line);
  }
  return found;
}
