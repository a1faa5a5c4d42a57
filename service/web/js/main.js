// Start: the key, the panels, what is indexed; a search named in the address is opened again.

import { forgetKey, hasKey, onUnauthorised, takeFragment } from "./api.js";
import { $ } from "./dom.js";
import { startFilters } from "./filters.js";
import { refreshHoldings, startHoldings } from "./holdings.js";
import { startJobs } from "./jobs.js";
import { startPlayer } from "./player.js";
import { startProbe } from "./probe.js";
import { reopen } from "./reopen.js";
import { startResults } from "./results.js";
import { startSeed } from "./seed.js";
import { askForKey, signOut } from "./signin.js";
import { startStage } from "./stage.js";
import { fillWords } from "./words.js";

fillWords();
const searchId = takeFragment();
onUnauthorised(async (error) => {
  const given = await askForKey(error);
  $("#leave").hidden = false;
  return given;
});

startHoldings();
startFilters();
startProbe();
startStage();
startSeed();
startResults();
startPlayer();
startJobs();

$("#leave").hidden = !hasKey();
$("#leave").addEventListener("click", signOut);
refreshHoldings();
if (searchId) reopen(searchId);
// A link with another key, pasted into a tab that already shows the page.
addEventListener("hashchange", () => {
  if (!location.hash.includes("key=") && !location.hash.includes("search=")) return;
  if (location.hash.includes("key=")) forgetKey();
  location.reload();
});
