/* The desk: shortcut keys, and finding a person. Every button works without it. */
"use strict";
(() => {
  const find = document.getElementById("find");
  const keys = document.getElementById("keys");
  const PAUSE = 500; // ms: the second half of a double click must not hit the button that has come under it
  let movedAt = -PAUSE;

  // -- One press at a time ----------------------------------------------------------------------------------------
  document.addEventListener("click", (event) => {
    if (event.target.closest("#desk button") && event.timeStamp - movedAt < PAUSE) event.preventDefault();
  }, true);

  // -- Finding: the rows that match, also after the list has changed ----------------------------------------------
  const sift = () => {
    const wanted = find.value.trim().toLowerCase();
    for (const row of document.querySelectorAll(".people > li:not(.soft)")) {
      const who = row.querySelector(".who");
      const number = who.querySelector(".number").textContent;
      row.hidden = Boolean(wanted) && number !== wanted && !who.textContent.toLowerCase().includes(wanted);
    }
  };
  find.addEventListener("input", sift);

  // -- Keys -------------------------------------------------------------------------------------------------------
  keys.checked = localStorage.getItem("desk-keys") !== "off";
  keys.addEventListener("change", () => localStorage.setItem("desk-keys", keys.checked ? "on" : "off"));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target === find) { find.value = ""; sift(); find.blur(); }
    const isTyping = event.target.closest("input:not([type=checkbox]), select, textarea, .select2-container");
    if (!keys.checked || isTyping || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") { event.preventDefault(); find.focus(); }
    document.querySelector(`#desk [data-key="${CSS.escape(event.key.toLowerCase())}"]`)?.click();
  });

  // -- After each look: the same rows hidden, and the focus where it was, or on the row that took its place --------
  let place = null;
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (!event.target.closest("#desk")) return; // the bell of every page
    if (event.detail.shouldSwap && !event.detail.serverResponse.includes('id="desk"')) { // signed out meanwhile: this is the page to sign in
      event.detail.shouldSwap = false;
      location.reload();
    }
    const list = document.activeElement?.closest("#desk section");
    place = list && { list: list.getAttribute("aria-labelledby"), row: [...list.querySelectorAll("li")].indexOf(document.activeElement.closest("li")) };
  });
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.requestConfig.verb === "post") movedAt = event.timeStamp;
    sift();
    if (!place || document.activeElement !== document.body) return;
    const list = document.querySelector(`[aria-labelledby="${place.list}"]`);
    const rows = list.querySelectorAll("li");
    (rows[Math.min(place.row, rows.length - 1)] ?? list).querySelector("button")?.focus({ preventScroll: true });
  });
})();
