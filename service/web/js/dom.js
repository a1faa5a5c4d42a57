// Small helpers to build the page. Text always enters as text nodes: no markup is ever made from data.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element. `attributes`: `class`, `on` ({event: listener}), `data` ({name: value}); anything else is set
 * as a property when the element has one, else as an attribute. null and undefined leave it out. false is a value
 * like any other, since some properties are true by default; so are 0 and "".
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    if (name === "class") element.className = value;
    else if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name in element) element[name] = value;
    else setAttribute(element, name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** ARIA spells its truths out; for the other attributes, to be there or not is what counts. */
function setAttribute(element, name, value) {
  if (name.startsWith("aria-")) element.setAttribute(name, String(value));
  else if (value !== false) element.setAttribute(name, value === true ? "" : value);
}

/** An icon of icons.svg. Decorative: the control that holds it carries the name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.classList.add("icon");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("viewBox", "0 0 20 20");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/web/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** Replace what `element` holds. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
}

/** Lay `element` over its picture; box = [x, y, w, h] in pixels of a picture of `width` x `height`. */
export function place(element, [x, y, w, h_], width, height) {
  element.style.left = `${(100 * x) / width}%`;
  element.style.top = `${(100 * y) / height}%`;
  element.style.width = `${(100 * w) / width}%`;
  element.style.height = `${(100 * h_) / height}%`;
}

/** Call `action` once, `delay` milliseconds after the last call, unless `cancel` is called before. */
export function later(action, delay) {
  let timer = 0;
  const cancel = () => clearTimeout(timer);
  const call = () => {
    cancel();
    timer = setTimeout(action, delay);
  };
  return Object.assign(call, { cancel });
}

export const $ = (selector, root = document) => root.querySelector(selector);
