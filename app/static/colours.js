// A member's hue as colours that everybody sees alike: oklch → sRGB (Björn Ottosson's matrices), for shapes in the log. Pure.

/** "#rrggbb" of a lightness 0–1, a chroma and a hue in degrees; what the screen cannot show is cut off. */
export function hex(lightness, chroma, hue) {
  const [a, b] = [chroma * Math.cos((hue * Math.PI) / 180), chroma * Math.sin((hue * Math.PI) / 180)];
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return `#${linear.map((value) => Math.round(255 * gamma(Math.min(1, Math.max(0, value)))).toString(16).padStart(2, "0")).join("")}`;
}

function gamma(value) {
  return value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055;
}

/** How a member draws: a line that can be told on a light and on a dark sheet, a pale filling, a paler note. */
export function palette(hue) {
  return { stroke: hex(0.62, 0.17, hue), fill: hex(0.82, 0.09, hue), note: hex(0.93, 0.07, hue) };
}
