// Glows and speaks when the board shows a new number.
const spoken = document.getElementById("spoken");
const serving = () => document.querySelector("[data-now-serving]");
let last = serving()?.dataset.nowServing;

document.body.addEventListener("htmx:afterSwap", () => {
  const number = serving()?.dataset.nowServing;
  if (number && number !== last) {
    serving().classList.add("changed");
    spoken.textContent = `${document.querySelector("h1").textContent} ${number}`;
  }
  last = number;
});
