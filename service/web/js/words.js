// Puts the words of strings.js where index.html asks for them, before the page is seen.

import { say } from "./strings.js";

const ATTRIBUTES = ["title", "aria-label"];

const word = (path) => path.split(".").reduce((words, name) => words[name], say);

/** Fill every `data-say="section.name"` with its text, and `data-say-title` and the like with attributes. */
export function fillWords() {
  document.documentElement.lang = say.lang;
  for (const element of document.querySelectorAll("[data-say]")) element.textContent = word(element.dataset.say);
  for (const name of ATTRIBUTES) {
    const asked = `data-say-${name}`;
    for (const element of document.querySelectorAll(`[${asked}]`)) element.setAttribute(name, word(element.getAttribute(asked)));
  }
  document.body.dataset.ready = "";
}
