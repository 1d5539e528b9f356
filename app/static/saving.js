// The drawing as a file: PNG, SVG or JSON. Loaded when somebody asks for it.

import { format } from "./arrange.js";
import { DEFAULTS } from "./document.js";
import { bounds, box, letters } from "./geometry.js";
import { FONT, LINE, NOTE, head, lines, paint, painted, textColour } from "./paint.js";

const BORDER = 20; // units around the drawing
const MOST = 8_192; // pixels of a picture's longer side, which every browser can make
const TWICE = 2; // pixels a unit, if they are not too many
const PAPER = { paper: "#ffffff", ink: "#1d1b26" };

/** Let the browser save `shapes` (from the lowest up) as a file of this kind. */
export async function save(kind, shapes, name) {
  const made = { png: () => toPng(shapes), svg: () => blob(toSvg(shapes), "image/svg+xml"), json: () => blob(format(shapes), "application/json") };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await made[kind]());
  link.download = `${name}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function blob(text, type) {
  return new Blob([text], { type });
}

/** The box around all of it, and a border. */
function page(shapes) {
  const all = shapes.map(bounds);
  const [x, y] = [Math.min(...all.map((one) => one.x)) - BORDER, Math.min(...all.map((one) => one.y)) - BORDER];
  return { x, y, w: Math.max(...all.map((one) => one.x + one.w)) + BORDER - x, h: Math.max(...all.map((one) => one.y + one.h)) + BORDER - y };
}

function toPng(shapes) {
  const { x, y, w, h } = page(shapes);
  const scale = Math.min(TWICE, MOST / Math.max(w, h));
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: Math.ceil(w * scale), height: Math.ceil(h * scale) });
  const context = canvas.getContext("2d");
  context.fillStyle = PAPER.paper;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.setTransform(scale, 0, 0, scale, -x * scale, -y * scale);
  context.lineCap = context.lineJoin = "round";
  for (const shape of shapes) paint(context, shape, { ...PAPER, scale: Infinity });
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

const escape = (text) => String(text).replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);
const colour = (name) => (name === "black" ? PAPER.ink : name === "paper" ? PAPER.paper : escape(name));

function toSvg(shapes) {
  const { x, y, w, h } = page(shapes);
  const context = document.createElement("canvas").getContext("2d");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${x} ${y} ${w} ${h}" width="${w}" height="${h}" stroke-linecap="round" stroke-linejoin="round">
<rect x="${x}" y="${y}" width="${w}" height="${h}" fill="${PAPER.paper}"/>
${shapes.map((shape) => element(shape, context)).join("\n")}
</svg>
`;
}

function element(shape, context) {
  const whole = { ...DEFAULTS, ...shape };
  const around = box(shape);
  const { x, y, w, h } = around;
  const frame = `x="${x}" y="${y}" width="${w}" height="${h}"`;
  const fill = whole.kind === "note" && !painted(shape.fill) ? NOTE.fill : whole.fill;
  const open = ["pen", "line", "arrow"].includes(whole.kind);
  const look = `fill="${open ? "none" : colour(fill)}" stroke="${colour(whole.stroke)}" stroke-width="${whole.sw}"`;
  const to = (points) => `<path d="M${points.map((point) => point.join(" ")).join("L")}" ${look}/>`;
  const [a, b] = [[whole.x, whole.y], [whole.x + whole.w, whole.y + whole.h]];
  const body = {
    ellipse: () => `<ellipse cx="${x + w / 2}" cy="${y + h / 2}" rx="${w / 2}" ry="${h / 2}" ${look}/>`,
    pen: () => to([...corners(whole)]),
    line: () => to([a, b]),
    arrow: () => to([a, b]) + head(whole).map((end) => to([b, end])).join(""),
    text: () => "",
  }[whole.kind]?.() ?? `<rect ${frame} rx="${whole.kind === "note" ? 6 : 4}" ${look}/>`;
  const size = letters(shape);
  const rows = whole.text ? lines(context, shape, around) : [];
  // The baseline lies about 0.8 of the letters' height below their top.
  const words = rows.map((row) => `<text x="${row.x}" y="${row.y + 0.8 * size * LINE}" xml:space="preserve">${escape(row.text)}</text>`).join("");
  const text = words && `<g font-family="${escape(FONT)}" font-size="${size}" font-weight="${whole.kind === "text" ? 500 : 400}" fill="${colour(textColour(shape))}">${words}</g>`;
  const turned = whole.r ? ` transform="rotate(${whole.r} ${x + w / 2} ${y + h / 2})"` : "";
  return `<g opacity="${whole.opacity}"${turned}>${body}${text}</g>`;
}

function* corners({ x, y, points }) {
  for (let n = 0; n + 1 < Math.max(2, points.length); n += 2) yield [x + (points[n] ?? 0), y + (points[n + 1] ?? 0)];
  if (points.length < 4) yield [x + (points[0] ?? 0), y + (points[1] ?? 0)]; // a dot
}
