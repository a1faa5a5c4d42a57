"""A model adapted to the cameras of a gallery: read its tracklets, learn, judge, and keep what passed."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gallery import AdaptOptions, Conflict, Gallery, ModelInfo, NotFound
from indexer.errors import Cancelled
from indexer.estimate import UNFINISHED
from indexer.gallery_source import GallerySource, Range
from indexer.progress import Progress
from indexer.settings import IndexSettings

if TYPE_CHECKING:
    from models.adaptation.result import Progress as Step
    from models.adaptation.result import Result
    from models.adaptation.settings import AdaptationSettings
    from models.datasets.records import Dataset

OUTCOME: Final = "outcome.json"
_LONGEST: Final = 4000  # letters of a job's reason


@dataclass(frozen=True, slots=True)
class Adapted:
    """How an adaptation ended.

    Attributes:
        run: which run it was.
        outcome: "adapted", or "kept": the parent stays.
        reason: why, in a sentence.
        notes: what else an operator should know, a sentence each.
        model_id: of the new model; None where the parent stays.
        counts: tracklets by what became of them.
        missing: why tracklets had no crops, and how many.
        figures: of the gate: name, before, after, allowed, count.
        report: name of the page in the adaptation's folder; None where there was nothing to show.
    """

    run: str
    outcome: str
    reason: str
    notes: tuple[str, ...] = ()
    model_id: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    missing: Mapping[str, int] = field(default_factory=dict)
    figures: tuple[dict[str, Any], ...] = ()
    report: str | None = None

    def summary(self) -> str:
        """Return how it ended, in sentences."""
        gone = [f"{count} tracklets without crops: {why}" for why, count in self.missing.items()]
        sentences = [self.reason, *self.notes, *gone]
        return " ".join(f"{sentence.rstrip('.')}." for sentence in sentences)[:_LONGEST]

    def counters(self) -> dict[str, Any]:
        """Return what a job keeps of it."""
        kept = ("outcome", "model_id", "counts", "figures", "report")
        return {name: getattr(self, name) for name in kept}


def adapt_gallery(
    gallery: Gallery,
    options: AdaptOptions,
    settings: IndexSettings,
    *,
    run: str,
    progress: Progress,
    how: "AdaptationSettings | None" = None,
) -> Adapted:
    """Adapt a model to the cameras of a gallery; if the new one passes the gate, the gallery keeps it.

    A run that was killed continues where it stood. The crops that it read are removed when it ends; its
    report stays.

    Args:
        gallery: whose tracklets are learnt from.
        options: which of them, from which model, for how long.
        settings: device, limits of the decoder, simulated people.
        run: names the run: one that has ended under this name is not repeated.
        progress: is told of every step and may cancel.
        how: to learn, except for what the options say; None for the defaults.

    Raises:
        Cancelled: `progress` asked for it; the same run can continue.
        Conflict: the name is taken, or another process adapts a model of this name.
        ModelError: the parent cannot be loaded or adapted, or the name was begun with other options.
        GalleryError: the gallery refused or could not be reached.
    """
    from models import errors as model_errors
    from models import zoo
    from models.adaptation.adapt import adapt
    from models.adaptation.settings import AdaptationSettings

    with gallery.adaptations.work(options.name) as folder:
        ended = _ended(folder, run)
        if ended is not None:
            return ended
        _check_name(gallery, options.name, folder)
        parent = zoo.load(gallery.models.locate(options.parent) or options.parent)
        watch = _Watch(progress)
        source = GallerySource(
            gallery, settings, _range(options), parent.preprocessing, seen=watch.look, marks=options.marks
        )
        gallery.adaptations.shows(folder, [video.id for video in source.videos()])
        said = {"rounds": options.rounds, "hours": options.hours, "seed": options.seed}
        try:
            result = adapt(
                source,
                parent,
                (how or AdaptationSettings()).model_copy(update=said),
                folder,
                name=options.name,
                simulated=_simulated(settings),
                progress=watch.tell,
                cancelled=watch.cancelled,
                device=settings.device,
            )
        except model_errors.Cancelled as error:
            raise Cancelled from error
        adapted = _kept(gallery, result, run)
        gallery.adaptations.end(folder, OUTCOME, json.dumps(asdict(adapted)).encode())
        return adapted


def _kept(gallery: Gallery, result: "Result", run: str) -> Adapted:
    """Put the new model into the gallery, if there is one."""
    from models import checkpoint

    model_id = None
    if result.model is not None:
        loaded = checkpoint.load(result.model)
        info = ModelInfo(loaded.id, loaded.name, loaded.dimension, loaded.card)
        model_id = gallery.models.add(info, result.model, learnt_from=result.recordings).id
    return Adapted(
        run=run,
        outcome=result.outcome,
        reason=result.reason,
        notes=result.notes,
        model_id=model_id,
        counts=dict(result.counts),
        missing=dict(result.missing),
        figures=tuple(asdict(measure) for measure in result.measures),
        report=None if result.report is None else result.report.name,
    )


def _ended(folder: Path, run: str) -> Adapted | None:
    """How the run ended, if it has. What another run of this name left behind is removed."""
    try:
        stored = json.loads((folder / OUTCOME).read_bytes())
    except FileNotFoundError:
        return None
    if stored["run"] != run:
        (folder / OUTCOME).unlink()
        return None
    return Adapted(**stored | {"notes": tuple(stored["notes"]), "figures": tuple(stored["figures"])})


def _check_name(gallery: Gallery, name: str, folder: Path) -> None:
    """Refuse a name that is taken, before hours are spent; a run that goes on may have taken it itself."""
    from models.adaptation.state import RUN

    if (folder / RUN).exists():
        return
    try:
        taken = gallery.models.find(name)
    except NotFound:
        return
    if taken.folder is not None:
        raise Conflict(f"the gallery has a model {name}: choose another name")


def _range(options: AdaptOptions) -> Range:
    cameras = None if options.camera_ids is None else frozenset(options.camera_ids)
    start, end = (
        None if bound is None else datetime.fromisoformat(bound) for bound in (options.start, options.end)
    )
    return Range(cameras, start, end)


def _simulated(settings: IndexSettings) -> "Dataset | None":
    """The simulated people that keep a model from forgetting, where there are some."""
    from models.datasets import load

    return None if settings.simulated is None else load("simulated", settings.simulated)


class _Watch:
    """Tells a Progress what an adaptation does, and asks it whether to go on."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._began = time.monotonic()
        self._now: tuple[str, float, dict[str, int]] = ("crops", 0.0, {})

    def tell(self, step: "Step") -> None:
        """Take notice of a step."""
        fraction = self._now[1]
        if step.seconds_left is not None:
            elapsed = time.monotonic() - self._began
            fraction = max(fraction, elapsed / max(elapsed + step.seconds_left, 1e-9))
        self._now = step.stage, min(UNFINISHED, fraction), {"done": step.done, "total": step.total}

    def cancelled(self) -> bool:
        """Whether to stop at the next step."""
        try:
            self._progress.update(*self._now)
        except Cancelled:
            return True
        return False

    def look(self, _time_us: int) -> None:
        """Say that a recording is being read. Raises Cancelled."""
        self._progress.update(*self._now)
