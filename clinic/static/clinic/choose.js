// The button names the choice: "Continue · Mon 23, morning". Without this script it says "Continue".
const button = document.querySelector("[data-names-choice]");
const name = () => {
  const chosen = document.querySelector("[name=session]:checked");
  if (button && chosen) button.textContent = button.dataset.namesChoice.replace("%s", chosen.dataset.label);
};
document.addEventListener("change", name);
window.addEventListener("pageshow", name); // the back button brings the choice back without an event
