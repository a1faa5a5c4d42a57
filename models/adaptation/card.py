"""The card of an adapted model: what it came from, what it saw, and what that means."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

import torch

from models import checkpoint
from models.adaptation.gathering import Gathered, Run
from models.adaptation.result import Measure, Round
from models.adaptation.verdicts import Said
from models.networks.network import Network
from models.training.result import hardware

CONTAINS: Final = (
    "This model contains what it learnt of the people it saw: their crops shaped its weights. Treat it "
    "like the recordings it learnt from, and erase it when they have to be erased."
)
LIMITS: Final = (
    "learnt from the cameras named here; on other cameras it may be worse than its parent",
    "the figures of the gate are of tracklets without names; they rank models, and are no accuracy",
)


def describe(
    gathered: Gathered,
    run: Run,
    network: Network,
    *,
    name: str,
    source: str,
    rounds: Sequence[Round],
    measures: Sequence[Measure],
    seconds: float,
) -> dict[str, Any]:
    """Write the card."""
    parent = run.parent
    adaptation = {
        "parent": parent.name,
        "parent_id": parent.id,
        "source": source,
        "labels": labels(gathered.said),
        "contains": CONTAINS,
        "tracklets": len(gathered.used),
        "held_out": len(gathered.held.pieces),
        "cameras": list(gathered.cameras),
        "recordings": recordings(gathered),
        **_dates(gathered),
        "simulated_people": run.simulated is not None,
        "gate": [asdict(one) for one in measures],
        "rounds": [asdict(one) for one in rounds],
        "settings": run.settings.model_dump(mode="json"),
        "seconds": round(seconds),
        "torch": torch.__version__,
        "hardware": hardware(),
    }
    facts: dict[str, Any] = {"adaptation": adaptation, "limits": list(LIMITS)}
    facts |= {key: parent.card[key] for key in ("warning", "training") if key in parent.card}
    return checkpoint.describe(network, name, parent.preprocessing, facts)


def labels(said: Said) -> str:
    """What people had said of the tracklets, in words."""
    if not said.together and not said.apart:
        return "none"
    return f"marks: {len(said.together)} pairs of one person, {len(said.apart)} of two people"


def recordings(gathered: Gathered) -> list[str]:
    """Names of the recordings whose crops were learnt from."""
    return sorted({sighting.recording for sighting in gathered.used})


def _dates(gathered: Gathered) -> Mapping[str, str]:
    """The first and the last day of what was learnt from, where it is known."""
    known = [s for s in gathered.used if s.end > 0]
    if not known:
        return {}
    first, last = min(s.start for s in known), max(s.end for s in known)
    return {key: _day(value) for key, value in (("from", first), ("to", last))}


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
