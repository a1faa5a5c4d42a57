"""May the adapted network take its parent's place? Measured on tracklets that it did not learn from.

Nobody knows who is on them. What is known: the two halves of a tracklet are one person, who was seen side by
side are two, and simulated people have names. Across cameras nothing is known for sure; but who is found on
another camera, and found again from there, was hardly found by chance.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.adaptation.pieces import Piece
from models.adaptation.result import Measure
from models.adaptation.settings import Gate
from models.adaptation.store import CropStore
from models.datasets.records import Dataset
from models.embedder import Embedder, normalise
from models.evaluation import metrics
from models.evaluation.evaluate import evaluate
from models.evaluation.metrics import Labels
from models.evaluation.protocols import EvaluationProtocol, TrackletFeatures
from models.evaluation.reranking import Features, Ints

AT_ONCE: Final = 64  # tracklets embedded together
LEAST_NEGATIVES: Final = 20  # pairs that a share is taken of
LEAST_ON_CAMERA: Final = 10  # tracklets that somebody can be found among
MANY_RETURNS: Final = 150  # asked for on another camera, from which on a gain is required

HALVES: Final = "photo of one half finds the other half, mAP"
NEGATIVES: Final = "people seen side by side taken for one"
RETURNS: Final = "found on another camera and found again from there"
SIMULATED: Final = "simulated people, mAP"

Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What the gate measures on.

    Attributes:
        pieces: tracklets of at least one crop; those of two and more have halves.
        cameras: (N,).
        apart: pairs that are two people.
        store: their crops.
        simulated: people with names; None where there are none.
    """

    pieces: Sequence[Piece]
    cameras: Ints
    apart: Sequence[tuple[int, int]]
    store: CropStore
    simulated: Dataset | None


@dataclass(frozen=True, slots=True)
class Seen:
    """The held-out tracklets as a model sees them; unit vectors (N, D).

    Attributes:
        photos: the first crop of each, by the image network.
        rest: all crops of its second half, by the video network.
        whole: all crops, by the video network.
        simulated: mAP on simulated people; None where there are none.
    """

    photos: Features
    rest: Features
    whole: Features
    simulated: float | None


def look(embedder: Embedder, held: HeldOut, told: Told | None = None) -> Seen:
    """Embed what is held out, and judge the model on simulated people."""
    photos, rest, whole = [], [], []
    for start in range(0, len(held.pieces), AT_ONCE):
        clips = [
            [held.store.read(piece.tracklet, crop) for crop in range(piece.start, piece.stop)]
            for piece in held.pieces[start : start + AT_ONCE]
        ]
        photos.append(embedder.embed_images([clip[0] for clip in clips]))
        rest.append(embedder.embed_clips([clip[len(clip) // 2 :] for clip in clips]))
        whole.append(embedder.embed_clips(clips))
        if told is not None:
            told(min(start + AT_ONCE, len(held.pieces)), len(held.pieces))
    figure = None
    if held.simulated is not None:
        features = TrackletFeatures(embedder)
        figure = evaluate(features, held.simulated, EvaluationProtocol.I2V).figures.map_standard
    joined = [normalise(np.concatenate(parts)) for parts in (photos, rest, whole)]
    return Seen(joined[0], joined[1], joined[2], figure)


def measure(before: Seen, after: Seen, held: HeldOut, settings: Gate) -> tuple[Measure, ...]:
    """All figures of the gate that can be taken."""
    halves = np.array([piece.stop - piece.start > 1 for piece in held.pieces])
    found = []
    if halves.sum() > 1:
        old, new = (halves_map(seen, halves) for seen in (before, after))
        found.append(Measure(HALVES, old, new, old - settings.halves_loss, True, int(halves.sum())))
    if halves.sum() > 1 and len(held.apart) >= LEAST_NEGATIVES:
        old, new = (negatives_taken(seen, halves, held.apart, settings.accepted) for seen in (before, after))
        found.append(Measure(NEGATIVES, old, new, old + settings.negatives_gain, False, len(held.apart)))
    pairs = camera_pairs(held.cameras, halves)
    if pairs:
        old, new = (there_and_back(seen, held.cameras, pairs) for seen in (before, after))
        asked = sum(len(here) for here, _ in pairs)
        found.append(Measure(RETURNS, old, new, old - settings.returns_loss, True, asked))
    if before.simulated is not None and after.simulated is not None and held.simulated is not None:
        old, new = before.simulated, after.simulated
        queries = sum(len(split.query) for split in held.simulated.splits)
        found.append(Measure(SIMULATED, old, new, old - settings.simulated_loss, True, queries))
    return tuple(found)


def halves_map(seen: Seen, halves: NDArray[np.bool_]) -> float:
    """Mean average precision of finding each tracklet's second half, among all of them, by a photo."""
    distances = 1 - seen.photos[halves] @ seen.rest.T
    people = np.arange(len(halves))
    # Cameras of their own: in a gallery of halves no entry is the query's own shot.
    asked = Labels(people[halves], np.zeros(int(halves.sum()), dtype=np.int64))
    ranking = metrics.rank(distances, asked, Labels(people, np.ones(len(halves), dtype=np.int64)))
    return float(metrics.average_precisions(ranking, "standard").mean())


def negatives_taken(
    seen: Seen, halves: NDArray[np.bool_], apart: Sequence[tuple[int, int]], accepted: float
) -> float:
    """The share of sure negatives above the threshold that accepts this share of halves."""
    alike = (seen.photos * seen.rest).sum(axis=1)[halves]
    threshold = np.quantile(alike, 1 - accepted)
    ones, others = np.array(apart).T
    negatives = np.concatenate(
        [(seen.photos[a] * seen.rest[b]).sum(axis=1) for a, b in ((ones, others), (others, ones))]
    )
    return float((negatives >= threshold).mean())


def camera_pairs(cameras: Ints, halves: NDArray[np.bool_]) -> list[tuple[Ints, Ints]]:
    """For each pair of cameras with enough tracklets, those with halves on one, and all on the other."""
    own = {int(camera): np.flatnonzero(cameras == camera) for camera in np.unique(cameras)}
    enough = {camera: rows for camera, rows in own.items() if len(rows) >= LEAST_ON_CAMERA}
    pairs = [
        (rows[halves[rows]], others)
        for camera, rows in enough.items()
        for other, others in enough.items()
        if camera != other
    ]
    return [(here, there) for here, there in pairs if len(here)]


def there_and_back(seen: Seen, cameras: Ints, pairs: Sequence[tuple[Ints, Ints]]) -> float:
    """How often a photo's nearest on another camera has the photo's own tracklet as its nearest.

    The way back looks for the halves that the photo is not from.
    """
    returned = asked = 0
    for here, there in pairs:
        nearest = there[(seen.photos[here] @ seen.whole[there].T).argmax(axis=1)]
        home = np.flatnonzero(cameras == cameras[here[0]])
        back = home[(seen.whole[nearest] @ seen.rest[home].T).argmax(axis=1)]
        returned += int((back == here).sum())
        asked += len(here)
    return returned / asked


def verdict(measures: Sequence[Measure]) -> tuple[bool, str]:
    """Whether the adapted network passes, and why or why not, in a sentence."""
    worse = [one for one in measures if not one.passes]
    if worse:
        said = "; ".join(_said(one) for one in worse)
        return False, f"The old model stays: on tracklets held out the adapted one is worse ({said})."
    better = [one for one in measures if one.gains]
    if not better:
        return False, "The old model stays: on tracklets held out the adapted one is better in nothing."
    # Halves of a tracklet grow alike by any clusters, wrong ones too; people across cameras by right ones.
    # Of few who are asked for, chance decides whether there is a gain: then no loss is enough.
    across = [one for one in measures if one.name == RETURNS and one.before < 1 and one.count >= MANY_RETURNS]
    if across and not across[0].gains:
        return (
            False,
            f"The old model stays: people are not found better on other cameras ({_said(across[0])}).",
        )
    said = "; ".join(_said(one) for one in better)
    return True, f"On tracklets held out the adapted model is better ({said}) and nowhere worse than allowed."


def _said(one: Measure) -> str:
    return f"{one.name}: {100 * one.before:.1f} % before, {100 * one.after:.1f} % after"
