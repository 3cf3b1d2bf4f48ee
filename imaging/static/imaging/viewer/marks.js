// Lengths measured on a film, drawn over it. A mark lies in the picture, and keeps its place whatever the view.

import { number, say } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const BELOW = 24; // px, the length under its line
const EDGE = 12;
const SHORTEST = 2; // px of the picture: less is a click
const CROSS = 14; // px, half of it

export class Marks {
  constructor(svg, pane) {
    this.svg = svg;
    this.film = pane.element.closest("[data-film]");
    this.spacing = Number(pane.element.dataset.spacing) || null; // mm a pixel
    this.note = pane.element.dataset.spacingNote ?? "";
    this.all = [];
    this.cross = null; // where keys have got to, and whether they draw a line from somewhere
    this.isDrawing = false;
  }

  begin(point) {
    this.leave();
    this.all.push({ from: point, to: point, shape: this.#shape() });
  }

  stretch(point) {
    this.all.at(-1).to = point;
  }

  finish() {
    const { from, to } = this.all.at(-1);
    if (Math.hypot(to[0] - from[0], to[1] - from[1]) < SHORTEST) this.all.pop().shape.remove();
  }

  clear() {
    this.svg.replaceChildren();
    this.all = [];
    this.cross = null;
    this.isDrawing = false;
  }

  // -- By keys: a cross that sets one end, and then the other -------------------------------------------------------

  enter(view) {
    if (this.cross) return;
    this.cross = { at: view.toPicture(view.port.map((length) => length / 2)), shape: this.#group(["line", "line", "line", "line"]) };
    set(this.cross.shape, { class: "is-cross" });
    for (const line of [...this.cross.shape.children].slice(0, 2)) set(line, { class: "is-under" });
  }

  step(distance, view) {
    this.enter(view);
    const place = view.toWindow(this.cross.at).map((value, axis) => clamp(value + distance[axis], 0, view.port[axis]));
    this.cross.at = view.toPicture(place);
    if (this.isDrawing) this.stretch(this.cross.at);
  }

  setEnd(view) {
    this.enter(view);
    if (this.isDrawing) this.finish();
    else this.all.push({ from: this.cross.at, to: this.cross.at, shape: this.#shape() });
    this.isDrawing = !this.isDrawing;
  }

  leave() {
    if (this.isDrawing) this.finish();
    this.isDrawing = false;
    this.cross?.shape.remove();
    this.cross = null;
  }

  get last() {
    return this.all.length ? this.#length(this.all.at(-1)) : "";
  }

  draw(view) {
    if (this.cross) {
      const [x, y] = view.toWindow(this.cross.at);
      this.cross.shape.querySelectorAll("line").forEach((line, n) => {
        set(line, n % 2 ? { x1: x, x2: x, y1: y - CROSS, y2: y + CROSS } : { x1: x - CROSS, x2: x + CROSS, y1: y, y2: y });
      });
    }
    for (const mark of this.all) {
      const [x1, y1] = view.toWindow(mark.from);
      const [x2, y2] = view.toWindow(mark.to);
      for (const line of mark.shape.querySelectorAll("line")) set(line, { x1, y1, x2, y2 });
      const [start, end] = mark.shape.querySelectorAll("circle");
      set(start, { cx: x1, cy: y1 });
      set(end, { cx: x2, cy: y2 });
      this.#write(mark, [(x1 + x2) / 2, Math.max(y1, y2) + BELOW], view.port);
    }
  }

  // Within the window, also where the line runs out of it.
  #write(mark, [x, y], [width, height]) {
    const text = mark.shape.querySelector("text");
    text.textContent = this.#length(mark);
    const half = text.getComputedTextLength() / 2 + EDGE;
    set(text, { x: clamp(x, half, width - half), y: clamp(y, 2 * EDGE, height - EDGE) });
  }

  #length({ from, to }) {
    const pixels = Math.hypot(to[0] - from[0], to[1] - from[1]);
    if (!this.spacing) return say(this.film, "uncalibrated", { length: number(pixels) });
    return say(this.film, "length", { length: number(pixels * this.spacing, 1), note: this.note }).trim();
  }

  #shape() {
    const group = this.#group(["line", "line", "circle", "circle", "text"]);
    set(group.firstChild, { class: "is-under" });
    for (const circle of group.querySelectorAll("circle")) set(circle, { r: 4 });
    return group;
  }

  #group(names) {
    const group = document.createElementNS(SVG, "g");
    for (const name of names) group.append(document.createElementNS(SVG, name));
    this.svg.append(group);
    return group;
  }
}

const clamp = (value, low, high) => Math.max(low, Math.min(value, high));
const set = (shape, values) => Object.entries(values).forEach(([name, value]) => shape.setAttribute(name, value));
