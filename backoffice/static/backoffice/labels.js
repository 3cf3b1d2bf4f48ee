/* select2 hides the labelled select and shows boxes without a name: they get the label's. */
"use strict";
window.addEventListener("load", () => {
  for (const select of document.querySelectorAll("select.select2-hidden-accessible")) {
    const name = select.labels[0]?.textContent.trim();
    const shown = select.nextElementSibling;
    for (const part of shown.querySelectorAll("[role=combobox], [role=textbox], [role=searchbox]")) {
      part.setAttribute("aria-label", name);
    }
  }
});
