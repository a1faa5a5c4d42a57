"""Which splits may judge a model that learnt from one of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models import zoo
from models.datasets.records import Dataset, Split, Tracklet
from models.errors import BadDataset
from models.evaluation.splits import fair


def halves(name: str = "prid-2011") -> Dataset:
    """Four people, one half of whom trains and the other tests, in three ways."""
    people = [Tracklet(i, 1, (Path(f"{i}.png"),)) for i in range(4)]
    ways = [([0, 1], [2, 3]), ([2, 3], [0, 1]), ([0, 2], [1, 3])]
    return Dataset(
        name,
        tuple(
            Split(tuple(people[i] for i in train), tuple(people[i] for i in test), ()) for train, test in ways
        ),
    )


def model_of(training: Any) -> zoo.LoadedModel:
    shipped = zoo.load("vkd-efficientnet-lite0")
    return replace(shipped, card={**shipped.card, "training": training})


def test_a_model_is_judged_by_the_split_it_learnt_from() -> None:
    model = model_of({"dataset": halves().only(2).name})
    for name in ("prid-2011", "prid-2011-images"):
        judged = fair(halves(name), model)
        assert judged.splits == halves().splits[2:]
        assert judged.name == f"{name} split 2"
    assert fair(halves(), model, 2) == fair(halves(), model)
    with pytest.raises(BadDataset, match="learnt from split 2 of prid-2011: it knows whom other splits test"):
        fair(halves(), model, 0)


@pytest.mark.parametrize(
    "training",
    [
        {"average_of": [{"training": {"dataset": "mars"}}, {"training": {"dataset": "prid-2011 split 1"}}]},
        {"dataset": "mars", "before": {"dataset": "prid-2011-images split 1"}},
        {"dataset": "simulated", "learnt_before": ["prid-2011 split 1"]},
    ],
)
def test_what_it_came_from_counts(training: dict[str, Any]) -> None:
    assert fair(halves(), model_of(training)) == halves().only(1)


def test_one_that_learnt_from_several_cannot_be_judged() -> None:
    both = {"dataset": "prid-2011 split 0", "learnt_before": ["prid-2011 split 1"]}
    with pytest.raises(BadDataset, match="learnt from split 0 and 1"):
        fair(halves(), model_of(both))


@pytest.mark.parametrize(
    "training",
    [None, {}, "long ago", {"dataset": 3}, {"dataset": "prid-2011"}, {"dataset": "ilids-vid split 1"},
     {"dataset": "prid-2011 split one"}, {"dataset": ["prid-2011 split 1"]}],
)  # fmt: skip
def test_others_are_judged_by_all_splits_or_the_one_that_is_asked_for(training: object) -> None:
    assert fair(halves(), model_of(training)) == halves()
    assert fair(halves(), model_of(training), 1) == halves().only(1)
    with pytest.raises(BadDataset, match=r"no split 3 in prid-2011; choose one from 0 to 2"):
        fair(halves(), model_of(training), 3)


def test_where_there_is_one_split_nothing_changes() -> None:
    mars = Dataset("mars", halves().splits[:1])
    assert fair(mars, model_of({"dataset": mars.only(0).name})) == mars
