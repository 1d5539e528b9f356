// Measures a page where it is drawn. Each function gives a list of sentences about what does not keep to a limit; none
// changes the page. `flylab.kit.sitecheck.look` installs them before the page loads and calls them.
"use strict";

self.probe = (() => {
  const named = (element) => {
    const id = element.id ? `#${element.id}` : "";
    const kind = typeof element.className === "string" ? element.className : element.getAttribute?.("class");
    return element.localName + id + (kind ? `.${kind.trim().split(/\s+/).slice(0, 2).join(".")}` : "");
  };
  const quoted = (text) => JSON.stringify(text.trim().replace(/\s+/g, " ").slice(0, 50));
  const unique = (lines) => {
    const counts = new Map();
    for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
    return [...counts].map(([line, count]) => (count > 1 ? `${line} (${count} times)` : line));
  };

  // What holds for an element by those around it, asked once for each as long as nothing on the page changes.
  const inherited = (own, root) => {
    const known = new Map();
    const ask = (element) => {
      if (!element || element === document.body) return root;
      if (!known.has(element)) known.set(element, own(element, () => ask(element.parentElement)));
      return known.get(element);
    };
    return ask;
  };
  // Whether a reader can see what is in an element: it is not clipped to nothing, for screen readers alone.
  const unclipped = () =>
    inherited((element, around) => {
      const style = getComputedStyle(element);
      if (style.clipPath.startsWith("inset(50%") || style.clip === "rect(0px, 0px, 0px, 0px)") return false;
      if (style.overflow !== "visible" && style.display !== "inline") {
        const box = element.getBoundingClientRect();
        if (box.width <= 1 || box.height <= 1) return false;
      }
      return around();
    }, true);
  const shown = (element, open = unclipped()) =>
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true }) && open(element);

  const texts = () => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    const known = new Map();
    const open = unclipped();
    while (walker.nextNode()) {
      const node = walker.currentNode;
      const element = node.parentElement;
      if (!node.data.trim() || element.closest("script, style, noscript, title, template")) continue;
      if (!known.has(element)) known.set(element, shown(element, open));
      if (!known.get(element)) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const box = range.getBoundingClientRect();
      if (box.width > 0.5 && box.height > 0.5) found.push({ element, text: node.data, box });
    }
    return found;
  };

  const inDrawing = (element) => element instanceof SVGElement;

  // Colours are [red, green, blue, alpha]; the canvas reads whatever CSS can say.
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const colors = new Map();
  const color = (text) => {
    if (!colors.has(text)) {
      context.clearRect(0, 0, 1, 1);
      context.fillStyle = text;
      context.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
      colors.set(text, [r, g, b, a / 255]);
    }
    return colors.get(text);
  };
  const over = (top, below, opacity = 1) => {
    const alpha = top[3] * opacity;
    return [0, 1, 2].map((part) => top[part] * alpha + below[part] * (1 - alpha)).concat(1);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, other) => {
    const [dark, light] = [luminance(one.slice(0, 3)), luminance(other.slice(0, 3))].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };

  const opacities = () => inherited((element, around) => Number(getComputedStyle(element).opacity) * around(), 1);
  const page = () => (getComputedStyle(document.documentElement).colorScheme.includes("dark") ? [18, 18, 18, 1] : [255, 255, 255, 1]);
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const layer = color(getComputedStyle(at).backgroundColor);
      if (layer[3]) layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reduceRight((below, layer) => over(layer, below), page());
  };

  // What a figure paints before a text at the text's place: areas by their fill, pictures by their pixels.
  const areas = async (drawing) => {
    const found = [];
    const opacityOf = opacities();
    for (const shape of drawing.querySelectorAll("path, rect, circle, image")) {
      const box = shape.getBoundingClientRect();
      const style = getComputedStyle(shape);
      if (!box.width || !box.height || style.visibility === "hidden" || shape.closest("clipPath, defs, pattern")) continue;
      if (shape.localName === "image") {
        const picture = new Image();
        picture.src = shape.href.baseVal;
        await picture.decode();
        const canvas = new OffscreenCanvas(picture.naturalWidth, picture.naturalHeight);
        const pixels = canvas.getContext("2d", { willReadFrequently: true });
        pixels.drawImage(picture, 0, 0);
        found.push({ shape, box, pixels, opacity: opacityOf(shape) });
      } else if (style.fill !== "none" && !style.fill.startsWith("url(")) {
        const opacity = Number(style.fillOpacity) * opacityOf(shape);
        if (color(style.fill)[3] * opacity > 0) found.push({ shape, box, fill: color(style.fill), opacity });
      }
    }
    return found;
  };
  const at = ({ shape, box, pixels, fill, opacity }, x, y, below) => {
    if (x < box.left || x > box.right || y < box.top || y > box.bottom) return below;
    if (pixels) {
      const { width, height } = pixels.canvas;
      const column = Math.min(width - 1, Math.floor(((x - box.left) / box.width) * width));
      const row = Math.min(height - 1, Math.floor(((y - box.top) / box.height) * height));
      const [r, g, b, a] = pixels.getImageData(column, row, 1, 1).data;
      return over([r, g, b, a / 255], below, opacity);
    }
    const point = new DOMPoint(x, y).matrixTransform(shape.getScreenCTM().inverse());
    return shape.isPointInFill(point) ? over(fill, below, opacity) : below;
  };

  const contrast = async (normal, large) => {
    const lines = [];
    const drawn = new Map();
    const grounded = new Map();
    const opacityOf = opacities();
    for (const { element, text, box } of texts()) {
      const style = getComputedStyle(element);
      const drawing = inDrawing(element) && element.closest(".plot, svg");
      const ink = color(drawing ? style.fill : style.color);
      const opacity = opacityOf(element) * (drawing ? Number(style.fillOpacity) : 1);
      const grounds = [];
      if (drawing) {
        if (!drawn.has(drawing)) drawn.set(drawing, await areas(drawing));
        const base = behind(drawing.closest(":not(svg, svg *)"));
        for (const share of [0.1, 0.5, 0.9]) {
          const [x, y] = [box.left + box.width * share, box.top + box.height / 2];
          const before = drawn.get(drawing).filter(
            ({ shape }) => shape.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING,
          );
          grounds.push(before.reduce((below, area) => at(area, x, y, below), base));
        }
      } else {
        if (!grounded.has(element)) grounded.set(element, behind(element));
        grounds.push(grounded.get(element));
      }
      const size = parseFloat(style.fontSize);
      const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? large : normal;
      const worst = Math.min(...grounds.map((ground) => ratio(over(ink, ground, opacity), ground)));
      if (worst < needed - 0.005) lines.push(`${worst.toFixed(2)} : 1 of ${named(element)} ${quoted(text)}`);
    }
    return unique(lines);
  };

  // Letters as they are drawn: a figure may be scaled.
  const small = (least) =>
    unique(
      texts().flatMap(({ element, text }) => {
        const scale = inDrawing(element) && element.getScreenCTM ? Math.hypot(element.getScreenCTM().a, element.getScreenCTM().b) : 1;
        const size = parseFloat(getComputedStyle(element).fontSize) * scale;
        return size < least - 0.01 ? [`${size.toFixed(1)} px: ${named(element)} ${quoted(text)}`] : [];
      }),
    );

  const sideways = () => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = [...document.body.querySelectorAll("*")].filter((element) => {
      const box = element.getBoundingClientRect();
      return box.right > clientWidth + 1 && box.width > 0 && ![...element.children].some((child) => child.getBoundingClientRect().right > clientWidth + 1);
    });
    return [`${scrollWidth - clientWidth} px too wide: ${wide.slice(0, 3).map(named).join(", ")}`];
  };

  // Words that a box cuts off, other than a box that can be scrolled.
  const cut = () =>
    unique(
      texts().flatMap(({ element, text, box }) => {
        for (let outer = element; outer && outer !== document.body; outer = outer.parentElement) {
          const style = getComputedStyle(outer);
          if (["auto", "scroll"].includes(style.overflowX)) return [];
          if (style.overflowX === "visible" || inDrawing(outer)) continue;
          const frame = outer.getBoundingClientRect();
          if (box.left < frame.left - 1.5 || box.right > frame.right + 1.5 || box.top < frame.top - 4 || box.bottom > frame.bottom + 4)
            return [`${named(outer)} cuts ${quoted(text)}`];
        }
        return [];
      }),
    );

  // What is tapped and does not stand in a line of text, where its size is that of the letters.
  const targets = (least) =>
    unique(
      [...document.querySelectorAll("a[href], button, summary, input, select, label[for]")].flatMap((element) => {
        const style = getComputedStyle(element);
        const box = element.getBoundingClientRect();
        if (!shown(element) || style.display === "inline" || style.pointerEvents === "none" || !box.width) return [];
        if (inDrawing(element) || box.bottom < -scrollY || box.right < 0) return [];
        return Math.min(box.width, box.height) < least - 0.5
          ? [`${box.width.toFixed(0)} × ${box.height.toFixed(0)} px: ${named(element)} ${quoted(element.textContent)}`]
          : [];
      }),
    );

  // What a reader without eyes for a picture gets instead of it.
  const unsaid = () => {
    const lines = [];
    for (const picture of document.querySelectorAll("img"))
      if (!picture.hasAttribute("alt")) lines.push(`${picture.getAttribute("src")} has no alternative text`);
    for (const canvas of document.querySelectorAll("canvas, video, iframe"))
      if (!canvas.closest("[aria-label], [aria-hidden=true]") && !canvas.title) lines.push(`${named(canvas)} has no name`);
    for (const plot of document.querySelectorAll(".plot")) {
      const title = plot.closest("figure")?.querySelector("figcaption")?.textContent ?? "";
      const label = plot.getAttribute("aria-label") ?? "";
      if (!title.trim()) lines.push(`a figure has no title: ${quoted(label)}`);
      if (!["img", "group"].includes(plot.getAttribute("role")) || label.length < 20) lines.push(`a figure has no text: ${quoted(title)}`);
      if (!plot.closest("figure")?.querySelector("details table tbody tr")) lines.push(`a figure has no table: ${quoted(title)}`);
    }
    return lines;
  };

  // Where letters of a figure lie on other letters of it.
  const touching = () =>
    unique(
      [...document.querySelectorAll(".plot")].flatMap((plot) => {
        const boxes = [...plot.querySelectorAll("text")]
          .filter((text) => text.textContent.trim() && !text.closest(".modebar, .hoverlayer"))
          .map((text) => [text.textContent, text.getBoundingClientRect()])
          .filter(([, box]) => box.width > 0 && box.height > 0);
        return boxes.flatMap(([one, a], place) =>
          boxes
            .slice(place + 1)
            .filter(([, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3)
            .map(([other]) => `${quoted(one)} lies on ${quoted(other)}`),
        );
      }),
    );

  // On paper: what does not fit a sheet, and what is of no use there.
  const unprintable = (height) => {
    const lines = [];
    for (const figure of document.querySelectorAll("article :is(figure, img, svg)")) {
      const box = figure.getBoundingClientRect();
      if (box.height > height && shown(figure)) lines.push(`${named(figure)} is ${box.height.toFixed(0)} px high, a sheet ${height}`);
    }
    for (const element of document.querySelectorAll("nav, aside, header, button, .modebar"))
      if (element.closest("figure") === null && shown(element) && element.getBoundingClientRect().height > 1 && element.textContent.trim())
        if (["NAV", "ASIDE", "BUTTON"].includes(element.tagName)) lines.push(`${named(element)} is printed`);
    const paper = behind(document.querySelector("article") ?? document.body);
    if (luminance(paper.slice(0, 3)) < 0.9) lines.push(`the paper is ${paper.slice(0, 3).map(Math.round)}`);
    return unique(lines);
  };

  let shift = 0;
  const shifted = new Map();
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.hadRecentInput) continue;
      shift += entry.value;
      for (const { node } of entry.sources ?? []) {
        const element = node?.nodeType === Node.TEXT_NODE ? node.parentElement : node;
        if (element) shifted.set(named(element), (shifted.get(named(element)) ?? 0) + entry.value);
      }
    }
  }).observe({ type: "layout-shift", buffered: true });
  const shifts = () => ({ sum: shift, what: [...shifted].sort((a, b) => b[1] - a[1]).slice(0, 4).map(([name, value]) => `${name} ${value.toFixed(3)}`) });

  // Bytes of the page and of all that it has loaded, as they are when nothing is compressed.
  const weight = (without) => {
    const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    const parts = entries
      .filter(({ name }) => !without.some((part) => name.includes(part)))
      .map(({ name, decodedBodySize }) => [new URL(name).pathname.split("/").pop() || "index.html", decodedBodySize]);
    return { sum: parts.reduce((sum, [, size]) => sum + size, 0), parts: parts.sort((a, b) => b[1] - a[1]) };
  };

  const frames = (count) =>
    new Promise((done) => {
      const next = () => (count-- > 0 ? requestAnimationFrame(next) : done());
      next();
    });
  // Reads on to the end of the page, as somebody does who scrolls, until every figure is drawn in this theme and in the
  // form for the width that it has.
  const NARROW = 560; // as in flylab.kit.figures.sheet
  const read = async (theme, patience) => {
    const deadline = performance.now() + patience;
    const form = (plot) => (!matchMedia("print").matches && plot.clientWidth < NARROW ? "narrow" : "wide");
    const open = () =>
      [...document.querySelectorAll(".plot")].find((plot) => plot.dataset.drawn !== form(plot) || plot.dataset.theme !== theme);
    await document.fonts.ready;
    for (let top = 0; top < document.documentElement.scrollHeight; top += innerHeight * 0.8) {
      scrollTo({ top, behavior: "instant" });
      await frames(2);
    }
    for (let plot = open(); plot; plot = open()) {
      if (performance.now() > deadline) return `not drawn: ${plot.closest("figure")?.querySelector("figcaption")?.textContent}`;
      plot.scrollIntoView({ behavior: "instant", block: "center" });
      await frames(2);
    }
    scrollTo({ top: 0, behavior: "instant" });
    await frames(2);
    return "";
  };

  return { contrast, cut, read, shifts, sideways, small, targets, touching, unprintable, unsaid, weight };
})();
