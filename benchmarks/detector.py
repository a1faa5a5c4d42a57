"""How well does the detector find persons, and what does our code cost beside the bare network?

    python benchmarks/detector.py DATA_DIR [--input-size 320 416 640] [--threads 1]

DATA_DIR holds vtest.avi, tud-campus.webm and tud-stadtmitte.webm with their MOTChallenge ground truth
NAME.gt.txt. Costs are CPU time, which other load on the machine disturbs less than wall time.
"""

import argparse
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import av
import numpy as np
import torch
from numpy.typing import NDArray

from models.detector import Detections, create_detector
from models.detectors.nanodet import BATCH, WEIGHTS, NanoDet, input_shape, prepare
from models.detectors.onnx import open_session
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
    """Score and hit of each box, best first; boxes on persons to be ignored are left out."""
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


def accuracy_table(data: Path, sizes: list[int]) -> None:
    print("| clip | input | AP50 | precision at .45 | recall at .45 |")
    print("|---|---|---|---|---|")
    for (name, every), size in product(CLIPS.items(), sizes):
        ap, precision, recall = accuracy(data / name, every, size)
        print(f"| {name}, every {every} | {size} | {ap:.3f} | {precision:.3f} | {recall:.3f} |", flush=True)


def speed_table(data: Path, sizes: list[int], threads: int, rounds: int) -> None:
    """CPU milliseconds a frame, bare and whole in turns on the same frames."""
    pictures = [frame for _, frame in frames(data / "vtest.avi", 50)]
    print("| input | threads | bare ONNX run | detect | ours beside it |")
    print("|---|---|---|---|---|")
    for size in sizes:
        detector = NanoDet(input_size=size, device="cpu", threads=threads)
        session, _ = open_session(WEIGHTS, "cpu", threads)
        shape = input_shape(pictures[0], size)
        batches = [prepare(pictures[i : i + BATCH], shape) for i in range(0, len(pictures), BATCH)]
        seconds = np.zeros((rounds + 1, 2))
        for row in seconds:
            start = time.process_time()
            for batch in batches:
                session.run(None, {"input_1:0": batch})
            middle = time.process_time()
            detector.detect(pictures)
            row[:] = middle - start, time.process_time() - middle
        bare, whole = np.median(seconds[1:], axis=0) / len(pictures) * 1e3
        share = float(np.median(seconds[1:, 1] / seconds[1:, 0])) - 1
        print(f"| {size} | {threads} | {bare:.1f} ms | {whole:.1f} ms | {share:+.1%} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--input-size", type=int, nargs="+", default=[320, 416, 640])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    accuracy_table(options.data, options.input_size)
    speed_table(options.data, options.input_size, options.threads, options.rounds)


if __name__ == "__main__":
    main()
