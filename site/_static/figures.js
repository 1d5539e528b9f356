// Draws each figure when it comes near the viewport, in the reader's theme and for the width that there is. Plotly is
// loaded once, from beside this file, and only on a page that holds a figure. What differs between the themes comes
// from themes.js, what differs on a narrow page from the figure itself; nothing is decided here.
"use strict";

(() => {
  const NARROW = 560; // pixels, as in flylab.kit.figures.sheet
  const here = document.currentScript.src;
  const plots = [...document.querySelectorAll(".plot")];
  if (!plots.length) return;

  const dark = () => {
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

  let library;
  const plotly = () =>
    (library ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL("plotly.min.js", here).href;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => reject(new Error("plotly.min.js did not load"));
      document.head.append(script);
    }));

  class Plot {
    constructor(element) {
      this.element = element;
      this.text = element.querySelector("script").textContent;
      this.hidden = new Set();
      this.near = false;
      this.stale = true;
      this.buttons = element.closest("figure")?.querySelectorAll("button[data-group]") ?? [];
      for (const button of this.buttons) button.addEventListener("click", () => this.toggle(button));
    }

    get narrow() {
      return this.element.clientWidth < NARROW;
    }

    toggle(button) {
      const { group } = button.dataset;
      const shown = this.hidden.delete(group);
      if (!shown) this.hidden.add(group);
      button.setAttribute("aria-pressed", String(shown));
      return this.draw();
    }

    async draw() {
      // Plotly changes what it is given, so each drawing begins with the text.
      const { data, layout, narrow, heights } = JSON.parse(this.text);
      const small = this.narrow;
      this.drawnNarrow = small;
      this.element.style.height = `${heights[small ? 1 : 0]}px`;
      if (small) for (const [place, changes] of Object.entries(narrow.traces)) data[place] = merged(data[place], changes);
      for (const trace of data) if (this.hidden.has(trace.legendgroup)) trace.visible = false;
      const view = {
        ...(small ? merged(layout, narrow.layout) : layout),
        template: structuredClone(self.plotThemes[dark() ? "dark" : "light"]),
        autosize: true,
        dragmode: small ? false : "zoom",
      };
      view.font = { ...view.font, size: small ? 12 : 13 };
      const Plotly = await plotly();
      await Plotly.react(this.element, data, view, { responsive: true, displaylogo: false, showSendToCloud: false });
      this.element.dataset.drawn = small ? "narrow" : "wide";
    }
  }

  // A page may hold twenty figures: what is out of sight is drawn, or drawn anew, when it comes near.
  const known = new Map(plots.map((element) => [element, new Plot(element)]));
  const draw = (plot) => {
    plot.stale = !plot.near;
    if (plot.near) plot.draw();
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
})();
