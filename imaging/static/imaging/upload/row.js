// A file on the list: where it is on its way, and what became of it.

import { number, say } from "../viewer/words.js";

const MEGABYTE = 1e6;
const UNDER_WAY = new Set(["waiting", "sending", "checking", "again"]);
const ENDED = new Set(["kept", "there", "refused", "cancelled"]);
const NOT_KEPT = new Set(["refused", "cancelled"]);
const MAY_STOP = new Set(["waiting", "sending", "again", "asks"]);

export const megabytes = (bytes) => number(bytes / MEGABYTE, 1);

export class Row {
  state = "chosen";
  fields = null; // what was chosen for it when it was asked for: whose film it is does not change on the way
  tries = 0;
  isRenewed = false; // the form's token was fetched anew for it

  constructor(zone, { file, path }) {
    this.file = file;
    this.path = path;
    this.zone = zone;
    this.element = zone.querySelector("template").content.firstElementChild.cloneNode(true);
    this.chips = Object.fromEntries([...this.element.querySelectorAll("[data-state]")].map((chip) => [chip.dataset.state, chip]));
    for (const chip of Object.values(this.chips)) chip.remove();
    this.progress = this.find("progress");
    this.progress.setAttribute("aria-label", path);
    this.find("[data-file-name]").textContent = path;
    this.find("[data-file-size]").textContent = say(zone, "size", { megabytes: megabytes(Math.max(0.1 * MEGABYTE, file.size)) });
    this.set("chosen");
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  get isUnderWay() { return UNDER_WAY.has(this.state); }
  get isEnded() { return ENDED.has(this.state); }
  get isNotKept() { return NOT_KEPT.has(this.state); }

  set(state, told = "") {
    const had = this.element.contains(document.activeElement);
    this.state = this.element.dataset.is = state;
    this.find("[data-file-state]").replaceChildren(this.chips[state]);
    this.find("[data-file-told]").textContent = told;
    this.progress.hidden = state !== "sending" && state !== "checking";
    if (state === "checking") this.progress.removeAttribute("value");
    else this.progress.value = 0;
    this.button("stop", state === "chosen" ? "remove" : "cancel", state === "chosen" || MAY_STOP.has(state));
    this.find("[data-file-asks]").hidden = state !== "asks";
    this.button("again", "again", this.isNotKept);
    // The button that was pressed may be gone: its place takes the focus, and not the start of the page.
    if (had && (!this.element.contains(document.activeElement) || document.activeElement.closest("[hidden]"))) this.focus();
  }

  button(what, says, isShown) {
    const button = this.find(`[data-file-do=${what}]`);
    button.hidden = !isShown;
    button.setAttribute("aria-label", say(this.zone, says, { file: this.path }));
  }

  focus() {
    (this.find("button:not([hidden], [hidden] *)") ?? this.element.parentElement)?.focus();
  }

  // What it is asked is { name, question }: the answer goes with it, under that name, when it is sent again.
  end({ outcome, told, film, asks }) {
    this.set(outcome, told.join(" "));
    this.asks = asks;
    if (asks) this.find("[data-file-question]").textContent = asks.question;
    if (!film) return;
    const link = this.find("[data-file-film]");
    link.href = film.address;
    link.textContent = film.name;
    link.hidden = false;
    const picture = document.createElement("img");
    Object.assign(picture, { src: film.thumbnail, alt: "", loading: "lazy", width: 56, height: 56 });
    this.find("[data-file-picture]").replaceChildren(picture);
  }

  // True where there is an answer, which is then one of the fields.
  answer() {
    const input = this.find("[data-file-asks] input");
    const value = input.value.trim();
    input.setAttribute("aria-invalid", !value);
    if (!value) {
      input.focus();
      return false;
    }
    this.fields = [...this.fields.filter(([name]) => name !== this.asks.name), [this.asks.name, value]];
    return true;
  }
}
