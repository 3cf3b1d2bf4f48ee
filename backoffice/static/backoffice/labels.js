/* select2 hides the labelled select and shows boxes without a name: they get the label's, also those of the list that
   opens. */
"use strict";
django.jQuery(() => {
  const nameOf = (select) => select.labels[0]?.textContent.replace("*", "").trim();

  function name(part, select) {
    part.removeAttribute("aria-labelledby");
    part.setAttribute("aria-label", nameOf(select));
  }

  for (const select of document.querySelectorAll("select.select2-hidden-accessible")) {
    for (const part of select.nextElementSibling.querySelectorAll("[role=combobox], [role=textbox], [role=searchbox]")) name(part, select);
  }

  django.jQuery(document).on("select2:open", ({ target: select }) => {
    const list = document.querySelector(".select2-container--open .select2-results__options");
    const search = document.querySelector(".select2-container--open .select2-search__field");
    if (search) name(search, select);
    list.setAttribute("aria-label", nameOf(select));
    select.nextElementSibling.querySelector("[role=combobox]")?.setAttribute("aria-controls", list.id);
    // “Searching…” and “No results found” stand in the list, so they have to be entries of it.
    const told = () => list.querySelectorAll("[role=alert]").forEach((entry) => {
      entry.setAttribute("role", "option");
      entry.setAttribute("aria-disabled", "true");
    });
    new MutationObserver(told).observe(list, { childList: true });
    told();
  });
});
