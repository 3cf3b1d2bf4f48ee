// Lays one model's heat map over the film. Listens on the document, since the answer may arrive after the page.
"use strict";

function showHeat(choice) {
  for (const image of document.querySelectorAll("[data-heat]")) {
    image.hidden = image.dataset.heat !== choice.value;
    if (!image.hidden && !image.src) image.src = image.dataset.src; // fetched when first asked for
  }
}

document.addEventListener("input", (event) => {
  if (event.target.matches("[data-heat-choice]")) showHeat(event.target);
  if (event.target.matches("[data-heat-opacity]")) {
    document.getElementById("heat-overlay").style.opacity = event.target.value / 100;
  }
});
