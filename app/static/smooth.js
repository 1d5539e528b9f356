// Lets what others drag glide from place to place, instead of jumping from message to message. Pure but for what glides now.

const TIME = 45; // ms in which two thirds of a way are gone (our choice: messages come every 40 ms)
const PROPERTIES = ["x", "y", "w", "h", "r"];
const ARRIVED = 0.5; // units

export class Glide {
  constructor() {
    this.ways = new Map(); // id → where it is shown
    this.at = 0;
  }

  /** The shapes as they are to be shown now, of which those with the ids `dragged` glide; `busy` until all have arrived. */
  step(shapes, dragged, now) {
    if (!dragged.size && !this.ways.size) return { shapes, busy: false };
    const part = 1 - Math.exp(-Math.min(100, now - this.at) / TIME);
    this.at = now;
    let busy = false;
    const shown = shapes.map((shape) => {
      const way = this.ways.get(shape.id);
      if (!way) {
        if (dragged.has(shape.id)) this.ways.set(shape.id, pick(shape));
        return shape;
      }
      let far = 0;
      for (const name of PROPERTIES) {
        const rest = (shape[name] ?? 0) - way[name];
        far = Math.max(far, Math.abs(rest));
        way[name] += rest * part;
      }
      if (far >= ARRIVED) {
        busy = true;
        return { ...shape, ...way };
      }
      if (!dragged.has(shape.id)) this.ways.delete(shape.id);
      return shape;
    });
    if (this.ways.size > dragged.size) {
      const there = new Set(shapes.map((shape) => shape.id));
      for (const id of this.ways.keys()) if (!there.has(id)) this.ways.delete(id);
    }
    return { shapes: shown, busy };
  }
}

function pick(shape) {
  return Object.fromEntries(PROPERTIES.map((name) => [name, shape[name] ?? 0]));
}
