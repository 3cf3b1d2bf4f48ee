/* One press decides for everybody; each can still be set otherwise before it is confirmed. */
"use strict";
document.querySelector(".for-all").hidden = false;
document.addEventListener("click", (event) => {
  const kind = event.target.dataset.decide;
  if (!kind) return;
  for (const choice of document.querySelectorAll(`[data-kind="${kind}"]`)) choice.checked = true;
});
