/* Says in #live since when the connection is lost, and when it is back: for pages that refresh themselves. */
"use strict";
(() => {
  const live = document.getElementById("live");
  const lose = () => {
    if (live.classList.contains("lost")) return; // it says since when: the first time counts
    live.classList.add("lost");
    live.textContent = live.dataset.lost.replace("%s", new Date().toLocaleTimeString([], { timeStyle: "short" }));
  };
  for (const trouble of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) document.body.addEventListener(trouble, lose);
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.successful || !live.classList.contains("lost")) return;
    live.classList.remove("lost");
    live.textContent = live.dataset.live;
  });
})();
