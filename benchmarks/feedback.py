"""What do verdicts and further photos gain? A simulated user judges hits, round by round.

    python benchmarks/feedback.py simulated=DIR market1501-images=DIR cuhk01-images=DIR --out out/feedback

The user is asked about JUDGED hits a round and answers truthfully; each answer is refined as the product does
it and ranked by standard scores. Mean average precision over all of the gallery, and over the tracklets that
nobody has judged yet, by the first probe and by the refined one: the second pair says what was learnt.
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gallery.vectors.levels import Cohort, evenly, levels
from models import names, zoo
from models.calibration.calibrator import HEAD as HEADED
from models.calibration.calibrator import Calibrator, Evidence, calibrator_of, posteriors
from models.calibration.fit import calibration_error
from models.calibration.searches import CREDIBLE
from models.datasets import load
from models.datasets.frames import read_frame
from models.datasets.records import DISTRACTOR, JUNK, Split
from models.embedder import Embedder
from models.evaluation.bootstrap import bootstrap, paired_bootstrap
from models.evaluation.metrics import average_precision
from models.evaluation.protocols import TrackletFeatures
from models.feedback.fusion import fuse, weight
from models.feedback.judging import line_between, to_judge
from models.feedback.refining import Weights, refine
from models.quality import sharpness

ROUNDS, JUDGED, PHOTOS = 3, 5, (1, 2, 3)
HEAD = 200  # hits of an answer, as the product keeps

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class World:
    """A split's embeddings: queries (Q, D) by the image network, the gallery (G, D) by the video network."""

    probes: Floats
    probe_ids: NDArray[np.int64]
    probe_cameras: NDArray[np.int64]
    heights: NDArray[np.float64]
    sharpness: NDArray[np.float64]
    vectors: Floats
    ids: NDArray[np.int64]
    cameras: NDArray[np.int64]

    @cached_property
    def _cohorts(self) -> dict[int, Cohort]:
        stored = self.vectors.astype(np.float16)
        members = {int(camera): np.flatnonzero(self.cameras == camera) for camera in np.unique(self.cameras)}
        return {c: Cohort.of(stored[rows[evenly(len(rows))]], len(rows)) for c, rows in members.items()}

    def ranked(self, query: Floats) -> Floats:
        """(G,) standard scores of a query, (D,), as `gallery.standard_scores` gives them for many."""
        scores = self.vectors @ query
        for camera, level in levels(query, self._cohorts).items():
            own = self.cameras == camera
            scores[own] = level.standardise(scores[own])
        return scores


def world(split: Split, embedder: Embedder, cache: Path) -> World:
    """Embed a split, once."""
    if cache.exists():
        return World(**np.load(cache))
    features = TrackletFeatures(embedder)
    query = [t for t in split.query if t.identity not in {DISTRACTOR, JUNK}]
    gallery = [t for t in split.gallery if t.identity != JUNK]
    crops = [read_frame(t.frames[0]) for t in query]
    made = World(
        probes=features.of(query, video=False),
        probe_ids=np.array([t.identity for t in query]),
        probe_cameras=np.array([t.camera for t in query]),
        heights=np.array([float(crop.shape[0]) for crop in crops]),
        sharpness=np.array([sharpness(crop) for crop in crops]),
        vectors=features.of(gallery, video=True),
        ids=np.array([t.identity for t in gallery]),
        cameras=np.array([t.camera for t in gallery]),
    )
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.savez(cache, **{field.name: getattr(made, field.name) for field in fields(World)})
    return made


def precision_by(scores: Floats, same: NDArray[np.bool_]) -> float:
    """Average precision of one query; ties keep the order of the gallery. NaN without a match."""
    ranks = np.flatnonzero(same[np.argsort(-scores, kind="stable")]) + 1
    return average_precision(ranks) if len(ranks) else np.nan


def chosen(
    scores: Floats, there: NDArray[np.int64], cameras: NDArray[np.int64], marks: dict[int, bool]
) -> list[int]:
    """What the product would ask about, of the gallery places `there`."""
    head = there[np.argsort(-scores[there], kind="stable")][:HEAD]
    place = {int(one): number for number, one in enumerate(head)}
    kinds = [[place[m] for m, same in marks.items() if same is kind and m in place] for kind in (True, False)]
    line = line_between(scores[head], *kinds)
    rest = [one for one in head.tolist() if one not in marks]
    return [rest[i] for i in to_judge(scores[rest], cameras[rest].tolist(), line, JUDGED)]


def top(
    scores: Floats, there: NDArray[np.int64], _cameras: NDArray[np.int64], marks: dict[int, bool]
) -> list[int]:
    """The best hits that nobody has judged yet."""
    head = there[np.argsort(-scores[there], kind="stable")].tolist()
    return [one for one in head if one not in marks][:JUDGED]


ASKING = {"top": top, "please judge": chosen}


def rounds(known: World, rows: Sequence[int], ask: str, weights: Weights) -> NDArray[np.float64]:
    """(Q, ROUNDS + 1, 3): average precision of all, of what is unjudged, and of that by the first probe."""
    found = np.full((len(rows), ROUNDS + 1, 3), np.nan)
    for number, row in enumerate(rows):
        own = (known.ids == known.probe_ids[row]) & (known.cameras == known.probe_cameras[row])
        there, same = np.flatnonzero(~own), known.ids == known.probe_ids[row]
        first = scores = known.ranked(known.probes[row])
        marks: dict[int, bool] = {}
        for turn in range(ROUNDS + 1):
            left = np.array([one for one in there.tolist() if one not in marks])
            found[number, turn, 0] = precision_by(scores[there], same[there])
            found[number, turn, 1] = precision_by(scores[left], same[left])
            found[number, turn, 2] = precision_by(first[left], same[left])
            if turn == ROUNDS:
                break
            marks |= {one: bool(same[one]) for one in ASKING[ask](scores, there, known.cameras, marks)}
            matches, others = (
                [m for m, verdict in marks.items() if verdict is kind] for kind in (True, False)
            )
            moved = refine(known.probes[row], known.vectors[matches], known.vectors[others], weights)
            scores = known.ranked(moved.vector)
    return found


def photos(known: World, seed: int) -> NDArray[np.float64]:
    """(people, len(PHOTOS), 2): average precision by fused photos, weighted and not, in the same gallery."""
    rng, found = np.random.default_rng(seed), []
    for person in np.unique(known.probe_ids):
        own = rng.permutation(np.flatnonzero(known.probe_ids == person))[: max(PHOTOS)]
        there = ~((known.ids == person) & np.isin(known.cameras, known.probe_cameras[own]))
        same = known.ids[there] == person
        if len(own) < max(PHOTOS) or not same.any():
            continue
        quality = [weight(known.heights[one], known.sharpness[one]) for one in own]
        queries = [
            fuse(known.probes[own[:count]], part)
            for count in PHOTOS
            for part in (quality[:count], [1.0] * count)
        ]
        found.append([precision_by(known.ranked(query)[there], same) for query in queries])
    return np.array(found).reshape(-1, len(PHOTOS), 2)


def believed(known: World, calibrator: Calibrator, seed: int) -> None:
    """Print how good the probabilities of 1, 2 and 3 photos are, with and without matches.

    `fused` takes the scores of the fused probe for those of one photo; the product tells the mean of what the
    photos say one by one.
    """
    rng = np.random.default_rng(seed)
    people = [np.flatnonzero(known.probe_ids == one) for one in np.unique(known.probe_ids)]
    drawn = [rng.permutation(own)[: max(PHOTOS)] for own in people if len(own) >= max(PHOTOS)]
    if not drawn:
        return
    print(
        "\n| photos | searches | calibration error | credible and wrong, expected | found "
        "| matches credible |"
    )
    print("|---|---|---|---|---|---|")
    for count in PHOTOS:
        for name in ("fused", "mean"):
            answers = [one for own in drawn for one in _answers(known, calibrator, own, count, name)]
            said, true = (np.concatenate(parts) for parts in zip(*answers, strict=True))
            credible = said >= CREDIBLE
            error = calibration_error(said, true)[0]
            print(
                f"| {count}, {name} | {len(answers)} | {error:.3f} "
                f"| {(1 - said[credible]).sum() / len(answers):.2f} "
                f"| {(~true[credible]).sum() / len(answers):.2f} | {true[credible].sum() / true.sum():.0%} |",
                flush=True,
            )


def _answers(
    known: World, calibrator: Calibrator, own: NDArray[np.int64], count: int, name: str
) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """Probabilities of the first hits and which are right; the same without the person in the gallery.

    The person's tracklets on the cameras of all photos, `own`, are left out whatever the `count` of photos.
    """
    person = int(known.probe_ids[own[0]])
    there = ~((known.ids == person) & np.isin(known.cameras, known.probe_cameras[own]))
    same, photos = known.ids[there] == person, own[:count]
    weights = [weight(known.heights[one], known.sharpness[one]) for one in photos]
    query = fuse(known.probes[photos], weights)
    order = known.ranked(query)[there]
    logs = np.log([known.heights[photos], known.sharpness[photos]])
    queries, looks = [query], [np.exp(np.average(logs, axis=1, weights=weights))]
    if name == "mean":
        queries, looks = list(known.probes[photos]), list(np.exp(logs).T)
    ratios = [
        calibrator.log_ratios(
            Evidence(
                scores=known.ranked(one)[there].astype(np.float64),
                cosines=(known.vectors @ one)[there].astype(np.float64),
                height=np.array(look[0]),
                sharpness=np.array(look[1]),
            )
        )
        for one, look in zip(queries, looks, strict=True)
    ]
    ratio = np.average(ratios, axis=0, weights=weights if name == "mean" else None)
    heads = [
        np.flatnonzero(kept)[np.argsort(-order[kept], kind="stable")[:HEADED]]
        for kept in (same | ~same, ~same)
    ]
    sizes = (len(same), int((~same).sum()))
    return [(posteriors(ratio[head], size), same[head]) for head, size in zip(heads, sizes, strict=True)]


def show(
    title: str, values: NDArray[np.float64], base: NDArray[np.float64], people: NDArray[np.int64]
) -> None:
    """A row: mean with its interval, and the paired difference to `base`."""
    kept = ~np.isnan(values) & ~np.isnan(base)
    if not kept.any():
        return
    interval = bootstrap([values[kept]], [people[kept]])
    change = paired_bootstrap([values[kept]], [base[kept]], [people[kept]])
    print(
        f"| {title} | {kept.sum()} | {values[kept].mean():.3f} [{interval.low:.3f}, {interval.high:.3f}] "
        f"| {change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}] |",
        flush=True,
    )


def main() -> None:
    """Embed, ask, refine, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="+", metavar="KIND=DIR")
    parser.add_argument("--out", type=Path, default=Path("out/feedback"), help="keeps embeddings")
    parser.add_argument("--queries", type=int, default=100, help="of each split, drawn by the seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default=names.DEFAULT)
    parser.add_argument("--weights", type=json.loads, default={}, help="JSON: fields of refining.Weights")
    args = parser.parse_args()
    embedder = Embedder(zoo.load(args.model), device="auto")
    for one in args.sets:
        kind, _, folder = one.partition("=")
        for number, split in enumerate(load(kind, Path(folder)).splits):
            key = hashlib.sha256(
                f"{embedder.id} {Path(folder).resolve()} {kind} {number}".encode()
            ).hexdigest()
            known = world(split, embedder, args.out / f"{key[:16]}.npz")
            rng = np.random.default_rng(args.seed)
            rows = rng.permutation(len(known.probes))[: args.queries].tolist()
            people = known.probe_ids[rows]
            print(f"\n{kind} {number}: {len(rows)} queries, {len(known.vectors)} tracklets\n", flush=True)
            print("| what | queries | mAP | less the first |\n|---|---|---|---|")
            for ask in ASKING:
                found = rounds(known, rows, ask, Weights(**args.weights))
                for turn in range(ROUNDS + 1):
                    show(f"{ask}, round {turn}, all", found[:, turn, 0], found[:, 0, 0], people)
                for turn in range(1, ROUNDS + 1):
                    show(f"{ask}, round {turn}, unjudged", found[:, turn, 1], found[:, turn, 2], people)
            if calibrator := calibrator_of(embedder.card, embedder.id):
                believed(known, calibrator, args.seed)
            print("\n| what | people | mAP | less the first |\n|---|---|---|---|")
            fused = photos(known, args.seed)
            for place, count in enumerate(PHOTOS):
                numbers = np.arange(len(fused))
                show(f"{count} photos", fused[:, place, 0], fused[:, 0, 0], numbers)
                show(
                    f"{count} photos, against equal weights", fused[:, place, 0], fused[:, place, 1], numbers
                )


if __name__ == "__main__":
    main()
