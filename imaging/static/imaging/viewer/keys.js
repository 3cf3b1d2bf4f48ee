// Shortcut keys of the film's page: each control names its own (data-film-key), and the help lists what is there, so
// that what other apps add to the page, over the film or beside it, is among them.

const KEPT = "film-keys";
const TYPED_INTO = "input:not([type=range], [type=radio]), select, textarea, .select2-container, [contenteditable]";

export class Keys {
  constructor(film) {
    this.film = film;
    this.help = film.querySelector("[data-film-help]");
    this.choice = this.help.querySelector("[data-film-keys]");
    this.choice.checked = localStorage.getItem(KEPT) !== "off";
    this.choice.addEventListener("change", () => localStorage.setItem(KEPT, this.choice.checked ? "on" : "off"));
    this.actions = {}; // for keys without a control
    document.addEventListener("keydown", (event) => this.#press(event));
  }

  show() {
    const list = this.help.querySelector("[data-film-keys-list]");
    list.replaceChildren(...this.#controls().flatMap((control) => {
      const [name, key] = [document.createElement("dt"), document.createElement("dd")];
      name.textContent = nameOf(control);
      key.append(document.createElement("kbd"));
      key.firstChild.textContent = control.dataset.filmKey;
      return [name, key];
    }));
    this.help.showModal();
  }

  #controls() {
    return [...document.querySelectorAll("[data-film-key]:enabled, a[data-film-key], summary[data-film-key]")];
  }

  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.help.open) return;
    if (event.key === "Escape" && event.target.matches("textarea")) event.target.blur(); // back to the keys
    if (event.target.closest(TYPED_INTO)) return;
    const isOnTheFilm = Boolean(event.target.closest("[data-film-pane]"));
    if (!this.choice.checked && !isOnTheFilm) return;
    const action = this.actions[event.key];
    if (action && (isOnTheFilm || !event.key.startsWith("Arrow"))) {
      if (action(event) !== false) event.preventDefault();
      return;
    }
    const names = [event.key, `${event.shiftKey ? "Shift+" : ""}${event.key.toUpperCase()}`];
    const control = this.#controls().find(({ dataset }) => names.includes(dataset.filmKey));
    if (!control) return;
    event.preventDefault();
    if (control instanceof HTMLSelectElement) nextOf(control);
    else if (control instanceof HTMLTextAreaElement) control.focus();
    else if (!event.repeat || control.hasAttribute("data-film-repeats")) control.click();
  }
}

function nextOf(select) {
  select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
  for (const kind of ["input", "change"]) select.dispatchEvent(new Event(kind, { bubbles: true }));
}

const nameOf = (control) => control.getAttribute("aria-label") ?? (control.labels?.[0]?.firstChild ?? control).textContent.trim();
