"""What is shown of a model's card, whatever came with the model."""

from typing import Any

import pytest

from models import zoo
from service.model_cards import read_card

GOOD = {"dataset": "cuhk01", "protocol": "i2v", "queries": 9, "rank": {"1": 0.5}, "map_standard": 0.6}


@pytest.mark.parametrize("name", zoo.SHIPPED)
def test_the_shipped_cards_are_read_whole(name: str) -> None:
    card = zoo.load(name).card
    shown = read_card(card)
    assert shown.limits == card["limits"]
    assert shown.intended_use == card.get("intended_use")
    assert [(one.dataset, one.rank_1) for one in shown.figures] == [
        (one["dataset"], one["rank"]["1"]) for one in card["figures"]
    ]


@pytest.mark.parametrize(
    "card",
    [
        {},
        {"intended_use": 3, "limits": "many", "figures": {"cuhk01": 1}},
        {"intended_use": None, "limits": [None, 1, ["deep"]], "figures": [None, "good", []]},
        {"figures": [{**GOOD, "rank": {}}, {**GOOD, "rank": {"1": "all"}}, {**GOOD, "map_standard": None}]},
        {
            "figures": [
                {**GOOD, "rank": {"1": float("nan")}},
                {**GOOD, "rank": {"1": 7.0}},
                {**GOOD, "queries": -1},
            ]
        },
        {"figures": [{**GOOD, "dataset": "x" * 201}, {**GOOD, "dataset": 5}, {"dataset": "cuhk01"}]},
    ],
)
def test_what_has_another_form_is_left_out(card: dict[str, Any]) -> None:
    shown = read_card(card)
    assert (shown.intended_use, shown.limits, shown.figures) == (None, [], [])


def test_a_card_without_end_is_cut() -> None:
    shown = read_card({"intended_use": "x" * 9999, "limits": ["y" * 9999] * 99, "figures": [GOOD] * 99})
    assert len(shown.intended_use or "") == len(shown.limits[0]) == 2000
    assert len(shown.limits) == len(shown.figures) == 50
