"""How much may be wrong with a probe before searches suffer? Crops are damaged by degrees and searched for.

    python benchmarks/probe_quality.py simulated=DIR --queries 400 --out out/embeddings

Each probe is the first crop of a person on a camera; tracklets of the person on that camera are left out.
For each damage and degree: rank-1 and what is lost of it against the same probes undamaged (95 % interval,
paired over people), the mean probability of the best right hit; medians of what the product measures, and how
many of the probes get each notice. The other tables are about the detector's score and about screenshots.
"""

import argparse
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from feedback import World, world  # type: ignore[import-not-found]  # beside this file
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from gallery import NoticeCode
from models import names, quality, zoo
from models.calibration.calibrator import Calibrator, Evidence, calibrator_of, posteriors
from models.datasets import load
from models.datasets.frames import read_frame
from models.datasets.records import DISTRACTOR, JUNK, Tracklet
from models.detector import create_detector
from models.embedder import Embedder
from models.evaluation.bootstrap import paired_bootstrap
from service import persons
from service.probes import fitness
from service.probes.notices import DRAWN

HEAD, BATCH = 200, 64
TABLES = ("searches", "notices", "detector", "screens")
_SEARCHES = "| damage | rank-1 | less | right hit's probability |"
_NOTICES = "| damage | height | sharpness | colour | ratio | flat | notices |"
_DETECTOR = "| detector's score | probes | rank-1 | right hit's probability | of undamaged |"
_SCREENS = "| photo's share of a screenshot | flat | drawn |"
Crop = NDArray[np.uint8]
Damage = Callable[[Crop, float, Crop], Crop]
"""A crop, a degree, and the crop of somebody else."""


def blur(crop: Crop, sigma: float, _: Crop) -> Crop:
    """Gaussian, its deviation in 128ths of the height."""
    return np.asarray(Image.fromarray(crop).filter(ImageFilter.GaussianBlur(sigma * len(crop) / 128)))


def height(crop: Crop, pixels: float, _: Crop) -> Crop:
    """So many pixels high; smaller crops stay as they are."""
    if len(crop) <= pixels:
        return crop
    width = max(4, round(crop.shape[1] * pixels / len(crop)))
    return np.asarray(Image.fromarray(crop).resize((width, int(pixels)), Image.Resampling.BOX))


def jpeg(crop: Crop, level: float, _: Crop) -> Crop:
    """Stored with that quality."""
    file = io.BytesIO()
    Image.fromarray(crop).save(file, "JPEG", quality=int(level))
    return np.asarray(Image.open(file).convert("RGB"))


def less_colour(crop: Crop, kept: float, _: Crop) -> Crop:
    """Towards its grey."""
    grey = (crop @ quality.GREY)[..., None]
    return np.clip(grey + kept * (crop - grey), 0, 255).round().astype(np.uint8)


def bar(crop: Crop, share: float, _: Crop) -> Crop:
    """A grey bar over its left side."""
    hidden = crop.copy()
    hidden[:, : round(share * crop.shape[1])] = 110
    return hidden


def somebody(crop: Crop, share: float, other: Crop) -> Crop:
    """Somebody else before its left side."""
    height, width = crop.shape[:2]
    hidden, covered = crop.copy(), round(share * width)
    if covered:
        hidden[:, :covered] = np.asarray(Image.fromarray(other).resize((width, height)))[:, -covered:]
    return hidden


def upper(crop: Crop, share: float, _: Crop) -> Crop:
    """The upper part only."""
    return crop[: max(8, round(share * len(crop)))]


def half(crop: Crop, share: float, _: Crop) -> Crop:
    """The left part only."""
    return crop[:, : max(8, round(share * crop.shape[1]))]


def stretch(crop: Crop, factor: float, _: Crop) -> Crop:
    """So many times as wide."""
    return np.asarray(Image.fromarray(crop).resize((max(8, round(crop.shape[1] * factor)), len(crop))))


def turn(crop: Crop, quarters: float, _: Crop) -> Crop:
    """Not upright."""
    return np.ascontiguousarray(np.rot90(crop, int(quarters)))


def mirror(crop: Crop, _degree: float, _: Crop) -> Crop:
    """Left and right changed."""
    return np.ascontiguousarray(crop[:, ::-1])


def around(crop: Crop, overlap: float, _: Crop) -> Crop:
    """In a larger box that has this overlap (IoU) with the person's; the crop's edges are drawn out."""
    margins = [round(side * (overlap**-0.5 - 1) / 2) for side in crop.shape[:2]]
    return np.pad(crop, ((margins[0],) * 2, (margins[1],) * 2, (0, 0)), mode="edge")


def aside(crop: Crop, overlap: float, _: Crop) -> Crop:
    """In a box too far right that has this overlap (IoU); beyond the crop is its edge, drawn out."""
    moved = round(crop.shape[1] * (1 - overlap) / (1 + overlap))
    return np.pad(crop, ((0, 0), (0, moved), (0, 0)), mode="edge")[:, moved:]


DAMAGES: dict[str, tuple[Damage, Sequence[float]]] = {
    "undamaged": (lambda crop, _degree, _: crop, (1,)),
    "blur, 128ths of the height": (blur, (0.5, 1, 1.5, 2, 3, 4)),
    "height in pixels": (height, (96, 64, 48, 40, 32, 24, 16)),
    "JPEG quality": (jpeg, (50, 30, 20, 10, 5, 2)),
    "colour kept": (less_colour, (0.75, 0.5, 0.25, 0.1, 0)),
    "share behind a bar": (bar, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)),
    "share behind somebody": (somebody, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)),
    "upper part": (upper, (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)),
    "left part": (half, (0.8, 0.65, 0.5, 0.35, 0.25)),
    "width times": (stretch, (0.33, 0.5, 0.67, 1.5, 2, 3)),
    "quarters turned": (turn, (1, 2)),
    "mirrored": (mirror, (1,)),
    "overlap, box too large": (around, (0.8, 0.6, 0.5, 0.4, 0.3, 0.2)),
    "overlap, box aside": (aside, (0.8, 0.6, 0.5, 0.4, 0.3, 0.2)),
}


@dataclass(frozen=True)
class Asked:
    """A crop that is searched for, somebody else's, and where the answer is known."""

    crop: Crop
    other: Crop
    known: World
    identity: int
    camera: int


def as_seen(tracklet: Tracklet, sizes: Mapping[str, tuple[int, int]]) -> Crop:
    """The first crop of a tracklet at the size it had on its camera: drawn sets keep all at one size."""
    path = tracklet.frames[0]
    crop = read_frame(path)
    size = sizes.get(path.stem.rpartition("F")[0])
    return crop if size is None else np.asarray(Image.fromarray(crop).resize(size, Image.Resampling.LANCZOS))


def sizes_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Width and height of the first box of each tracklet of a drawn set; of others none."""
    listing = folder / "tracklets.jsonl"
    lines = listing.read_text(encoding="utf-8").splitlines() if listing.exists() else []
    boxes = {one["tracklet"]: one["boxes"][0] for one in map(json.loads, lines)}
    return {name: (max(8, round(box[2])), max(8, round(box[3]))) for name, box in boxes.items()}


def asked_of(
    known: World, tracklets: Sequence[Tracklet], sizes: Mapping[str, tuple[int, int]], most: int, seed: int
) -> list[Asked]:
    """Queries drawn by the seed that have a right answer on another camera."""
    rows = [
        row
        for row, (one, camera) in enumerate(zip(known.probe_ids, known.probe_cameras, strict=True))
        if ((known.ids == one) & (known.cameras != camera)).any()
    ]
    chosen = np.random.default_rng(seed).permutation(rows)[:most]
    crops = [as_seen(tracklets[row], sizes) for row in chosen]
    return [
        Asked(crop, crops[place - 1], known, int(known.probe_ids[row]), int(known.probe_cameras[row]))
        for place, (row, crop) in enumerate(zip(chosen, crops, strict=True))
    ]


def judged(
    one: Asked, vector: NDArray[np.float32], crop: Crop, calibrator: Calibrator
) -> tuple[float, float]:
    """Whether the first hit is right, and the probability of the best right one."""
    known = one.known
    there = np.flatnonzero((known.ids != one.identity) | (known.cameras != one.camera))
    scores = known.ranked(vector)[there]
    head = np.argsort(-scores, kind="stable")[:HEAD]
    evidence = Evidence(
        scores=scores[head].astype(np.float64),
        cosines=(known.vectors[there[head]] @ vector).astype(np.float64),
        height=np.array(float(len(crop))),
        sharpness=np.array(quality.sharpness(crop)),
    )
    said = posteriors(calibrator.log_ratios(evidence), len(there))
    right = known.ids[there[head]] == one.identity
    return float(right[0]), float(said[right].max(initial=0.0))


def suffered(
    all_asked: Sequence[Asked], embedder: Embedder, calibrator: Calibrator, chosen: Sequence[str]
) -> Iterator[str]:
    """How searches suffer: a line for each chosen damage and degree, the undamaged first."""
    people = np.array([one.identity for one in all_asked])
    base: NDArray[np.float64] | None = None
    for name, damage, degree in degrees(["undamaged", *chosen]):
        crops = [damage(one.crop, degree, one.other) for one in all_asked]
        found = searched(all_asked, crops, embedder, calibrator)
        base = found[:, 0] if base is None else base
        lost = paired_bootstrap([found[:, 0]], [base], [people])
        yield (
            f"| {name} {degree:g} | {100 * found[:, 0].mean():.1f} "
            f"| {100 * lost.value:+.1f} ({100 * lost.low:+.1f} to {100 * lost.high:+.1f}) "
            f"| {found[:, 1].mean():.3f} |"
        )


def searched(
    all_asked: Sequence[Asked], crops: Sequence[Crop], embedder: Embedder, calibrator: Calibrator
) -> NDArray[np.float64]:
    """(N, 2): `judged` for each crop."""
    vectors = np.concatenate(
        [embedder.embed_images(crops[start : start + BATCH]) for start in range(0, len(crops), BATCH)]
    )
    return np.array([judged(*each, calibrator) for each in zip(all_asked, vectors, crops, strict=True)])


def noticed(all_asked: Sequence[Asked], chosen: Sequence[str]) -> Iterator[str]:
    """Medians of what is measured, and how many of the probes get each notice, without the detector's."""
    for name, damage, degree in degrees(chosen):
        crops = [damage(one.crop, degree, one.other) for one in all_asked]
        seen = [fitness.assess(crop, (0.0, 0.0, float(crop.shape[1]), float(len(crop)))) for crop in crops]
        hidden = degree if damage is somebody else 0.0
        codes = Counter(n.code for one in seen for n in fitness.notices(one, one.height_px, hidden))
        flats = [quality.flat(crop) for crop in crops]
        codes[NoticeCode.DRAWN] = sum(share >= DRAWN for share in flats)
        codes[NoticeCode.COMPRESSED] = len(crops) * (damage is jpeg and degree <= 15)
        said = ", ".join(f"{code} {count / len(crops):.1%}" for code, count in codes.most_common() if count)
        medians = np.median([(s.height_px, s.sharpness, s.colour, s.ratio) for s in seen], axis=0)
        yield (
            f"| {name} {degree:g} | {medians[0]:.0f} | {medians[1]:.3f} | {medians[2]:.1f} "
            f"| {medians[3]:.2f} | {np.median(flats):.3f} | {said or '-'} |"
        )


def believed(all_asked: Sequence[Asked], embedder: Embedder, calibrator: Calibrator) -> Iterator[str]:
    """What the detector's score says of a search: pooled over damages that hide or blur, and degrees."""
    detector, rows = create_detector("nanodet"), []
    hiding = [name for name, (damage, _) in DAMAGES.items() if damage in {blur, height, bar, upper}]
    for name, damage, degree in degrees(["undamaged", *hiding]):
        crops = [damage(one.crop, degree, one.other) for one in all_asked]
        found = searched(all_asked, crops, embedder, calibrator)
        persons_seen = [persons.find(detector, crop).persons for crop in crops]
        rows += [
            (those[0].score if those else 0.0, *judgement, name == "undamaged")
            for those, judgement in zip(persons_seen, found, strict=True)
        ]
    scores, right, probability, undamaged = np.array(rows).T
    for low, high in pairwise((0, *np.arange(0.45, 0.75, 0.05), 1)):
        here = (scores >= low) & (scores < high)
        if here.any():
            yield (
                f"| {low:.2f} to {high:.2f} | {here.sum():.0f} | {100 * right[here].mean():.1f} "
                f"| {probability[here].mean():.3f} | {here[undamaged > 0].mean():.1%} |"
            )


def screens(all_asked: Sequence[Asked]) -> Iterator[str]:
    """How flat a screenshot is of which the photo fills a share; the rest is a window with lines of text."""
    for filled in (1.0, 0.8, 0.6, 0.4, 0.2):
        shares = [quality.flat(screenshot(one.crop, filled)) for one in all_asked]
        flagged = np.mean([share >= DRAWN for share in shares])
        yield f"| {filled:.0%} | {np.median(shares):.3f} | {flagged:.1%} |"


def screenshot(crop: Crop, filled: float) -> Crop:
    """A window with a crop on its left and lines of text right of it."""
    width = round(crop.shape[1] / filled)
    screen = np.full((len(crop), width, 3), 240, np.uint8)
    for top in range(4, len(crop) - 8, 12):
        screen[top : top + 6, crop.shape[1] + 4 : width - 4 : 3] = 40
    screen[:, : crop.shape[1]] = crop
    return screen


def degrees(chosen: Sequence[str]) -> Iterator[tuple[str, Damage, float]]:
    """Each damage of those names, once, and degree."""
    for name in dict.fromkeys(chosen):
        damage, all_degrees = DAMAGES[name]
        for degree in all_degrees:
            yield name, damage, degree


def main() -> None:
    """Embed, damage, ask, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="+", metavar="KIND=DIR")
    parser.add_argument("--model", default=names.DEFAULT)
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tables", nargs="+", default=TABLES, choices=TABLES)
    parser.add_argument("--damages", nargs="+", default=list(DAMAGES), choices=DAMAGES, metavar="DAMAGE")
    parser.add_argument("--looked-at", type=int, default=60, help="probes that the detector looks at")
    parser.add_argument("--out", type=Path, default=Path("out/embeddings"), help="keeps embeddings")
    args = parser.parse_args()
    embedder = Embedder(zoo.load(args.model), device="auto")
    calibrator = calibrator_of(embedder.card, embedder.id)
    assert calibrator is not None, "the model is not calibrated"
    for named in args.sets:
        kind, folder = named.split("=", 1)
        splits = load(kind, Path(folder)).splits
        all_asked: list[Asked] = []
        for number, split in enumerate(splits):
            key = hashlib.sha256(f"{embedder.id} {Path(folder).resolve()} {kind} {number}".encode())
            known = world(split, embedder, args.out / f"{key.hexdigest()[:16]}.npz")
            query = [t for t in split.query if t.identity not in {DISTRACTOR, JUNK}]
            all_asked += asked_of(
                known, query, sizes_of(Path(folder)), args.queries // len(splits), args.seed
            )
        print(f"\n{named}: {len(all_asked)} probes")
        tables = {
            "searches": (_SEARCHES, suffered(all_asked, embedder, calibrator, args.damages)),
            "notices": (_NOTICES, noticed(all_asked, args.damages)),
            "detector": (_DETECTOR, believed(all_asked[: args.looked_at], embedder, calibrator)),
            "screens": (_SCREENS, screens(all_asked)),
        }
        for table in args.tables:
            head, lines = tables[table]
            print(f"\n{head}\n|---|{'--:|' * (head.count('|') - 2)}")
            for line in lines:
                print(line, flush=True)


if __name__ == "__main__":
    main()
