// The film's page: its tools, its panes, and two of them in step.

import { Keys } from "./keys.js";
import { Pane } from "./pane.js";
import { follow } from "./pointers.js";
import { say } from "./words.js";

const STEP = 1.25; // of a zoom by button or key
const NUDGE = 60; // px, by an arrow key
const [STRIDE, PACE] = [20, 1]; // px, of the cross that measures, and with Shift
const [LEFT_BUTTON, MIDDLE_BUTTON, RIGHT_BUTTON] = [0, 1, 2];

export class Film {
  constructor(element) {
    this.element = element;
    this.stage = element.querySelector("[data-film-stage]");
    this.panes = [];
    this.keys = new Keys(element);
    this.said = element.querySelector("[data-film-said]");
  }

  async start() {
    await this.#add(this.stage.querySelector("[data-film-pane]"), this.element.querySelector("[data-film-layers]"));
    this.#wire();
    this.mode = "pan";
    this.element.classList.add("is-working");
  }

  // -- Panes ----------------------------------------------------------------------------------------------------------

  async #add(element, layers = null) {
    const pane = new Pane(element);
    if (layers) {
      pane.layers = layers;
      element.querySelector("[data-film-picture]").after(layers);
      [layers.style.width, layers.style.height] = pane.view.size.map((length) => `${length}px`);
    }
    await pane.start();
    if (!element.isConnected) return; // another film was chosen meanwhile
    this.panes.push(pane);
    this.active = pane;
    pane.changed = (stand) => this.panes.forEach((other) => other !== pane && other.follow(stand));
    follow(element, this.#gestures(pane));
    element.addEventListener("focusin", () => this.#activate(pane));
    element.addEventListener("dblclick", ({ offsetX, offsetY }) => this.#between(pane, [offsetX, offsetY]));
    this.#activate(this.panes[0]);
  }

  #activate(pane) {
    this.active = pane;
    for (const one of this.panes) one.element.classList.toggle("is-active", one === pane && this.panes.length > 1);
  }

  #between(pane, at) {
    if (this.mode !== "pan") return;
    if (pane.view.isFitted) pane.natural(at);
    else pane.look((view) => view.fit());
  }

  async #compare(key) {
    this.panes.splice(1);
    for (const other of [...this.stage.children].slice(1)) other.remove();
    this.stage.classList.toggle("is-two", Boolean(key));
    this.#activate(this.panes[0]);
    if (!key) return;
    const template = this.element.querySelector(`template[data-film-other="${CSS.escape(key)}"]`);
    const element = template.content.firstElementChild.cloneNode(true);
    this.stage.append(element);
    try {
      await this.#add(element);
    } catch {
      element.querySelector("[data-film-says=turned]").textContent = say(this.element, "failed");
    }
    const [first, second] = this.panes;
    if (!second) return;
    second.follow(first.view.stand);
    second.invert(first.isInverted);
    if (first.kind === "enhanced") await second.enhance(true);
  }

  // -- Gestures -------------------------------------------------------------------------------------------------------

  get mode() {
    return this.stage.dataset.mode;
  }

  set mode(mode) {
    this.stage.dataset.mode = mode;
    for (const button of this.element.querySelectorAll("[data-film-mode]")) press(button, button.dataset.filmMode === mode);
    for (const pane of this.panes) {
      pane.marks.leave();
      pane.magnify(null);
    }
  }

  #gestures(pane) {
    let mode = null;
    let isFinger = false;
    const at = (point) => pane.view.toPicture(point);
    return {
      begin: (point, { button, type }) => {
        pane.element.focus({ preventScroll: true });
        this.#activate(pane);
        mode = { [LEFT_BUTTON]: this.mode, [MIDDLE_BUTTON]: "pan", [RIGHT_BUTTON]: "window" }[button];
        isFinger = type !== "mouse";
        if (mode === "measure") pane.marks.begin(at(point));
        if (mode === "magnify") pane.magnify(point, isFinger);
        return Boolean(mode);
      },
      drag: (distance, point) => {
        if (mode === "pan") pane.look((view) => view.moveBy(distance));
        if (mode === "window") pane.dragWindow(distance);
        if (mode === "magnify") pane.magnify(point, isFinger);
        if (mode === "measure") {
          pane.marks.stretch(at(point));
          pane.draw();
        }
      },
      end: () => {
        if (mode === "window") this.#choice.value = "";
        if (mode === "magnify") pane.magnify(null);
        if (mode === "measure") {
          pane.marks.finish();
          this.said.textContent = pane.marks.last;
        }
      },
      pinch: (factor, middle, distance) => pane.look((view) => {
        view.moveBy(distance);
        view.zoomBy(factor, middle);
      }),
      wheel: (factor, point) => pane.look((view) => view.zoomBy(factor, point)),
      hover: (point) => this.mode === "magnify" && pane.magnify(point),
    };
  }

  // -- Tools ----------------------------------------------------------------------------------------------------------

  get #choice() {
    return this.element.querySelector("[data-film-preset]");
  }

  #wire() {
    for (const button of this.element.querySelectorAll("[data-film-mode]")) {
      button.addEventListener("click", ({ detail }) => {
        this.mode = button.dataset.filmMode;
        if (this.mode === "measure" && !detail) this.#measureByKeys();
      });
    }
    for (const button of this.element.querySelectorAll("[data-film-tool]")) {
      button.addEventListener("click", () => this.#tools[button.dataset.filmTool](button));
    }
    this.#choice.addEventListener("change", ({ target }) => target.value && this.panes.forEach((pane) => pane.choose(target.value)));
    this.element.querySelector("[data-film-compare]")?.addEventListener("change", ({ target }) => this.#compare(target.value));
    document.addEventListener("fullscreenchange", () => this.#sayFull(document.fullscreenElement === this.element));
    this.keys.actions = {
      ...Object.fromEntries(Object.entries(ARROWS).map(([key, way]) => [key, ({ shiftKey }) => this.#nudge(way, shiftKey)])),
      Enter: (event) => this.#setEnd(event),
      Escape: () => this.#leave(),
    };
  }

  #tools = {
    fit: () => this.active.look((view) => view.fit()),
    natural: () => this.active.natural(),
    in: () => this.active.look((view) => view.zoomBy(STEP)),
    out: () => this.active.look((view) => view.zoomBy(1 / STEP)),
    right: () => this.active.look((view) => view.turn(1)),
    left: () => this.active.look((view) => view.turn(3)),
    mirror: () => this.active.look((view) => view.mirror()),
    invert: (button) => {
      const isInverted = toggle(button);
      for (const pane of this.panes) pane.invert(isInverted);
    },
    enhance: (button) => this.#enhance(button),
    reset: () => this.#reset(),
    full: () => this.#fill(),
    more: (button) => this.element.classList.toggle("has-more", toggle(button)),
    help: () => this.keys.show(),
  };

  async #enhance(button) {
    const wanted = toggle(button);
    const came = await Promise.all(this.panes.map((pane) => pane.enhance(wanted)));
    press(button, came.some(Boolean));
  }

  #reset() {
    for (const pane of this.panes) pane.reset();
    for (const name of ["invert", "enhance"]) press(this.element.querySelector(`[data-film-tool="${name}"]`), false);
    this.#choice.value = "file";
    this.said.textContent = "";
  }

  // A click without a pointer is a key's.
  #measureByKeys() {
    this.active.element.focus({ preventScroll: true });
    this.active.marks.enter(this.active.view);
    this.active.draw();
    this.said.textContent = say(this.element, "measure");
  }

  #setEnd({ target }) {
    const { active, mode } = this;
    if (mode !== "measure" || target !== active.element) return false;
    active.marks.setEnd(active.view);
    active.draw();
    if (!active.marks.isDrawing) this.said.textContent = active.marks.last;
    return true;
  }

  #nudge([right, down], hasShift) {
    if (this.mode === "measure") {
      const step = hasShift ? PACE : STRIDE;
      this.active.marks.step([right * step, down * step], this.active.view);
      this.active.draw();
    } else if (hasShift) {
      this.active.dragWindow([right * NUDGE, down * NUDGE]);
      this.#choice.value = "";
    } else {
      this.active.look((view) => view.moveBy([-right * NUDGE, -down * NUDGE]));
    }
  }

  // Escape: what was measured goes first, then the full screen, as browsers do by themselves.
  #leave() {
    if (this.element.classList.contains("is-full") && !document.fullscreenElement) return this.#sayFull(false);
    if (!this.panes.some(({ marks }) => marks.all.length || marks.cross)) return false;
    for (const pane of this.panes) {
      pane.marks.clear();
      pane.draw();
    }
    return true;
  }

  // Telephones that give a page no full screen give the film their window.
  #fill() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.element.classList.contains("is-full")) this.#sayFull(false);
    else if (this.element.requestFullscreen) this.element.requestFullscreen().catch(() => this.#sayFull(true));
    else this.#sayFull(true);
  }

  #sayFull(isFull) {
    this.element.classList.toggle("is-full", isFull);
    press(this.element.querySelector('[data-film-tool="full"]'), isFull);
  }
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const press = (button, pressed) => button.setAttribute("aria-pressed", String(pressed));

function toggle(button) {
  const pressed = button.getAttribute("aria-pressed") !== "true";
  press(button, pressed);
  return pressed;
}
