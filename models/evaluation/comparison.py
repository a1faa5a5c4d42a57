"""Two models, or two ways of training over several seeds, compared query by query."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic import TypeAdapter, ValidationError

from models.errors import BadDataset
from models.evaluation.bootstrap import Difference, paired_bootstrap
from models.evaluation.metrics import Floats
from models.evaluation.report import COMPARED, COSINE, Compared, Evaluation, Queries

_QUERIES: Final = TypeAdapter(tuple[Queries, ...])


@dataclass(frozen=True, slots=True)
class Judged:
    """The compared part of an evaluation: data set, protocol, model, and the figures of each query."""

    dataset: str
    protocol: str
    model: str
    queries: tuple[Queries, ...]
    ranked_by: str = COSINE

    @classmethod
    def of(cls, evaluation: Evaluation) -> "Judged":
        """What is compared of an evaluation."""
        queries = tuple(split.queries for split in evaluation.splits)
        named = (evaluation.dataset, evaluation.protocol, evaluation.model)
        return cls(*named, queries, evaluation.ranked_by)

    def mean(self, figure: Compared) -> float:
        """A figure of the whole: the mean over queries, averaged over splits."""
        return float(np.mean([split.values(figure).mean() for split in self.queries]))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Differences between models on the same queries.

    Attributes:
        dataset, protocol, ranked_by: what both were judged by.
        model, against: the names of the models; of several, each query's figure is their mean.
        differences: of "rank_1" and both mAPs; shares, 0..1.
    """

    dataset: str
    protocol: str
    model: tuple[str, ...]
    against: tuple[str, ...]
    differences: Mapping[str, Difference]
    ranked_by: str = COSINE

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        return asdict(self)


def compare(first: Sequence[Judged], second: Sequence[Judged]) -> Comparison:
    """Compare models, or seeds of one recipe with seeds of another.

    Args:
        first: at least one.
        second: at least one, judged by the same queries.

    Raises:
        BadDataset: they were judged by other queries, or by another protocol.
    """
    one = first[0]
    for other in (*first, *second):
        if _basis(other) != _basis(one) or not _alike(one, other):
            raise BadDataset(
                f"{one.model} was judged by other queries ({one.dataset}, {one.protocol}) than "
                f"{other.model} ({other.dataset}, {other.protocol})"
            )
    identities = [np.array(split.identities, dtype=np.int64) for split in one.queries]
    return Comparison(
        one.dataset,
        one.protocol,
        tuple(judged.model for judged in first),
        tuple(judged.model for judged in second),
        {name: paired_bootstrap(_mean(first, name), _mean(second, name), identities) for name in COMPARED},
        one.ranked_by,
    )


def read_judged(file: Path) -> list[Judged]:
    """Evaluations from a file that `sightline evaluate --json` wrote.

    Raises:
        BadDataset: it cannot be read, or is of a version that did not keep single queries.
    """
    try:
        evaluations = json.loads(file.read_text(encoding="utf-8"))["evaluations"]
        return [
            Judged(
                str(one["dataset"]),
                str(one["protocol"]),
                str(one["model"]),
                _QUERIES.validate_python([split["queries"] for split in one["splits"]]),
                str(one.get("ranked_by", COSINE)),
            )
            for one in evaluations
        ]
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise BadDataset(f"{file} holds no evaluation with its single queries") from error


def _basis(judged: Judged) -> tuple[str, str, str]:
    return judged.dataset, judged.protocol, judged.ranked_by


def _alike(one: Judged, other: Judged) -> bool:
    """Return whether both judged the same queries."""
    return [(q.numbers, q.identities) for q in one.queries] == [
        (q.numbers, q.identities) for q in other.queries
    ]


def _mean(judged: Sequence[Judged], figure: Compared) -> list[Floats]:
    """For each split, (V,) means over models of a figure of each query."""
    return [
        np.mean([split.values(figure) for split in splits], axis=0)
        for splits in zip(*(one.queries for one in judged), strict=True)
    ]
