// The worklist: its keys on the list itself (on a film's page the viewer has them), and that a case stays with whoever is
// at work on it.
"use strict";

const HELD_EVERY = 60_000;
let heldAt = Date.now();

function hold() {
  const place = document.querySelector("[data-hold]");
  if (!place || Date.now() - heldAt < HELD_EVERY) return;
  heldAt = Date.now();
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  fetch(place.dataset.hold, { method: "POST", headers: { "X-CSRFToken": token } })
    .then(async (response) => {
      if (response.status !== 409) return;
      const told = document.createElement("p");
      told.className = "banner";
      told.setAttribute("role", "status");
      told.textContent = await response.text();
      place.after(told);
      delete place.dataset.hold;
    })
    .catch(() => {}); // without a connection nothing is held; it lapses
}

for (const sign of ["keydown", "pointerdown", "pointermove", "wheel"]) {
  document.addEventListener(sign, hold, { passive: true });
}

// Before the next key arrives, which `toggle` does not promise: what is typed into a note would be taken for keys.
new MutationObserver((changes) => {
  for (const { target } of changes) {
    if (target.matches("details[data-focus-within][open]")) target.querySelector("select, textarea, input:not([type=hidden])").focus();
  }
}).observe(document, { subtree: true, attributeFilter: ["open"] });

document.addEventListener("keydown", (event) => {
  if (document.querySelector("[data-film]") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea")) return;
  const control = document.querySelector(`[data-film-key="${CSS.escape(event.key.toUpperCase())}"]`);
  if (control && !event.repeat) {
    event.preventDefault();
    control.click();
  }
});
