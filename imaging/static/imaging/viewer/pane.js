// One film in its window: its pictures, how it lies there, how it is shown, and what its corners say of that.

import { View } from "./geometry.js";
import { Marks } from "./marks.js";
import * as pictures from "./pictures.js";
import { PlainRenderer } from "./renderer_2d.js";
import { GlRenderer } from "./renderer_gl.js";
import { preset, Tone } from "./tone.js";
import { number, say } from "./words.js";

const WHOLE = [0, 255];
const LENS = 110; // px, its radius, where there is room
const STRONGER = 2.5;
const ABOVE_A_FINGER = 130;

export class Pane {
  constructor(element) {
    this.element = element;
    this.film = element.closest("[data-film]");
    this.image = element.querySelector("[data-film-picture]");
    this.layers = null;
    this.view = new View([this.image.getAttribute("width"), this.image.getAttribute("height")].map(Number));
    this.marks = new Marks(element.querySelector("[data-film-marks]"), this);
    this.shown = {}; // by kind — plain, enhanced, deep — a picture and its tone
    this.kind = "plain";
    this.isInverted = false;
    this.lens = null;
    this.isDrawn = true; // no drawing is due
    this.changed = () => {}; // whoever shows another film in step
  }

  async start() {
    this.#resize();
    this.shown.plain = { picture: await pictures.ofImage(this.image), tone: new Tone(WHOLE) };
    this.#makeCanvas(GlRenderer.on);
    new ResizeObserver(() => this.#resize()).observe(this.element);
    this.element.classList.add("is-drawn");
  }

  // -- How it lies ----------------------------------------------------------------------------------------------------

  look(change) {
    change(this.view);
    this.draw();
    this.changed(this.view.stand);
  }

  follow(stand) {
    this.view.stand = stand;
    this.draw();
  }

  natural(at) {
    this.look((view) => view.zoomTo(1 / this.renderer.ratio, at));
  }

  // -- How it is shown ------------------------------------------------------------------------------------------------

  dragWindow(distance) {
    const { picture, tone } = this.shown[this.kind];
    tone.drag(distance, picture.histogram.length - 1);
    this.draw();
    this.#deepen();
  }

  async choose(name) {
    if (name === "file") {
      if (this.kind === "deep") this.kind = "plain";
      this.shown[this.kind].tone.window = WHOLE;
    } else {
      await this.#deepen();
      const { picture, tone } = this.shown[this.kind];
      tone.window = preset(name, picture);
    }
    this.draw();
  }

  invert(isInverted) {
    this.isInverted = isInverted;
    this.draw();
  }

  async enhance(isEnhanced) {
    if (isEnhanced && !this.shown.enhanced) {
      const picture = await this.#load(() => pictures.ofAddress(this.element.dataset.enhanced));
      if (!picture) return false;
      this.shown.enhanced = { picture, tone: new Tone(WHOLE) };
    }
    this.kind = isEnhanced ? "enhanced" : "plain";
    this.draw();
    return isEnhanced;
  }

  reset() {
    this.view.reset();
    this.kind = "plain";
    for (const kind of ["plain", "enhanced"]) if (this.shown[kind]) this.shown[kind].tone.window = WHOLE;
    this.isInverted = false;
    this.marks.clear();
    this.look(() => {});
  }

  magnify(point, isFinger) {
    const stronger = Math.max(STRONGER, 1 / (this.view.scale * this.renderer.ratio));
    const radius = Math.round(Math.min(LENS, Math.min(...this.view.port) / 3));
    this.lens = point && { place: isFinger ? [point[0], point[1] - ABOVE_A_FINGER] : point, under: point, radius, stronger };
    this.draw();
  }

  // The values of more than 8 bits come when somebody first asks for another window, which then shows the same of them.
  async #deepen() {
    if (this.kind !== "plain" || !this.element.dataset.deep) return;
    this.deep ??= this.#load(() => pictures.ofDeep(this.element.dataset.deep));
    const picture = await this.deep;
    if (!picture || this.kind !== "plain") return;
    const [low, high] = picture.window;
    const { tone } = this.shown.plain;
    this.shown.deep ??= { picture, tone: new Tone(picture.window) };
    this.shown.deep.tone.window = [tone.low, tone.high].map((value) => low + (value / WHOLE[1]) * (high - low));
    this.kind = "deep";
    this.draw();
  }

  async #load(load) {
    this.element.classList.add("is-loading");
    try {
      return await load();
    } catch {
      this.#corner("turned", say(this.film, "failed"));
      return null;
    } finally {
      this.element.classList.remove("is-loading");
    }
  }

  // -- Drawing --------------------------------------------------------------------------------------------------------

  draw() {
    if (!this.isDrawn || !this.renderer) return;
    this.isDrawn = false;
    requestAnimationFrame(() => {
      this.isDrawn = true;
      this.#draw();
    });
  }

  #draw() {
    const { picture, tone } = this.shown[this.kind];
    tone.isInverted = this.isInverted;
    this.renderer.draw(picture, this.view, tone, this.lens);
    if (this.layers) this.layers.style.transform = this.view.cssTransform;
    this.marks.draw(this.view);
    this.#tell();
  }

  #makeCanvas(rendererOn) {
    this.canvas?.remove();
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("aria-hidden", "true");
    this.renderer = rendererOn(this.canvas) ?? new PlainRenderer(this.canvas);
    this.canvas.addEventListener("webglcontextlost", () => this.#makeCanvas(() => null));
    this.image.after(this.canvas);
    this.#resize();
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!width || !height) return;
    this.view.resize([width, height]);
    if (!this.renderer) return;
    this.canvas.width = Math.round(width * this.renderer.ratio);
    this.canvas.height = Math.round(height * this.renderer.ratio);
    this.#draw();
  }

  // -- What its corners say -------------------------------------------------------------------------------------------

  #tell() {
    this.#corner("zoom", say(this.film, "zoom", { percent: number(100 * this.view.scale * this.renderer.ratio) }));
    this.#corner("window", this.#window());
    this.#corner("turned", this.#turned());
  }

  #window() {
    const { picture, tone: { low, high } } = this.shown[this.kind];
    const { offset = 0, step = 1 } = picture; // to what the file's numbers mean
    const values = { width: number((high - low) * Math.abs(step)), centre: number(offset + (step * (low + high)) / 2) };
    return [
      this.kind === "enhanced" ? say(this.film, "enhanced") : "",
      this.isInverted ? say(this.film, "inverted") : "",
      say(this.film, "window", values),
    ].filter(Boolean).join(" · ");
  }

  #turned() {
    const { isMirrored, degrees } = this.view.orientation;
    if (!isMirrored && !degrees) return "";
    const what = !degrees ? "mirrored" : isMirrored ? "turned-mirrored" : "turned";
    return say(this.film, what, { degrees: number(degrees) });
  }

  #corner(name, text) {
    const corner = this.element.querySelector(`[data-film-says="${name}"]`);
    if (corner.textContent !== text) corner.textContent = text;
  }
}
