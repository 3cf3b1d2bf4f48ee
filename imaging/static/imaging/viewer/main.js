// The film's tools. Without them the film stands there, fitted to its window.

import { Film } from "./film.js";

for (const element of document.querySelectorAll("[data-film]")) {
  const film = new Film(element);
  film.start().catch((error) => {
    element.classList.add("is-still"); // the picture itself shows all the same
    console.error(error);
  });
}
