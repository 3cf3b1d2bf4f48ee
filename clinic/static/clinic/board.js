// Says when the board has stopped following: a television shows the last numbers for as long as nobody looks.
const live = document.getElementById("live");
const words = live.lastElementChild;
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
let lost = false;

const lose = () => {
  if (lost) return;
  lost = true;
  live.classList.add("lost");
  words.textContent = live.dataset.lost.replace("%s", clock.format(new Date()));
};
const find = () => {
  if (!lost) return;
  lost = false;
  live.classList.remove("lost");
  words.textContent = live.dataset.live;
};

for (const event of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) document.body.addEventListener(event, lose);
document.body.addEventListener("htmx:afterSwap", find);
