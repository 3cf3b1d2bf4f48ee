/* select2 hides the labelled select and shows boxes without a name: they get the label's. */
"use strict";
django.jQuery(() => {
  for (const select of document.querySelectorAll("select.select2-hidden-accessible")) {
    const shown = select.nextElementSibling;
    for (const part of shown.querySelectorAll("[role=combobox], [role=textbox], [role=searchbox]")) {
      part.removeAttribute("aria-labelledby");
      part.setAttribute("aria-label", select.labels[0]?.textContent.replace("*", "").trim());
    }
  }
});
