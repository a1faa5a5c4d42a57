"""What an evaluation writes for other programs: features, figures, and ranked lists."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from models.datasets.records import Tracklet
from models.evaluation import metrics
from models.evaluation.evaluate import Compared
from models.evaluation.metrics import Ranking
from models.evaluation.protocols import EvaluationProtocol, TrackletFeatures, labels
from models.evaluation.report import Evaluation

DEPTH: Final = 10  # hits of a ranked list


def write_features(file: Path, features: TrackletFeatures) -> None:
    """Write all features that were computed as NumPy arrays.

    For each network that was used, `image` and `video`: NETWORK_features (N, D) float32, each of length 1;
    NETWORK_identities (N,) and NETWORK_cameras (N,), the data set's numbers; NETWORK_files (N,), the first
    crop of each tracklet; NETWORK_frames (N,), how many crops it has.

    Raises:
        OSError: the file cannot be written.
    """
    arrays: dict[str, Any] = {}
    for network, video in (("image", False), ("video", True)):
        tracklets, found = features.known(video=video)
        if not tracklets:
            continue
        arrays[f"{network}_features"] = found
        arrays[f"{network}_identities"] = np.array([one.identity for one in tracklets])
        arrays[f"{network}_cameras"] = np.array([one.camera for one in tracklets])
        arrays[f"{network}_files"] = np.array([str(one.frames[0]) for one in tracklets])
        arrays[f"{network}_frames"] = np.array([len(one.frames) for one in tracklets])
    with file.open("wb") as target:
        np.savez(target, **arrays)


def write_csv(file: Path, evaluations: Sequence[Evaluation]) -> None:
    """Write the figures of each evaluation as a row, shares from 0 to 1.

    Raises:
        OSError: the file cannot be written.
    """
    rows = [_row(evaluation) for evaluation in evaluations]
    names = list(dict.fromkeys(name for row in rows for name in row))
    with file.open("w", newline="", encoding="utf-8") as target:
        writer = csv.DictWriter(target, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _row(evaluation: Evaluation) -> dict[str, object]:
    figures = evaluation.figures
    return {
        "model": evaluation.model,
        "model_id": evaluation.model_id,
        "dataset": evaluation.dataset,
        "protocol": evaluation.protocol,
        "ranked_by": evaluation.ranked_by,
        "queries": evaluation.counts.queries,
        "gallery": evaluation.counts.gallery,
        **{f"rank_{k}": share for k, share in figures.rank.items()},
        "map_standard": figures.map_standard,
        "map_trapezoid": figures.map_trapezoid,
        "minp": figures.minp,
        **{f"tar_at_far_{far:g}": share for far, share in figures.tar_at_far.items()},
        **{f"dir_at_far_{far:g}": share for far, share in (figures.dir_at_far or {}).items()},
    }


class RankedLists:
    """Writes the first hits of each judged query while an evaluation is judged, a line of JSON each.

    Args:
        file: to write; what it holds goes.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        file.write_text("", encoding="utf-8")

    def see(self, protocol: EvaluationProtocol, compared: Compared, ranking: Ranking) -> None:
        """Append the queries of a split."""
        split = compared.split
        query_labels, gallery_labels = labels(split.query), labels(split.gallery)
        with self._file.open("a", encoding="utf-8") as target:
            for number in ranking.queries.tolist():
                places, right = metrics.best(compared.distances, query_labels, gallery_labels, number, DEPTH)
                hits = [
                    {
                        **_tracklet(split.gallery[place]),
                        "rank": rank,
                        "score": round(1 - float(compared.distances[number, place]), 6),
                        "match": bool(match),
                    }
                    for rank, (place, match) in enumerate(zip(places, right, strict=True), start=1)
                ]
                line = {"protocol": str(protocol), "query": _tracklet(split.query[number]), "hits": hits}
                target.write(json.dumps(line) + "\n")


def _tracklet(tracklet: Tracklet) -> dict[str, object]:
    return {
        "identity": tracklet.identity,
        "camera": tracklet.camera,
        "file": str(tracklet.frames[0].absolute()),
        "frames": len(tracklet.frames),
    }
