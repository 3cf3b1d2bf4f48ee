// The film's tools. Without this script the film stands there, fitted to its window.
"use strict";

for (const film of document.querySelectorAll("[data-film]")) {
  const view = film.querySelector("[data-film-window]");
  const image = film.querySelector("[data-film-picture] > img");
  const plain = image.src;
  const tools = Object.fromEntries([...film.querySelectorAll("[data-film-tool]")].map((button) => [button.dataset.filmTool, button]));

  const press = (button, pressed) => button.setAttribute("aria-pressed", String(pressed));
  const isPressed = (button) => button.getAttribute("aria-pressed") === "true";

  function scale(natural) {
    film.classList.toggle("is-natural", natural);
    press(tools.natural, natural);
    press(tools.fit, !natural);
    if (natural) {
      view.scrollTo((view.scrollWidth - view.clientWidth) / 2, (view.scrollHeight - view.clientHeight) / 2);
    }
  }

  function toggle(button) {
    press(button, !isPressed(button));
    return isPressed(button);
  }

  tools.fit.addEventListener("click", () => scale(false));
  tools.natural.addEventListener("click", () => scale(true));
  tools.invert.addEventListener("click", () => film.classList.toggle("is-inverted", toggle(tools.invert)));
  tools.enhance.addEventListener("click", () => {
    film.classList.add("is-loading");
    image.src = toggle(tools.enhance) ? image.dataset.enhanced : plain;
  });
  image.addEventListener("load", () => film.classList.remove("is-loading"));
  image.addEventListener("error", () => film.classList.remove("is-loading"));

  // Dragging moves a film that is larger than its window; touch screens and arrow keys scroll by themselves.
  view.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button !== 0 || !film.classList.contains("is-natural")) return;
    event.preventDefault();
    view.focus();
    view.setPointerCapture(event.pointerId);
    film.classList.add("is-dragged");
  });
  view.addEventListener("pointermove", (event) => {
    if (film.classList.contains("is-dragged")) view.scrollBy(-event.movementX, -event.movementY);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    view.addEventListener(end, () => film.classList.remove("is-dragged"));
  }
}
