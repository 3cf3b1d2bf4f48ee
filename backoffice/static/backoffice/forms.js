/* Leads an invalid form to its first error, says what is missing in the page's words, and leads a list back to where it
   was when somebody comes back to it. */
"use strict";

/* -- The first error ------------------------------------------------------------------------------------------------ */
(() => {
  const findFirst = () => document.querySelector(".app-main [aria-invalid=true], .app-main .errorlist, .app-main .errors :is(input, select, textarea)");

  function lead() {
    const found = findFirst();
    if (!found) return;
    const part = found.closest(".form-group, .plain-field, .upload-field, td, li, fieldset") ?? found.parentElement;
    const field = found.matches("input, select, textarea") ? found : part.querySelector("input:not([type=hidden]), select, textarea") ?? found;
    for (let folded = field.closest("details"); folded; folded = folded.parentElement.closest("details")) folded.open = true;
    // select2 hides the select itself; the list of errors takes the focus where there is no field.
    const seen = field.matches(".select2-hidden-accessible") ? field.nextElementSibling.querySelector("[role=combobox], [role=searchbox]") : field;
    if (!field.matches("input, select, textarea")) field.tabIndex = -1;
    seen.focus({ preventScroll: true });
    part.scrollIntoView({ block: "center", inline: "center" });
  }

  // After Django's own scripts, which draw select2 when the page is ready.
  document.addEventListener("DOMContentLoaded", () => setTimeout(lead));
})();

/* -- What the browser objects to, in the page's language: its own words are in the browser's ----------------------------- */
(() => {
  const { sayNeeded, sayNotRight } = document.body.dataset;
  document.addEventListener("invalid", ({ target }) => {
    target.setCustomValidity("");
    if (!target.validity.valid) target.setCustomValidity(target.validity.valueMissing ? sayNeeded : sayNotRight);
  }, true);
  // Else it would go on objecting to what is right by now.
  for (const name of ["input", "change"]) document.addEventListener(name, ({ target }) => target.setCustomValidity?.(""), true);
})();

/* -- What was said: a page that comes up with its message reads it to nobody, so it is said once more ----------------- */
(() => {
  const told = [...document.querySelectorAll(".alert[role=status]")].map((message) => message.textContent.trim());
  if (!told.length) return;
  const live = document.createElement("div");
  live.className = "visually-hidden";
  live.setAttribute("aria-live", "polite");
  document.body.append(live);
  setTimeout(() => { live.textContent = told.join(" "); }, 500);
})();

/* -- The list: its search and where it was scrolled to are kept in this tab, until somebody signs in anew -------------- */
(() => {
  const PREFIX = "list:";
  const COMES_BACK = "list-comes-back";
  const inOrder = (search) => { const asked = new URLSearchParams(search); asked.sort(); return asked.toString(); };
  const kept = (path) => JSON.parse(sessionStorage.getItem(PREFIX + path));
  const list = document.querySelector("#changelist-form .results");
  const comesBack = sessionStorage.getItem(COMES_BACK) !== null;
  sessionStorage.removeItem(COMES_BACK);

  if (document.body.classList.contains("bare")) {
    for (const key of Object.keys(sessionStorage).filter((key) => key.startsWith(PREFIX))) sessionStorage.removeItem(key);
    return;
  }

  // A form that is sent, and a link back to the list, come back to where it was; the menu begins anew.
  document.addEventListener("submit", (event) => { if (event.target.method === "post") sessionStorage.setItem(COMES_BACK, "yes"); });

  if (document.querySelector("#changelist-form")) {
    addEventListener("pagehide", () => sessionStorage.setItem(PREFIX + location.pathname, JSON.stringify({ search: location.search, top: scrollY, left: list?.scrollLeft ?? 0 })));
    addEventListener("load", () => {
      const was = kept(location.pathname);
      if (comesBack && was && inOrder(was.search) === inOrder(location.search)) {
        scrollTo({ top: was.top, behavior: "instant" });
        if (list) list.scrollLeft = was.left;
      }
      const row = document.querySelector(".results tr:has(:target)");
      if (!row) return;
      row.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
      history.replaceState(history.state, "", location.pathname + location.search); // it glows once
    });
    return;
  }

  // On a record's page, /admin/<app>/<model>/<key>/change/: the address leaves out what was searched for, the form brings it.
  const path = location.pathname.match(/^(\/.+?\/)(?:[^/]+\/change|add)\/$/)?.[1];
  const was = path && kept(path);
  if (!was) return;
  const searched = new URLSearchParams(was.search).get("q");
  document.addEventListener("submit", ({ target: form }) => {
    if (!searched || !form.matches(".change-form [id$=_form]")) return;
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name: "_list_search", value: searched });
    form.append(field);
  });
  for (const link of document.querySelectorAll(".app-main a[href]")) {
    if (link.pathname !== path || link.search) continue;
    link.search = was.search;
    link.addEventListener("click", () => sessionStorage.setItem(COMES_BACK, "yes"));
  }
})();
