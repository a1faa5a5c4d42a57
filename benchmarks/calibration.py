"""How right are probabilities, before and after a gallery's own calibration?

    python benchmarks/calibration.py simulated=DIR market1501=DIR cuhk01=DIR --plots docs

Of each set the people are divided in two: a simulated user searches for some of the first half, among all,
and judges five hits of each answer truthfully, the best ones or those that the product asks about; half of
the searches are made without the person's tracklets. Probabilities are judged by searches for the others.
People who surely are two are pairs of a photo and a tracklet of one camera, told by their names: the sets
have no times. With --plots, reliability diagrams are drawn as SVG, of numbers alone.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gallery import standard_scores
from models import names, zoo
from models.calibration.calibrator import Calibrator, Evidence, calibrator_of, posteriors
from models.calibration.correction import Judged, correct, lacking
from models.calibration.diagram import diagram, pooled
from models.calibration.searches import CREDIBLE, Judgement, Search, judge
from models.calibration.strangers import strangers
from models.datasets import load
from models.datasets.frames import read_frame
from models.datasets.records import DISTRACTOR, JUNK, Split
from models.embedder import Embedder
from models.evaluation.protocols import TrackletFeatures
from models.feedback.judging import to_judge
from models.quality import sharpness

MARKS, EACH = (0, 30, 100, 300), 5
KEPT = 200  # hits of an answer, as the product keeps
PHOTOS = 500  # that strangers are compared with

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Known:
    """A split's embeddings: queries (Q, D), tracklets (G, D), and the first picture of each, (G, D)."""

    probes: Floats
    probe_ids: Ints
    probe_cameras: Ints
    heights: NDArray[np.float64]
    sharpness: NDArray[np.float64]
    vectors: Floats
    ids: Ints
    cameras: Ints
    photos: Floats
    photo_heights: NDArray[np.float64]
    photo_sharpness: NDArray[np.float64]

    def searches(self) -> list[tuple[Search, Ints]]:
        """Each query among all tracklets but its person's on its own camera, and their cameras."""
        scores = standard_scores(self.probes, self.vectors, self.cameras)
        found = []
        for row, probe in enumerate(self.probes):
            same = self.ids == self.probe_ids[row]
            kept = ~(same & (self.cameras == self.probe_cameras[row]))
            evidence = _evidence(
                scores[row][kept], (self.vectors @ probe)[kept], self.heights[row], self.sharpness[row]
            )
            found.append((Search(int(self.probe_ids[row]), evidence, same[kept]), self.cameras[kept]))
        return found

    def strangers(self) -> list[Evidence]:
        """Photos against tracklets of other people on their own camera."""
        rows = np.random.default_rng(0).permutation(len(self.photos))[:PHOTOS]
        scores = standard_scores(self.photos[rows], self.vectors, self.cameras)
        found = []
        for place, row in enumerate(rows):
            others = (self.cameras == self.cameras[row]) & (self.ids != self.ids[row])
            cosines = self.vectors[others] @ self.photos[row]
            look = self.photo_heights[row], self.photo_sharpness[row]
            found.append(_evidence(scores[place][others], cosines, *look))
        return [one for one in found if len(one.scores)]


def _evidence(scores: Floats, cosines: Floats, height: float, sharp: float) -> Evidence:
    return Evidence(
        scores=scores.astype(np.float64),
        cosines=cosines.astype(np.float64),
        height=np.array(height),
        sharpness=np.array(sharp),
    )


def known(split: Split, embedder: Embedder, cache: Path) -> Known:
    """Embed a split, once."""
    if cache.exists():
        return Known(**np.load(cache))
    features = TrackletFeatures(embedder)
    query = [t for t in split.query if t.identity not in {DISTRACTOR, JUNK}]
    gallery = [t for t in split.gallery if t.identity != JUNK]
    crops, photos = ([read_frame(t.frames[0]) for t in some] for some in (query, gallery))
    made = Known(
        probes=features.of(query, video=False),
        probe_ids=np.array([t.identity for t in query]),
        probe_cameras=np.array([t.camera for t in query]),
        heights=np.array([float(crop.shape[0]) for crop in crops]),
        sharpness=np.array([sharpness(crop) for crop in crops]),
        vectors=features.of(gallery, video=True),
        ids=np.array([t.identity for t in gallery]),
        cameras=np.array([t.camera for t in gallery]),
        photos=features.of(gallery, video=False),
        photo_heights=np.array([float(crop.shape[0]) for crop in photos]),
        photo_sharpness=np.array([sharpness(crop) for crop in photos]),
    )
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.savez(cache, **{field.name: getattr(made, field.name) for field in fields(Known)})
    return made


def user(rng: np.random.Generator, search: Search, cameras: Ints, calibrator: Calibrator) -> Judged:
    """Search, with the person there or not, and judge hits of the answer."""
    if rng.random() < 0.5:
        search, cameras = search.without_matches(), cameras[~search.same]
    order = np.argsort(-search.evidence.scores, kind="stable")[:KEPT]
    parts = {"scores": search.evidence.scores[order], "cosines": search.evidence.cosines[order]}
    evidence = search.evidence.model_copy(update=parts)
    places = np.arange(EACH)
    if rng.random() < 0.5:
        said = posteriors(calibrator.log_ratios(evidence), len(search.same))
        places = np.array(to_judge(said, cameras[order].tolist(), CREDIBLE, EACH))
    return Judged([evidence], [1.0], len(search.same), places, search.same[order][places])


def mended(base: Calibrator, judged: Sequence[Judged]) -> Calibrator:
    """As the product corrects it: not at all by too few marks, or where that is no better."""
    if lacking(judged) is not None:
        return base
    found = correct(base, judged)
    return base.corrected(found.scale, found.shift) if found.helps else base


def measure(
    splits: Sequence[Known], calibrator: Calibrator, seeds: int
) -> dict[tuple[str, int], list[Judgement]]:
    """Judgements by what was known of the gallery: of strangers or not, and how many marks."""
    found: dict[tuple[str, int], list[Judgement]] = {}
    for one in splits:
        searches, beside = one.searches(), strangers(calibrator, one.strangers())
        print(f"strangers: mean ratio {beside.mean_ratio:.2f}, shift {beside.shift:+.2f}", flush=True)
        people = sorted({search.identity for search, _ in searches})
        bases = {"model": calibrator, "strangers": calibrator.corrected(1.0, beside.shift)}
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            first = set(rng.permutation(people)[: len(people) // 2].tolist())
            asked = [pair for pair in searches if pair[0].identity in first]
            others = [search for search, _ in searches if search.identity not in first]
            drawn = [asked[place] for place in rng.permutation(len(asked))]
            judged = [user(rng, one, cameras, calibrator) for one, cameras in drawn[: max(MARKS) // EACH]]
            for name, base in bases.items():
                for marks in MARKS if name == "model" else MARKS[:3:2]:
                    made = mended(base, judged[: marks // EACH]) if marks else base
                    found.setdefault((name, marks), []).append(judge(made, others, name))
    return found


def show(title: str, found: dict[tuple[str, int], list[Judgement]]) -> None:
    """A table: means over splits and seeds, and how far the error varies."""
    print(f"\n{title}\n")
    print(
        "| corrected by | marks | calibration error | wrong, expected | found | credible | without a match |"
    )
    print("|---|---|---|---|---|---|---|")
    for (name, marks), judgements in found.items():
        columns = ("error", "wrong_expected", "wrong_found", "credible", "credible_without")
        values = np.array([[getattr(one, column) for column in columns] for one in judgements])
        mean, spread = values.mean(axis=0), values.std(axis=0)
        print(
            f"| {name} | {marks} | {mean[0]:.3f} ± {spread[0]:.3f} | {mean[1]:.2f} | {mean[2]:.2f} "
            f"| {mean[3]:.0%} | {mean[4]:.0%} |",
            flush=True,
        )


def main() -> None:
    """Embed, simulate, judge, print, and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="+", metavar="KIND=DIR")
    parser.add_argument("--out", type=Path, default=Path("out/calibration"), help="keeps embeddings")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--splits", type=int, default=None, help="only the first of each set")
    parser.add_argument("--model", default=names.DEFAULT)
    parser.add_argument("--plots", type=Path, default=None, help="folder for reliability diagrams")
    args = parser.parse_args()
    embedder = Embedder(zoo.load(args.model), device="auto")
    calibrator = calibrator_of(embedder.card, embedder.id)
    assert calibrator is not None
    for one in args.sets:
        kind, _, folder = one.partition("=")
        name = f"{kind}-{Path(folder).name}"
        splits = [
            known(split, embedder, args.out / f"{name}-{number}-{embedder.id[:12]}.npz")
            for number, split in enumerate(load(kind, Path(folder)).splits[: args.splits])
        ]
        found = measure(splits, calibrator, args.seeds)
        show(name, found)
        if args.plots is not None:
            series = {f"{m} marks" if m else "the model's own": pooled(found["model", m]) for m in (0, 100)}
            path = args.plots / f"calibration-{Path(folder).name}.svg"
            path.write_text(diagram(series), encoding="utf-8")


if __name__ == "__main__":
    main()
