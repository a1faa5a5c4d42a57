// Start: signing in, the panels, what is indexed, what the address asks for.

import { startAddress, takeKey } from "./address.js";
import { startAdmin } from "./admin.js";
import { holdCalls, onReasonMissing, onUnauthorised } from "./api.js";
import { startCaller } from "./caller.js";
import { startCases } from "./cases.js";
import { $ } from "./dom.js";
import { startEvidence } from "./evidence.js";
import { startFilters } from "./filters.js";
import { startHistory } from "./history.js";
import { refreshHoldings, startHoldings } from "./holdings.js";
import { startJobs } from "./jobs.js";
import { startKeys } from "./keys.js";
import { startLibrary } from "./library.js";
import { startLoupe } from "./loupe.js";
import { startMarks } from "./marks.js";
import { startNotices } from "./notices.js";
import { startPhotoRow } from "./photorow.js";
import { startPlayer } from "./player.js";
import { startPresets } from "./presets.js";
import { startProbe } from "./probe.js";
import { askForReason } from "./reason.js";
import { startRecorded } from "./recorded.js";
import { startReopening } from "./reopen.js";
import { startResults } from "./results.js";
import { startReview } from "./review.js";
import { startSeed } from "./seed.js";
import { askForKey, cameFromElsewhere, confirmKey, signInWith, startSignIn } from "./signin.js";
import { startStage } from "./stage.js";
import { startTokens } from "./tokens.js";
import { startViewBar } from "./viewbar.js";
import { fillWords } from "./words.js";

fillWords();
onUnauthorised(askForKey);
const key = takeKey();
if (key) holdCalls(cameFromElsewhere() ? confirmKey(key) : signInWith(key));

onReasonMissing(askForReason);

startCaller();
startHoldings();
startFilters();
startPresets();
startTokens();
startViewBar();
startProbe();
startStage();
startPhotoRow();
startNotices();
startSeed();
startResults();
startMarks();
startLoupe();
startPlayer();
startJobs();
startLibrary();
startHistory();
startRecorded();
startReview();
startEvidence();
startCases();
startAdmin();
startKeys();

// As a plain link it would replace the address, which says what the page shows.
$(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  $("#results").focus();
});
startSignIn();
refreshHoldings();
startAddress();
startReopening();
