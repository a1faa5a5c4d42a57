"""How well and how fast does the detector find persons, and what does our own code cost beside the bare network?

    python benchmarks/detector.py DATA_DIR [--input-size 320 416 640]

DATA_DIR holds vtest.avi, tud-campus.webm and tud-stadtmitte.webm with their MOTChallenge ground truth NAME.gt.txt.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from models.detector import Detections, create_detector
from models.preprocessing import Crop

CLIPS = {"tud-campus.webm": 1, "tud-stadtmitte.webm": 1, "vtest.avi": 5}  # every how many frames
FloatArray = NDArray[np.float64]


def frames(path: Path, every: int) -> Iterator[tuple[int, Crop]]:
    with av.open(str(path)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index % every == 0:
                yield index, np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)


def ground_truth(path: Path) -> dict[int, FloatArray]:
    """Boxes of each frame (from 0): (N, 5) x1, y1, x2, y2, counted (1) or to be ignored (0)."""
    rows = np.loadtxt(path, delimiter=",")
    truth = np.column_stack([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6], rows[:, 6] > 0])
    return {int(frame) - 1: truth[rows[:, 0] == frame] for frame in np.unique(rows[:, 0])}


def iou(box: FloatArray, boxes: FloatArray) -> FloatArray:
    sides = np.clip(np.minimum(box[2:], boxes[:, 2:4]) - np.maximum(box[:2], boxes[:, :2]), 0, None)
    overlap = sides.prod(axis=1)
    areas = (boxes[:, 2:4] - boxes[:, :2]).prod(axis=1)
    return np.asarray(overlap / (areas + (box[2:] - box[:2]).prod() - overlap))


def outcomes(found: Detections, truth: FloatArray) -> list[tuple[float, bool]]:
    """Score and hit of each box, best first, one hit a labelled person; boxes on ignored persons are left out."""
    free = np.ones(len(truth), dtype=bool)
    result = []
    for box, score in zip(found.boxes.astype(np.float64), found.scores, strict=True):
        overlaps = iou(box, truth) * free
        counted = np.where(truth[:, 4] > 0, overlaps, 0)
        if len(truth) and counted.max() >= 0.5:
            free[counted.argmax()] = False
            result.append((float(score), True))
        elif not len(truth) or overlaps.max() < 0.5:
            result.append((float(score), False))
    return result


def average_precision(results: list[tuple[float, bool]], persons: int) -> float:
    """Area under the interpolated precision-recall curve."""
    hits = np.array([hit for _, hit in sorted(results, key=lambda r: -r[0])], dtype=float)
    recall = hits.cumsum() / persons
    precision = hits.cumsum() / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall, prepend=0) * envelope).sum())


def accuracy(path: Path, every: int, input_size: int) -> tuple[float, float, float]:
    """AP50 over all scores, and precision and recall at the product's threshold."""
    detector = create_detector(input_size=input_size, threshold=0.02)
    truth = ground_truth(path.with_suffix(".gt.txt"))
    results, persons = [], 0
    for index, frame in frames(path, every):
        labels = truth.get(index, np.zeros((0, 5)))
        results += outcomes(detector.detect([frame])[0], labels)
        persons += int(labels[:, 4].sum())
    above = [hit for score, hit in results if score > 0.45]
    return average_precision(results, persons), sum(above) / len(above), sum(above) / persons


if __name__ == "__main__":
    import sys
    for name, every in CLIPS.items():
        for s in (320, 416, 640):
            print(name, s, accuracy(Path(sys.argv[1]) / name, every, s))
