// Draws each figure when it comes near the viewport, in the reader's theme. Plotly is loaded once, from beside this
// file, and only on a page that holds a figure.
"use strict";

(() => {
  const here = document.currentScript.src;
  const plots = [...document.querySelectorAll(".plot")];
  if (!plots.length) return;

  const dark = () => {
    const chosen = document.body.dataset.theme;
    return chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  };
  const ink = () => (dark() ? "#d5d9e0" : "#3a414b");

  const narrow = (element) => element.clientWidth < 520;

  // Plotly does not wrap the name of an axis, and a phone cuts it short.
  const wrapped = (text) => text.replace(/(.{18,}?) /g, "$1<br>");

  // A legend that takes one line per name needs that much more height, or it scrolls inside a corner of the figure.
  const LINE = 19;
  function namesOf(data, layout) {
    if (layout.showlegend === false || layout.geo) return 0;
    const named = data.filter((trace) => trace.name && trace.showlegend !== false);
    return named.length > 1 ? named.length : 0;
  }

  function layoutOf(data, layout, element) {
    const color = ink();
    const margin = { ...layout.margin, t: layout.geo ? 8 : 44, b: layout.geo ? 8 : 56 };
    const axes = {};
    if (narrow(element)) {
      Object.assign(margin, { l: Math.min(margin.l ?? 0, 8), r: 8 });
      for (const name of ["xaxis", "yaxis"]) {
        const axis = layout[name];
        if (axis?.title?.text) axes[name] = { ...axis, title: { ...axis.title, text: wrapped(axis.title.text) } };
      }
      const names = namesOf(data, layout);
      if (names > 2) {
        element.style.height = `${element.clientHeight + names * LINE}px`;
        margin.t = names * LINE + 34;
      }
      if (layout.geo) element.style.height = `${Math.round(element.clientWidth * 0.66) + 40}px`;
    }
    return {
      ...layout,
      ...axes,
      autosize: true,
      margin,
      font: { ...layout.font, color, size: narrow(element) ? 11 : 13 },
      dragmode: narrow(element) ? false : "zoom",
    };
  }

  let library;
  const plotly = () =>
    (library ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL("plotly.min.js", here).href;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => reject(new Error("plotly.min.js did not load"));
      document.head.append(script);
    }));

  async function draw(element) {
    const { data, layout } = JSON.parse(element.querySelector("script").textContent);
    const options = { responsive: true, displaylogo: false, showSendToCloud: false };
    const Plotly = await plotly();
    await Plotly.newPlot(element, data, layoutOf(data, layout, element), options);
    element.dataset.drawn = "yes";
    element.repaint = () => Plotly.relayout(element, { "font.color": ink() });
  }

  const near = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        draw(target);
      }
    },
    { rootMargin: "600px" },
  );
  plots.forEach((element) => near.observe(element));

  const repaint = () => plots.forEach((element) => element.repaint?.());
  new MutationObserver(repaint).observe(document.body, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
})();
