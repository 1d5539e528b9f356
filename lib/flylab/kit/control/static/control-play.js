// A recording on a page without a kernel: it plays, pauses, is scrubbed, and stands still where nobody looks.

import { make, say } from "./control-elements.js";
import { View } from "./control-view.js";

const STALL = 0.25; // seconds at most from one frame to the next: a page that slept goes on where it was
const LEAST = 1.5; // seconds that new words stay, and how many a second are read. Our choice: calmly
const WORDS = 4;

class Player {
  constructor(element, recording, autoplay) {
    this.element = element;
    this.before = [...element.childNodes];
    this.frames = recording.frames;
    this.captions = recording.captions || [];
    this.steps = this.captions.filter((caption, number, all) => caption.title !== all[number - 1]?.title);
    this.shown = 0; // seconds for which the current words have been read
    this.seconds = recording.seconds;
    this.box = make("div", { class: "fl-player" });
    element.replaceChildren(this.box);
    this.view = new View(this.box, recording.scene, { live: false });
    this.at = 0;
    this.next = 0; // of the frames
    this.playing = false;
    this.wanted = autoplay && !this.view.still.matches; // also while it is out of view
    this.#build(recording.about || "");
    this.sight = new IntersectionObserver(
      (entries) => {
        const seen = entries.at(-1).isIntersecting;
        if (seen && this.wanted) this.#start();
        else if (!seen) this.#stop();
      },
      { threshold: 0.2 },
    );
    this.sight.observe(this.box);
    this.seek(0);
  }

  play() {
    if (this.at >= this.seconds) this.seek(0);
    this.wanted = true;
    this.#start();
  }

  pause() {
    this.wanted = false;
    this.#stop();
  }

  seek(to) {
    if (to < this.at) {
      this.next = 0; // the first frame is whole: it takes the place of all that is there
      this.view.gauges.forget();
    }
    this.at = Math.min(Math.max(0, to), this.seconds);
    this.#advance(false);
    this.#show();
  }

  destroy() {
    this.sight.disconnect();
    this.#stop();
    this.view.destroy();
    this.element.replaceChildren(...this.before);
  }

  #build(about) {
    this.button = make("button", { type: "button", class: "fl-play" });
    this.button.addEventListener("click", () => (this.playing ? this.pause() : this.play()));
    const range = { type: "range", min: 0, max: this.seconds, step: 0.1, value: 0 };
    this.slider = make("input", { ...range, "aria-label": "Time of the recording" });
    this.slider.addEventListener("input", () => {
      const to = Number(this.slider.value); // pausing shows the time as it was
      this.pause();
      this.seek(to);
    });
    this.time = make("span", { class: "fl-quiet" });
    this.marks = this.steps.map((step) => {
      const mark = make("button", { type: "button", text: step.title, title: step.text });
      mark.addEventListener("click", () => this.seek(step.at));
      return mark;
    });
    const items = this.marks.map((mark) => make("li", {}, mark));
    const steps = make("ol", { class: "fl-steps", "aria-label": "Steps of the recording" }, ...items);
    const controls = make("div", { class: "fl-controls" }, this.button, this.slider, this.time);
    this.box.prepend(controls, steps);
    this.box.append(make("p", { class: "fl-quiet", text: about }));
  }

  #start() {
    if (this.playing) return;
    this.playing = true;
    this.last = performance.now();
    this.frame = requestAnimationFrame((now) => this.#step(now));
    this.#show();
  }

  #stop() {
    this.playing = false;
    cancelAnimationFrame(this.frame);
    this.#show();
  }

  #step(now) {
    const passed = Math.min(STALL, Math.max(0, now - this.last) / 1000);
    this.last = now;
    this.shown += passed;
    const to = Math.min(this.seconds, this.at + passed);
    const next = this.captions[this.current + 1]?.at ?? this.seconds;
    // What happened fast is shown as fast, but the story waits until its words can have been read.
    if (to < next || this.shown >= reading(this.captions, this.current)) this.at = to;
    this.#advance(true);
    if (this.at >= this.seconds) this.playing = this.wanted = false;
    else this.frame = requestAnimationFrame((later) => this.#step(later));
    this.#show();
  }

  #advance(arcs) {
    for (; this.next < this.frames.length && this.frames[this.next].at <= this.at; this.next++)
      this.view.tell(this.frames[this.next].batch, { arcs });
  }

  #show() {
    const text = `${this.at.toFixed(0)} of ${this.seconds.toFixed(0)} s`;
    say(this.button, this.playing ? "Pause" : this.at >= this.seconds ? "Again" : "Play");
    say(this.time, text);
    this.slider.value = this.at;
    this.slider.setAttribute("aria-valuetext", text);
    const current = this.captions.findLastIndex((caption) => caption.at <= this.at);
    if (current === this.current) return;
    this.current = current;
    this.shown = 0;
    this.view.caption(this.captions[current] || {});
    const step = this.steps.findLastIndex((caption) => caption.at <= this.at);
    for (const [number, mark] of this.marks.entries()) {
      if (number === step) mark.setAttribute("aria-current", "step");
      else mark.removeAttribute("aria-current");
    }
  }
}

/** Seconds that it takes to read what a caption says and the one before it did not. */
export function reading(captions, number) {
  const text = (caption) => (caption ? `${caption.title} ${caption.text}` : "");
  const [before, now] = [text(captions[number - 1]), text(captions[number])];
  const words = (now.startsWith(before) ? now.slice(before.length) : now).split(/\s+/).filter(Boolean).length;
  return words && LEAST + words / WORDS;
}

/**
 * Plays a recording in an element, whose content (a still, for those without JavaScript) it takes the place of.
 *
 * It begins when it comes into view and stops when it leaves, unless the reader wants no motion or has paused it.
 * Returns an object with `play()`, `pause()`, `seek(seconds)` and `destroy()`.
 */
export function play(element, recording, { autoplay = true } = {}) {
  return new Player(element, recording, autoplay);
}
