// Chosen cameras as a reader thinks of them: whole sites where all of one are chosen, single cameras else.

/** The cameras of a site, by name; a site of one camera is that camera. */
const camerasOf = (site, all) => all.filter((one) => one.site === site).map(({ name }) => name);

/** The chosen cameras as [{name, site, cameras}]: sites of several, then single cameras with a site of null. */
export function placesOf(chosen, all) {
  const left = new Set(chosen);
  const places = [];
  for (const site of new Set(all.map((one) => one.site).filter(Boolean))) {
    const names = camerasOf(site, all);
    if (names.length < 2 || !names.every((name) => left.has(name))) continue;
    places.push({ name: site, site, cameras: names });
    for (const name of names) left.delete(name);
  }
  return [...places, ...[...left].map((name) => ({ name, site: null, cameras: [name] }))];
}

/** The cameras that are meant by {cameras, sites}, either null for all: those that fit both, as the API takes them. */
export function meantBy({ cameras, sites }, all) {
  if (!sites) return cameras;
  return all.filter(({ name, site }) => sites.includes(site) && (!cameras || cameras.includes(name))).map(({ name }) => name);
}

/**
 * What a search asks for: whole sites by name, so that the record says what was meant; else cameras. `unknown` sites are
 * asked for, too: the server says that there is no such site, which is better than to search elsewhere.
 */
export function askedFor(chosen, unknown, all) {
  const places = chosen?.length ? placesOf(chosen, all) : [];
  const isSites = places.length > 0 && places.every(({ site }) => site !== null);
  if (isSites) return { cameras: null, sites: [...places.map(({ site }) => site), ...unknown] };
  return unknown.length ? { cameras: chosen?.length ? chosen : null, sites: unknown } : { cameras: chosen, sites: null };
}
