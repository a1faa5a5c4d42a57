"""Which splits of a data set can judge a model: those whose people it was not trained with."""

from models.checkpoint import LoadedModel, data_learnt
from models.datasets.records import SPLIT, Dataset
from models.errors import BadDataset


def fair(dataset: Dataset, model: LoadedModel, split: int | None = None) -> Dataset:
    """What of a data set can judge a model.

    Whom one split tests, others train with: a model that learnt from a split is judged by that one alone.
    Photos and sequences of a data set have the same splits.

    Args:
        dataset: with all its splits.
        model: to be judged; its card says what it learnt from.
        split: judge by this one, counted from 0; None leaves it to what the model learnt from.

    Returns:
        The data set, if the model learnt from none of its splits and none was asked for, or that one split.

    Raises:
        BadDataset: the model learnt from another split, or from several, or there is no such split.
    """
    learnt = _learnt(dataset, model) if len(dataset.splits) > 1 else set()
    if len(learnt | {split} - {None}) > 1:
        raise BadDataset(
            f"{model.name} learnt from split {' and '.join(map(str, sorted(learnt)))} of {dataset.name}: "
            f"it knows whom other splits test"
        )
    number = next(iter(learnt), split)
    return dataset if number is None else dataset.only(number)


def _learnt(dataset: Dataset, model: LoadedModel) -> set[int]:
    mine, found = dataset.name.removesuffix("-images"), set()
    for learnt in data_learnt(model.card):
        name, _, number = learnt.rpartition(SPLIT)
        if name.removesuffix("-images") == mine and number.isdecimal():
            found.add(int(number))
    return found
