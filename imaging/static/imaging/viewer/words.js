// What the page says, in the words of its template: data-say-turned="Turned by {degrees}°" of the film.

const language = document.documentElement.lang;

// To make one takes longer than all else that is done for a frame.
const formats = [0, 1].map((digits) => new Intl.NumberFormat(language, { maximumFractionDigits: digits }));

export const number = (value, digits = 0) => formats[digits].format(value);

export function say(film, what, values = {}) {
  const words = film.getAttribute(`data-say-${what}`);
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
