/* The first page's blocks, and each page's bell, ask for themselves again. This leaves them in peace while nobody looks, lets what has changed
   glow once, and keeps the keyboard's focus where it was. connection.js says when the connection is gone. */
"use strict";
(() => {
  const blockOf = (event) => event.target.closest?.("[data-live-block]");

  // -- Only while somebody looks ------------------------------------------------------------------------------------
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && blockOf(event)) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    for (const block of document.querySelectorAll("[data-live-block]")) htmx.trigger(block, "look-again");
  });

  // -- What has changed: [data-glow] names what a piece shows, so that it is known again after the swap --------------
  const shown = (block) => new Map([...block.querySelectorAll("[data-glow]")].map((piece) => [piece.dataset.glow, piece.textContent.trim()]));
  const before = new Map();
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const block = blockOf(event);
    if (!block || !event.detail.shouldSwap) return;
    if (!event.detail.serverResponse.includes("data-live-block")) { // signed out meanwhile: this is the page to sign in
      event.detail.shouldSwap = false;
      if (block.classList.contains("live-block")) location.reload(); // where only the bell asks, somebody may be typing
      return;
    }
    before.set(block.id, { pieces: shown(block), focused: block.contains(document.activeElement) ? document.activeElement.id : "" });
  });
  document.body.addEventListener("htmx:afterSettle", (event) => {
    const id = event.detail.elt?.id;
    const was = before.get(id);
    if (!was) return;
    before.delete(id);
    const block = document.getElementById(id);
    for (const piece of block.querySelectorAll("[data-glow]")) {
      if (was.pieces.get(piece.dataset.glow) !== piece.textContent.trim()) piece.classList.add("changed");
    }
    // What was focused may be gone: then the block's first control is the nearest.
    if (was.focused && document.activeElement === document.body) {
      (document.getElementById(was.focused) ?? block.querySelector("a[href], button"))?.focus({ preventScroll: true });
    }
  });
})();
