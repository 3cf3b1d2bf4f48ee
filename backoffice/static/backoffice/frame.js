/* Opens and closes the menu: laid over the page where it is narrow, beside it where it is wide. */
"use strict";
(() => {
  const button = document.querySelector("[data-menu-toggle]");
  if (!button) return;
  const narrow = window.matchMedia("(max-width: 991.98px)");
  const classes = document.body.classList;
  const isOpen = () => (narrow.matches ? classes.contains("sidebar-open") : !classes.contains("sidebar-collapse"));

  function show(open) {
    classes.toggle("sidebar-open", open);
    classes.toggle("sidebar-collapse", !open);
    button.setAttribute("aria-expanded", String(open));
  }

  document.querySelector("#menu .active")?.scrollIntoView({ block: "nearest" });
  button.setAttribute("aria-expanded", String(isOpen()));
  button.addEventListener("click", () => show(!isOpen()));
  narrow.addEventListener("change", () => show(!narrow.matches));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && narrow.matches) show(false); });
  document.querySelector(".app-main").addEventListener("click", () => { if (narrow.matches && isOpen()) show(false); });
})();

/* A list's filters close as menus do: by Escape, and when something else is clicked. */
(() => {
  const open = () => document.querySelector("details.filter[open]");
  document.addEventListener("click", (event) => { if (!event.target.closest("details.filter")) open()?.removeAttribute("open"); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !open()) return;
    const filter = open();
    filter.removeAttribute("open");
    filter.querySelector("summary").focus();
  });
})();
