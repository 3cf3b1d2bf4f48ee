// The button names the choice: "Continue · Mon 23, morning". Without this script it says "Continue".
const button = document.querySelector("[data-names-choice]");
const plain = button?.textContent;
const name = () => {
  const chosen = document.querySelector("[name=session]:checked");
  if (button) button.textContent = chosen ? button.dataset.namesChoice.replace("%s", chosen.dataset.label) : plain;
};
document.addEventListener("change", name);
document.addEventListener("htmx:afterSwap", name); // the time chosen may be gone
window.addEventListener("pageshow", name); // the back button brings the choice back without an event
