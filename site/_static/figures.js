// Draws each figure when it comes near the viewport, in the reader's theme and for the width that there is. Plotly is
// loaded once, from beside this file, and only on a page that holds a figure. What differs between the themes comes
// from themes.js, what differs on a narrow page from the figure itself, the outline of all land from land.js.
"use strict";

(() => {
  const NARROW = 560; // pixels, as in flylab.kit.figures.sheet
  const PAPER = [620, 880]; // pixels of a printed figure at most: fits A4 and Letter, as in site.css
  const here = document.currentScript.src;
  const plots = [...document.querySelectorAll(".plot")];
  // A table that is wider than a phone is scrolled with keys as well.
  for (const output of document.querySelectorAll(".cell_output .output"))
    if (output.scrollWidth > output.clientWidth) output.tabIndex = 0;
  if (!plots.length) return;

  let printed = false;
  const dark = () => {
    if (printed) return false;
    const chosen = document.body.dataset.theme;
    return chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  };
  const isObject = (value) => value && typeof value === "object" && !Array.isArray(value);
  const merged = (base, changes) => {
    const result = { ...base };
    for (const [name, value] of Object.entries(changes))
      result[name] = isObject(value) && isObject(base?.[name]) ? merged(base[name], value) : value;
    return result;
  };

  const loads = new Map();
  const load = (name) => {
    if (!loads.has(name)) {
      const script = document.createElement("script");
      script.src = new URL(name, here).href;
      const loaded = new Promise((resolve, reject) => {
        script.onload = resolve;
        script.onerror = () => reject(new Error(`${name} did not load`));
      });
      loads.set(name, loaded);
      document.head.append(script);
    }
    return loads.get(name);
  };

  class Plot {
    constructor(element) {
      this.element = element;
      this.text = element.querySelector("script").textContent;
      this.needs = { Plotly: "plotly.min.js", ...(this.text.includes('"land":true') && { plotLand: "land.js" }) };
      this.hidden = new Set();
      this.near = false;
      this.stale = true;
      this.buttons = element.closest("figure")?.querySelectorAll("button[data-group]") ?? [];
      for (const button of this.buttons) button.addEventListener("click", () => this.toggle(button));
    }

    get narrow() {
      return !printed && this.element.clientWidth < NARROW;
    }

    get height() {
      return parseFloat(this.element.style.getPropertyValue("--wide"));
    }

    toggle(button) {
      const { group } = button.dataset;
      const shown = this.hidden.delete(group);
      if (!shown) this.hidden.add(group);
      button.setAttribute("aria-pressed", String(shown));
      return this.draw();
    }

    // Without a wait when everything is there: what is to be printed has to be drawn at once.
    draw() {
      const missing = Object.entries(this.needs).filter(([name]) => !self[name]);
      if (missing.length) return Promise.all(missing.map(([, file]) => load(file))).then(() => this.paint());
      return this.paint();
    }

    async paint() {
      // Plotly changes what it is given, so each drawing begins with the text.
      const { data, layout, narrow } = JSON.parse(this.text);
      const small = this.narrow;
      const theme = dark() ? "dark" : "light";
      this.drawnNarrow = small;
      if (small) for (const [place, changes] of Object.entries(narrow.traces)) data[place] = merged(data[place], changes);
      for (const trace of data) {
        if (this.hidden.has(trace.legendgroup)) trace.visible = false;
        if (trace.land) Object.assign(trace, structuredClone(self.plotLand));
      }
      const view = {
        ...(small ? merged(layout, narrow.layout) : layout),
        template: structuredClone(self.plotThemes[theme]),
        autosize: !printed,
        ...(printed && { width: PAPER[0], height: Math.min(this.height, PAPER[1]) }),
        dragmode: small ? false : "zoom",
      };
      view.font = { ...view.font, size: small ? 12 : 13 };
      const options = { responsive: true, displaylogo: false, showSendToCloud: false, displayModeBar: small || printed ? false : "hover" };
      await self.Plotly.react(this.element, data, view, options);
      // The text of the figure says it better than its letters one by one; what can be clicked stays within reach.
      this.element.setAttribute("role", "group");
      for (const drawing of this.element.querySelectorAll(".main-svg")) drawing.setAttribute("aria-hidden", "true");
      this.element.dataset.theme = theme;
      this.element.dataset.drawn = small ? "narrow" : "wide";
    }
  }

  // A page may hold twenty figures: what is out of sight is drawn, or drawn anew, when it comes near.
  const known = new Map(plots.map((element) => [element, new Plot(element)]));
  const draw = (plot) => {
    plot.stale = !plot.near && !printed;
    if (!plot.stale) plot.draw();
  };
  const near = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        const plot = known.get(target);
        plot.near = isIntersecting;
        if (isIntersecting && plot.stale) draw(plot);
      }
    },
    { rootMargin: "600px" },
  );
  const widths = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const plot = known.get(target);
      if (!plot.stale && plot.narrow !== plot.drawnNarrow) draw(plot);
    }
  });
  for (const element of plots) {
    near.observe(element);
    widths.observe(element);
  }

  const repaint = () => known.forEach((plot) => plot.stale || draw(plot));
  new MutationObserver(repaint).observe(document.body, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);

  // Paper is light and of its own width, and all figures are on it, those too that nobody has seen yet.
  const paper = (on) => {
    if (printed === on) return;
    printed = on;
    known.forEach(draw);
  };
  addEventListener("beforeprint", () => paper(true));
  addEventListener("afterprint", () => paper(false));
  matchMedia("print").addEventListener("change", ({ matches }) => paper(matches));
  // Whoever prints at once, before any figure was near, still gets them.
  const all = new Set([...known.values()].flatMap(({ needs }) => Object.values(needs)));
  addEventListener("load", () => (self.requestIdleCallback ?? setTimeout)(() => all.forEach(load)));
})();
