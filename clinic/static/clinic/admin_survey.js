/* Adds empty questions, and moves questions up and down by writing their numbers. Without it, the numbers are typed and
   each save brings one more empty question. */
"use strict";

function numberAnew(list) {
  let place = 0;
  for (const question of list.children) {
    if (question.querySelector("input[name$='-text']").value.trim()) {
      question.querySelector("input[name$='-position']").value = ++place;
    }
  }
}

function move(button) {
  const question = button.closest("[data-question]");
  const up = button.dataset.move === "up";
  const other = up ? question.previousElementSibling : question.nextElementSibling;
  if (!other) return;
  if (up) other.before(question);
  else other.after(question);
  numberAnew(question.parentElement);
  question.classList.remove("changed");
  void question.offsetWidth; // lets the glow start again
  question.classList.add("changed");
  button.focus();
}

function add(button) {
  const section = button.closest("section");
  const list = section.querySelector("[data-questions]");
  const total = section.querySelector(`#id_${list.dataset.questions}-TOTAL_FORMS`);
  list.insertAdjacentHTML("beforeend", section.querySelector("template").innerHTML.replaceAll("__prefix__", total.value));
  total.value = Number(total.value) + 1;
  reveal(list.lastElementChild);
  list.lastElementChild.querySelector("input[name$='-text']").focus();
}

function reveal(part) {
  for (const button of part.querySelectorAll("button[hidden]")) button.hidden = false;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.move) move(button);
  else if (button && "add" in button.dataset) add(button);
});
reveal(document.querySelector(".survey"));
