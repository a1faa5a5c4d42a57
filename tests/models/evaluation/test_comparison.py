"""Comparisons of models whose answers are known."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from models.errors import BadDataset
from models.evaluation.comparison import Judged, compare, read_judged
from models.evaluation.report import Queries


def judged(*firsts: float, model: str = "one", protocol: str = "i2v") -> Judged:
    """A model that has a match first, or not, for each of some people asked for once."""
    numbers = tuple(range(len(firsts)))
    return Judged("people", protocol, model, (Queries(numbers, numbers, firsts, firsts, firsts),))


def test_a_difference_is_the_mean_of_those_of_the_queries() -> None:
    found = compare([judged(1, 1, 1, 0)], [judged(1, 0, 0, 0, model="two")])
    assert (found.model, found.against) == (("one",), ("two",))
    assert found.differences["rank_1"].value == pytest.approx(0.5)
    assert found.differences["rank_1"].low <= 0.5 <= found.differences["rank_1"].high
    assert json.loads(json.dumps(found.to_json()))["differences"]["map_standard"]["value"] == 0.5


def test_seeds_count_by_the_mean_of_each_query() -> None:
    """Two seeds that are right in turns are as good as one that is right half of the time."""
    seeds = [judged(1, 0, 1, 0), judged(0, 1, 0, 1)]
    found = compare(seeds, [judged(0.5, 0.5, 0.5, 0.5)])
    assert found.differences["rank_1"].p == 1
    assert found.differences["rank_1"].low == found.differences["rank_1"].high == 0


def test_other_queries_are_refused() -> None:
    (split,) = judged(1, 0).queries
    others = [
        judged(1, 0, 1),
        judged(1, 0, protocol="i2i"),
        replace(judged(1, 0), dataset="animals"),
        replace(judged(1, 0), queries=(replace(split, identities=(0, 7)),)),
        replace(judged(1, 0), queries=(split, split)),
    ]
    for other in others:
        with pytest.raises(BadDataset, match="other queries"):
            compare([judged(1, 0)], [other])


@pytest.mark.parametrize("text", ["", "{}", '{"evaluations": [{"splits": [{}]}]}', '{"evaluations": 3}'])
def test_a_file_without_single_queries_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "old.json"
    file.write_text(text)
    with pytest.raises(BadDataset, match=r"old\.json"):
        read_judged(file)
