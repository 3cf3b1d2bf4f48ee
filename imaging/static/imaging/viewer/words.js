// What the page says, in the words of its template: data-say-turned="Turned by {degrees}°" of the film.

const language = document.documentElement.lang;

export const number = (value, digits = 0) => new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);

export function say(film, what, values = {}) {
  const words = film.getAttribute(`data-say-${what}`);
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
