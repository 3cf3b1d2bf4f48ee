// Follows the board: shows and speaks a new number, and says when the connection is gone. A television would otherwise
// go on showing the last numbers with nobody noticing.
const live = document.getElementById("live");
const words = live.lastElementChild;
const spoken = document.getElementById("spoken");

const lose = () => {
  if (live.classList.contains("lost")) return; // it says since when: the first time counts
  live.classList.add("lost");
  words.textContent = live.dataset.lost.replace("%s", document.querySelector("time").textContent);
};

const serving = () => document.querySelector("[data-now-serving]");
let last = serving()?.dataset.nowServing;

const follow = () => {
  live.classList.remove("lost");
  words.textContent = live.dataset.live;
  const number = serving()?.dataset.nowServing;
  if (number && number !== last) {
    serving().classList.add("changed");
    spoken.textContent = `${document.querySelector("h1").textContent} ${number}`;
  }
  last = number;
};

for (const trouble of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.body.addEventListener(trouble, lose);
}
document.body.addEventListener("htmx:afterSwap", follow);
