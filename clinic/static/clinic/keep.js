// Keeps what is typed and not yet sent, in this tab alone, so that an accidental reload loses nothing. Never what is
// marked data-never-kept, such as the national ID. No longer than the server keeps what was sent: somebody else may sit
// at this screen by then.
const PREFIX = "booking:";
const LIFETIME = 60 * 60 * 1000;
const form = document.querySelector("form[data-keep]");

const kept = () => [...form.elements].filter((field) => field.matches("input:not([type=hidden], [data-never-kept])"));
const isChoice = (field) => field.type === "radio" || field.type === "checkbox";
const isTouched = (field) => (isChoice(field) ? field.checked !== field.defaultChecked : field.value !== field.defaultValue);

const keep = () => {
  const fields = kept().map((field) => [field.name, field.value, isChoice(field) ? field.checked : true]);
  sessionStorage.setItem(PREFIX + form.dataset.keep, JSON.stringify({ at: Date.now(), fields }));
};

const bringBack = () => {
  const { at, fields } = JSON.parse(sessionStorage.getItem(PREFIX + form.dataset.keep)) ?? {};
  if (!at || Date.now() - at > LIFETIME) return forget();
  for (const [name, value, isSet] of fields) {
    for (const field of kept().filter((other) => other.name === name && !isTouched(other))) {
      if (!isChoice(field)) field.value = value;
      else if (field.value === value) field.checked = isSet;
    }
  }
};

const forget = () => {
  for (const key of Object.keys(sessionStorage).filter((key) => key.startsWith(PREFIX))) sessionStorage.removeItem(key);
};

if (form) {
  const isTyping = kept().some(isTouched); // before this script was there
  bringBack();
  if (isTyping) keep();
  form.addEventListener("input", keep);
} else {
  forget(); // the last page: it is booked
}
