"""Times on the page that do not tell UTC when pointed at, and fields for one without its zone beside them."""

# Names of files, places in files, and the server's own words are no times of the page's.
# Drawings name their zone.
UNTOLD = r"""() => {
  const exempt = "time, code, input, option, .file, #fact-video, #fact-offset, .name, .told, .drawing, video";
  const zone = /[A-Z]\w+\/\w+|UTC/;
  const seen = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility());
  const tells = ({ dateTime, title }) => Date.parse(dateTime) > 0 && /UTC: .*\d\d:\d\d/.test(title);
  const zoneOf = (field) => [
    field.querySelector(".zone").textContent,
    field.closest("fieldset")?.querySelector(".zone-holder")?.textContent,
  ].join(" ");
  const untold = seen("time").filter((one) => one.textContent.trim() && !tells(one));
  const zoneless = seen(".moment").filter((field) => !zone.test(zoneOf(field)));
  const bare = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { data, parentElement: parent } = walker.currentNode;
    const clock = /\b\d{1,2}:\d\d\b/.test(data);
    if (clock && parent.checkVisibility() && !parent.closest(exempt)) bare.push(data.trim().slice(0, 80));
  }
  return [...[...untold, ...zoneless].map((one) => one.outerHTML.slice(0, 120)), ...bare];
}"""
