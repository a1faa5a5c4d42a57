"""The siamese loss by hand, as loops, and by its gradients."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck

from models.siamese import SiameseForm, siamese

FORMS: tuple[SiameseForm, ...] = ("crf", "crf-printed", "rcn-code", "rcn-paper")


def features(count: int, seed: int = 0) -> Tensor:
    draws = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, generator=draws, dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize(
    ("form", "pull", "push"),
    [
        # Of one person d = 1. Of two people d = 0.5 twice, 1.5 and 2.5, with a margin of 2.
        ("crf", 0.5, (1.5 + 1.5 + 0.5 + 0) / 2 / 4),
        ("crf-printed", 0.5, (1.75 + 1.75 + 0 + 0) / 2 / 4),
        ("rcn-code", 1.0, (1.5 + 1.5 + 0.5 + 0) / 4),
        ("rcn-paper", 0.5, (2.25 + 2.25 + 0.25 + 0) / 2 / 4),
    ],
)
def test_the_forms_by_hand(form: SiameseForm, pull: float, push: float) -> None:
    """On a line: person 0 at 0 and 1, on two cameras; person 1 at 0.5 and 2.5, both on one."""
    x = torch.tensor([[0.0], [1.0], [0.5], [2.5]], dtype=torch.float64)
    labels, cameras = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 0])
    loss = siamese(x, x, labels, cameras, form=form)
    assert loss.item() == pytest.approx((pull + push) / 2)


def by_loops(
    first: Tensor, second: Tensor, labels: list[int], cameras: list[int], margin: float, form: str
) -> float:
    pulls, pushes = [], []
    for i, a in enumerate(first.tolist()):
        for j, b in enumerate(second.tolist()):
            d = max(math.dist(a, b), 1e-6)
            if labels[i] != labels[j]:
                hinge = max(0.0, margin - (d * d if form == "crf-printed" else d))
                pushes.append({"rcn-code": hinge, "rcn-paper": hinge**2 / 2}.get(form, hinge / 2))
            elif cameras[i] != cameras[j]:
                pulls.append(d if form == "rcn-code" else d * d / 2)
    if not pulls or not pushes:
        return 0.0
    return (sum(pulls) / len(pulls) + sum(pushes) / len(pushes)) / 2


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=7),
    st.floats(0.1, 4),
    st.sampled_from(FORMS),
)
def test_the_loss_is_what_the_loops_say(
    seen: list[tuple[int, int]], margin: float, form: SiameseForm
) -> None:
    labels, cameras = [person for person, _ in seen], [camera for _, camera in seen]
    first, second = features(len(seen), 1), features(len(seen), 2)
    for other in (first, second):
        loss = siamese(first, other, torch.tensor(labels), torch.tensor(cameras), margin=margin, form=form)
        assert loss.item() == pytest.approx(by_loops(first, other, labels, cameras, margin, form), abs=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_gradients(form: SiameseForm) -> None:
    labels, cameras = torch.tensor([0, 0, 1, 1, 2]), torch.tensor([0, 1, 0, 1, 0])
    assert gradcheck(
        lambda a, b: siamese(a, b, labels, cameras, margin=3.0, form=form), (features(5, 3), features(5, 4))
    )


@pytest.mark.parametrize("form", FORMS)
def test_clips_alike_give_a_finite_gradient(form: SiameseForm) -> None:
    x = torch.ones(4, 3, requires_grad=True)
    torch.autograd.backward(siamese(x, x, torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1]), form=form))
    assert x.grad is not None
    assert x.grad.isfinite().all()


@pytest.mark.parametrize(("labels", "cameras"), [([0, 0], [0, 1]), ([0, 1], [0, 1]), ([0, 0, 1], [3, 3, 4])])
def test_without_pairs_of_both_kinds_there_is_nothing_to_learn_but_a_gradient(
    labels: list[int], cameras: list[int]
) -> None:
    x = features(len(labels))
    loss = siamese(x, x, torch.tensor(labels), torch.tensor(cameras))
    assert loss.item() == 0
    torch.autograd.backward(loss)
    assert x.grad is not None
    assert not x.grad.any()
