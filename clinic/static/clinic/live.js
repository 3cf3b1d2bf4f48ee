// Says when the connection is gone: a page that is followed would otherwise go on showing the last numbers with nobody
// noticing.
const live = document.getElementById("live");
const words = live.lastElementChild;

const lose = () => {
  if (live.classList.contains("lost")) return; // it says since when: the first time counts
  live.classList.add("lost");
  words.textContent = live.dataset.lost.replace("%s", document.querySelector("time")?.textContent);
};

for (const trouble of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.body.addEventListener(trouble, lose);
}
document.body.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.successful) return;
  live.classList.remove("lost");
  words.textContent = live.dataset.live;
});
