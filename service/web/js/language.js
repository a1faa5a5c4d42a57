// Which language the page speaks: the one that was chosen on it, else the first of the browser's that it knows.

const KNOWN = { en: "English", de: "Deutsch" };
const PLACE = "sightline.language";

function stored() {
  try {
    return localStorage.getItem(PLACE);
  } catch {
    return null; // a browser may forbid to keep anything
  }
}

const known = (tag) => tag?.slice(0, 2).toLowerCase();

/** The languages that there are, by their codes, each by its own name. */
export const languages = KNOWN;

export const language = [stored(), ...navigator.languages].map(known).find((code) => code in KNOWN) ?? "en";

/** Speak that language from now on, in this browser. */
export function choose(code) {
  try {
    localStorage.setItem(PLACE, code);
  } catch {
    return;
  }
  location.reload();
}
