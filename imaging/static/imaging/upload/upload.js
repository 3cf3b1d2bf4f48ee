// The list of files and their way to the server: a few at a time, again by themselves where the server is busy or the
// connection lost, and halted where a person has to do something first.

import { say } from "../viewer/words.js";
import { inFolders, ofDrop, ofInput } from "./chosen.js";
import { Row, megabytes } from "./row.js";
import { canBeRead, mayStill, send } from "./sending.js";

const AT_ONCE = 2; // as many as a web process reads for one after another: see backoffice/files/places.py
const FIRST_WAIT = 1000; // ms; twice as long after each try in vain, and the others wait behind
const LONGEST_WAIT = 30_000;
const MOST_TRIES = 12; // of one file: some five minutes
const SAID_EVERY = 5000; // ms: who listens is not told of each file
const PICTURE = /\.(png|jpe?g)$/i;

export class Upload {
  rows = [];
  isHalted = false;

  constructor(zone) {
    this.zone = zone;
    this.form = zone.closest("form");
    this.patient = zone.dataset.patient; // undefined: the form is ours, and says whose films they are
    this.list = this.find("[data-upload-files]");
    this.input = this.find("#id_files");
    this.token = this.form.elements.csrfmiddlewaretoken.value;
    this.place = `upload:${location.pathname}`;
  }

  find(selector) {
    return this.zone.querySelector(selector);
  }

  start() {
    for (const part of this.zone.querySelectorAll("[data-upload-live]")) part.hidden = false;
    for (const part of this.zone.querySelectorAll("[data-upload-plain]")) part.hidden = true;
    this.input.hidden = true;
    this.input.required = false;
    if (!("webkitdirectory" in this.input)) this.find("[data-upload-way=folder]").hidden = true;
    this.hear();
    this.tellOfReload();
  }

  hear() {
    const inputs = { files: this.input, folder: this.find("[data-upload-input=folder]"), camera: this.find("[data-upload-input=camera]") };
    for (const [way, input] of Object.entries(inputs)) {
      this.find(`[data-upload-way=${way}]`).addEventListener("click", () => input.click());
      input.addEventListener("change", () => {
        this.add(way === "folder" ? inFolders(ofInput(input)) : ofInput(input));
        input.value = ""; // they are on the list now, and the same one may be chosen again
      });
    }
    this.hearDrops();
    for (const name of ["wheel", "pointerdown", "keydown"]) this.list.addEventListener(name, () => { this.isLookedThrough = true; });
    this.zone.addEventListener("click", ({ target }) => this.act(target.closest("[data-upload-do], [data-file-do]")));
    this.list.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !event.target.matches("[data-file-asks] input")) return;
      event.preventDefault(); // else it would send the form around it
      this.act(event.target.closest("[data-file-asks]").querySelector("button"));
    });
    this.form.addEventListener("submit", (event) => this.submit(event));
    addEventListener("online", () => this.isHalted || this.goOn());
    addEventListener("beforeunload", (event) => this.isUnfinished && event.preventDefault());
    addEventListener("pagehide", () => this.noteLeaving());
  }

  hearDrops() {
    for (const name of ["dragenter", "dragover"]) {
      this.zone.addEventListener(name, (event) => {
        event.preventDefault();
        this.zone.classList.add("is-over");
      });
    }
    this.zone.addEventListener("dragleave", (event) => {
      if (!this.zone.contains(event.relatedTarget)) this.zone.classList.remove("is-over");
    });
    this.zone.addEventListener("drop", async (event) => {
      event.preventDefault();
      this.zone.classList.remove("is-over");
      this.add(await ofDrop(event.dataTransfer));
    });
  }

  // -- What people do ------------------------------------------------------------------------------------------------

  add(chosen) {
    const rows = chosen.map((one) => new Row(this.zone, one));
    this.rows.push(...rows);
    this.list.append(...rows.map((row) => row.element));
    for (const row of rows) this.refuseLarge(row);
    this.draw();
  }

  refuseLarge(row) {
    const most = Number(PICTURE.test(row.path) ? this.zone.dataset.mostOfAPicture : this.zone.dataset.most);
    if (row.file.size > most) row.set("refused", say(this.zone, "too-large", { megabytes: megabytes(most) }));
  }

  act(button) {
    if (!button) return;
    const row = this.rows.find(({ element }) => element.contains(button));
    if (row) return { again: () => this.again(row), stop: () => this.stop(row), answer: () => this.answer(row) }[button.dataset.fileDo]();
    ({
      start: () => this.ask(),
      go: () => this.goOn(),
      stop: () => this.stopAll(),
      clear: () => this.clear(),
      filter: () => this.filter(button),
    })[button.dataset.uploadDo]();
  }

  submit(event) {
    if (this.patient === undefined) {
      event.preventDefault();
      this.ask();
    } else if (this.isUnfinished) {
      event.preventDefault();
      this.note(say(this.zone, "unsent"));
    }
  }

  // All that are on the list and were not asked for yet, with what the form says now.
  ask() {
    const chosen = this.rows.filter(({ state }) => state === "chosen");
    if (!chosen.length && !this.rows.some(({ isUnderWay }) => isUnderWay)) return this.note(say(this.zone, "none"));
    const fields = this.fields();
    for (const row of chosen) {
      row.fields = fields;
      row.set("waiting");
    }
    this.goOn();
  }

  fields() {
    if (this.patient !== undefined) return [["patient", this.patient]];
    return ["patient", "view", "taken_on", "notes"].map((name) => [name, this.form.elements[name].value]);
  }

  stop(row) {
    if (row.state === "chosen") {
      const place = this.rows.indexOf(row);
      this.rows.splice(place, 1);
      row.element.remove();
      (this.rows[place] ?? this.rows[place - 1])?.focus();
      if (!this.rows.length) this.find("[data-upload-way=files]").focus();
    } else {
      clearTimeout(row.timer);
      row.set("cancelled");
      row.stopping?.abort();
    }
    this.next();
  }

  stopAll() {
    // From the end: else those that wait would begin.
    for (const row of [...this.rows].reverse()) if (row.isUnderWay && row.state !== "checking") this.stop(row);
    this.list.focus();
  }

  again(row) {
    row.tries = 0;
    row.set(row.fields ? "waiting" : "chosen");
    if (!row.fields) this.refuseLarge(row);
    this.goOn();
  }

  answer(row) {
    if (row.answer()) this.again(row);
  }

  clear() {
    for (const row of this.rows) if (row.isEnded) row.element.remove();
    this.rows = this.rows.filter(({ isEnded }) => !isEnded);
    this.draw();
    this.find("[data-upload-way=files]").focus();
  }

  filter(button) {
    const isOn = this.list.classList.toggle("is-only-not-kept");
    button.setAttribute("aria-pressed", isOn);
  }

  // -- On the way ----------------------------------------------------------------------------------------------------

  goOn() {
    this.isHalted = false;
    this.find("[data-upload-halt]").hidden = true;
    for (const row of this.rows) if (row.state === "again") this.wait(row);
    this.next();
  }

  wait(row) {
    clearTimeout(row.timer);
    row.set("waiting");
  }

  next() {
    this.draw();
    if (this.isHalted) return;
    const waiting = this.rows.filter(({ state }) => state === "waiting");
    const others = this.rows.filter(({ isUnderWay }) => isUnderWay).length - waiting.length;
    for (const row of waiting.slice(0, Math.max(0, AT_ONCE - others))) this.send(row);
  }

  async send(row) {
    const stopping = row.stopping = new AbortController();
    row.tries += 1;
    row.set("sending");
    this.follow(row);
    const fields = [["csrfmiddlewaretoken", this.token], ["by", this.zone.dataset.by], ...row.fields];
    const { answer, status } = await send(this.zone.dataset.upload, fields, row.file, {
      progress: (share) => { row.progress.value = share; },
      sent: () => row.state === "sending" && row.set("checking"),
      signal: stopping.signal,
    });
    if (!stopping.signal.aborted) await this.hearOf(row, answer, status);
    this.next();
  }

  // The list scrolls along until somebody scrolls it.
  follow({ element }) {
    const { list } = this;
    if (!this.isLookedThrough) list.scrollTop = Math.max(list.scrollTop, element.offsetTop + element.offsetHeight - list.offsetTop - list.clientHeight);
  }

  async hearOf(row, answer, status) {
    const [file] = answer?.files ?? [];
    if (file && file.outcome !== "busy") {
      row.end(file);
    } else if (file) {
      this.later(row, file.told.join(" "), file.told.join(" "));
    } else if (answer?.problems) {
      this.askAnew(answer.problems.join(" "));
    } else if (status >= 500) {
      this.later(row, say(this.zone, "server", { status }), say(this.zone, "not-taken", { status }));
    } else if (status) {
      await this.findOut(row, status);
    } else if (await canBeRead(row.file)) {
      this.later(row, say(this.zone, "lost"), say(this.zone, "not-reached"));
    } else {
      row.set("refused", say(this.zone, "changed"));
    }
  }

  later(row, told, inVain) {
    if (row.tries >= MOST_TRIES) return row.set("refused", inVain);
    row.set("again", told);
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (row.tries - 1)) * (0.75 + Math.random() / 2); // not all windows at once
    row.timer = setTimeout(() => {
      this.wait(row);
      this.next();
    }, wait);
  }

  // The answer was none of ours: signed out, perhaps, or signed in anew, so that the form's token is another.
  async findOut(row, status) {
    const { token, signedOut, closed } = await mayStill(this.zone.dataset.upload);
    if (signedOut || closed) {
      row.set("waiting");
      this.halt(say(this.zone, signedOut ? "signed-out" : "closed"), Boolean(signedOut));
    } else if (!token) {
      this.later(row, say(this.zone, "lost"), say(this.zone, "not-reached"));
    } else if (row.isRenewed) {
      row.set("refused", say(this.zone, "not-understood", { status }));
    } else {
      this.token = token;
      row.isRenewed = true;
      row.set("waiting");
    }
  }

  // Something that was sent with the files is wrong: they are as if they had not been asked for.
  askAnew(told) {
    for (const row of this.rows) if (row.isUnderWay) {
      clearTimeout(row.timer);
      row.stopping?.abort();
      row.set("chosen");
    }
    this.halt(told, false);
  }

  halt(told, canGoOn) {
    this.isHalted = true;
    this.note(told, canGoOn);
  }

  note(told, canGoOn = false) {
    this.find("[data-upload-why]").textContent = told;
    this.find("[data-upload-go]").hidden = !canGoOn;
    const halt = this.find("[data-upload-halt]");
    halt.hidden = false;
    halt.scrollIntoView({ block: "nearest" });
  }

  // -- What is said --------------------------------------------------------------------------------------------------

  get isUnfinished() {
    return this.rows.some(({ isEnded }) => !isEnded);
  }

  sum() {
    const count = (state) => this.rows.filter((row) => row.state === state).length;
    const values = {
      all: this.rows.length,
      done: this.rows.filter(({ isEnded }) => isEnded).length,
      kept: count("kept"),
      there: count("there"),
      refused: this.rows.filter(({ isNotKept }) => isNotKept).length,
      asked: count("asks"),
    };
    const isBegun = this.rows.some(({ state }) => state !== "chosen");
    return { ...values, told: say(this.zone, values.asked ? "sum-asking" : isBegun ? "sum" : "chosen", values) };
  }

  draw() {
    const { all, done, refused, asked, told } = this.sum();
    const isUnderWay = this.rows.some((row) => row.isUnderWay);
    this.list.hidden = this.find("[data-upload-whole]").hidden = !all;
    this.find("[data-upload-sum]").textContent = told;
    this.find("[data-upload-whole] > progress").value = all ? done / all : 0;
    const shows = (what, isShown) => {
      const button = this.find(`[data-upload-do=${what}]`);
      if (button) button.hidden = !isShown;
    };
    shows("start", this.rows.some(({ state }) => state === "chosen"));
    shows("stop", isUnderWay);
    shows("clear", done > 0 && !isUnderWay);
    shows("filter", refused + asked > 0);
    this.tell(told, !isUnderWay);
  }

  tell(told, atOnce) {
    this.told = told;
    const speak = () => {
      this.speaking = undefined;
      const said = this.find("[data-upload-said]");
      if (this.rows.length && said.textContent !== this.told) said.textContent = this.told;
    };
    if (atOnce) speak();
    else this.speaking ??= setTimeout(speak, SAID_EVERY);
  }

  // The files' names stay nowhere: they may be patients'.
  noteLeaving() {
    const { all, done } = this.sum();
    if (this.rows.some(({ isUnderWay }) => isUnderWay)) sessionStorage.setItem(this.place, JSON.stringify({ all, done }));
  }

  tellOfReload() {
    const left = sessionStorage.getItem(this.place);
    sessionStorage.removeItem(this.place);
    if (left) this.note(say(this.zone, "reloaded", JSON.parse(left)));
  }
}
