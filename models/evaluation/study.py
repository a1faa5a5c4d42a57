"""Judge a model from Python: figures, and the features that they come from."""

from dataclasses import dataclass
from pathlib import Path

from models import datasets, zoo
from models.datasets.records import Tracklet
from models.embedder import Embedder, Features
from models.evaluation.evaluate import evaluate as judge
from models.evaluation.evaluate import judged_splits
from models.evaluation.protocols import EvaluationProtocol, TrackletFeatures
from models.evaluation.report import Evaluation


@dataclass(frozen=True, slots=True)
class Study:
    """A judged model.

    Attributes:
        evaluation: figures with intervals, counts, and each query's result.
        query, gallery: the tracklets of the first split, without its junk.
        query_features, gallery_features: of these, (Q, D) and (G, D), each of length 1.
    """

    evaluation: Evaluation
    query: tuple[Tracklet, ...]
    gallery: tuple[Tracklet, ...]
    query_features: Features
    gallery_features: Features


def evaluate(
    model: str | Embedder, dataset: str, root: Path | str, *, protocol: str = "i2v", device: str = "auto"
) -> Study:
    """Judge a model on a data set.

    Args:
        model: a name, the folder of a checkpoint, or an embedder.
        dataset: name of a data set, as in docs/datasets.md.
        root: folder that it lies in.
        protocol: i2v, v2v or i2i: which network embeds queries, then the gallery.
        device: of a model that is loaded here.

    Raises:
        UnknownModel, MissingWeights, BadCheckpoint: the model cannot be loaded.
        BadDataset: the data set is not there, or cannot be judged.
        ValueError: no such protocol.
    """
    embedder = Embedder(zoo.load(model), device=device) if isinstance(model, str) else model
    features, chosen = TrackletFeatures(embedder), EvaluationProtocol(protocol)
    judged = datasets.load(dataset, Path(root))
    evaluation = judge(features, judged, chosen)
    split = judged_splits(judged)[0]
    return Study(
        evaluation,
        split.query,
        split.gallery,
        features.of(split.query, video=chosen.query_is_video),
        features.of(split.gallery, video=chosen.gallery_is_video),
    )
