// Places in the plane of the map, and the ways between them; pure.

/** Moves points that are closer than `gap` apart, each as little as it can, within the borders; always the same way. */
export function dodge(points, gap, width, height) {
  const moved = points.map(({ x, y }) => ({ x, y }));
  for (let round = 0; round < 120; round++) {
    let still = true;
    for (let i = 0; i < moved.length; i++) {
      for (let j = i + 1; j < moved.length; j++) {
        const [a, b] = [moved[i], moved[j]];
        let [dx, dy] = [b.x - a.x, b.y - a.y];
        const away = Math.hypot(dx, dy);
        if (away >= gap) continue;
        if (away < 0.01) [dx, dy] = [1, 0];
        const push = (gap - away) / 2 / (away < 0.01 ? 1 : away);
        a.x -= dx * push;
        a.y -= dy * push;
        b.x += dx * push;
        b.y += dy * push;
        still = false;
      }
    }
    const edge = gap / 2;
    for (const [number, point] of moved.entries()) {
      if (!still) {
        point.x += (points[number].x - point.x) * 0.03;
        point.y += (points[number].y - point.y) * 0.03;
      }
      point.x = Math.min(Math.max(point.x, edge), width - edge);
      point.y = Math.min(Math.max(point.y, edge), height - edge);
    }
    if (still) break;
  }
  return moved;
}

/** The curve from one place to another, the short way round; it is drawn once for each of `shifts`. */
export function curve(a, b, width) {
  let dx = b.x - a.x;
  if (dx > width / 2) dx -= width;
  if (dx < -width / 2) dx += width;
  const end = { x: a.x + dx, y: b.y };
  const away = Math.hypot(dx, b.y - a.y);
  const middle = { x: a.x + dx / 2, y: (a.y + b.y) / 2 - Math.min(0.28 * away, 0.2 * width) };
  const shifts = end.x < 0 ? [0, width] : end.x > width ? [0, -width] : [0];
  return { a, middle, end, shifts };
}

/** The part of a curve between two of its moments, as a curve. */
export function part({ a, middle, end }, from, to) {
  const mix = (p, q, t) => ({ x: p.x + (q.x - p.x) * t, y: p.y + (q.y - p.y) * t });
  const at = (s, t) => mix(mix(a, middle, s), mix(middle, end, s), t); // blossom of a quadratic curve
  return [at(from, from), at(from, to), at(to, to)];
}
