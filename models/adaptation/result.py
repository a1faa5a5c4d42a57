"""What an adaptation tells: how far it is, and how it ended."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        stage: what is being done, such as "crops" or "learning 2/6".
        done: of this stage.
        total: of this stage; 0 where it is not known.
        seconds_left: of the whole run; None until it can be told.
    """

    stage: str
    done: int
    total: int
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of the gate.

    Attributes:
        name: what was measured, in words.
        before: of the parent.
        after: of the adapted network.
        allowed: the worst value that passes.
        larger_is_better: which way is worse.
        count: tracklets or pairs it was measured on.
    """

    name: str
    before: float
    after: float
    allowed: float
    larger_is_better: bool
    count: int

    @property
    def passes(self) -> bool:
        """Whether the adapted network may take the parent's place, by this figure."""
        return self.after >= self.allowed if self.larger_is_better else self.after <= self.allowed

    @property
    def gains(self) -> bool:
        """Whether the adapted network is better."""
        return self.after > self.before if self.larger_is_better else self.after < self.before


@dataclass(frozen=True, slots=True)
class Round:
    """A round of clustering and learning.

    Attributes:
        clusters: that were learnt from.
        clustered: tracklets in them.
        single: tracklets in none.
        across: clusters that hold tracklets of more than one camera.
        largest: tracklets of the largest one.
        radius: that joined them.
        loss: mean over the steps.
        seconds: that it took.
    """

    clusters: int
    clustered: int
    single: int
    across: int
    largest: int
    radius: float
    loss: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """How an adaptation ended.

    Attributes:
        outcome: "adapted", or "kept": the parent stays.
        reason: why, in a sentence.
        notes: what else an operator should know, a sentence each.
        counts: tracklets by what became of them: "offered", "used", "held out", "cut", "duplicates",
            "without crops", "not drawn".
        missing: why tracklets had no crops, and how many.
        recordings: names of those whose crops were learnt from.
        measures: figures of the gate; empty where it was not reached.
        rounds: one by one.
        seconds: of work, over all restarts.
        model: folder of the checkpoint; None where the parent stays.
        report: the page; None where there was nothing to show.
    """

    outcome: Literal["adapted", "kept"]
    reason: str
    notes: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    missing: Mapping[str, int] = field(default_factory=dict)
    recordings: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()
    rounds: tuple[Round, ...] = ()
    seconds: float = 0.0
    model: Path | None = None
    report: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        values = asdict(self)
        values["model"], values["report"] = (
            None if path is None else str(path) for path in (self.model, self.report)
        )
        return values
