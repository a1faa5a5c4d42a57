"""Losses against their definitions written as loops, against gradients by difference, and by hand."""

import math
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck

from models.losses import (
    batch_hard_triplet,
    distance_distillation,
    distance_propagation,
    feature_propagation,
    pairwise_distances,
    sequence_alignment,
    supervised_contrastive,
    view_distillation,
)


def features(count: int, seed: int = 0) -> Tensor:
    draws = torch.Generator().manual_seed(seed)
    return torch.randn(count, 5, generator=draws, dtype=torch.float64).requires_grad_()


def distance(a: Sequence[float], b: Sequence[float]) -> float:
    return math.sqrt(max(1e-12, sum((x - y) ** 2 for x, y in zip(a, b, strict=True))))


def triplet_by_loops(
    anchors: Tensor, others: Tensor, anchor_ids: Tensor, other_ids: Tensor, margin: float | None
) -> float:
    losses = []
    for anchor, identity in zip(anchors.tolist(), anchor_ids.tolist(), strict=True):
        pairs = list(zip(others.tolist(), other_ids.tolist(), strict=True))
        positives = [distance(anchor, other) for other, own in pairs if own == identity]
        negatives = [distance(anchor, other) for other, own in pairs if own != identity]
        if not positives or not negatives:
            losses.append(0.0)
            continue
        excess = max(positives) - min(negatives)
        losses.append(math.log1p(math.exp(excess)) if margin is None else max(0.0, excess + margin))
    return sum(losses) / len(losses)


def test_distances_of_a_right_triangle() -> None:
    corners = torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]])
    assert pairwise_distances(corners, corners).tolist() == [
        [pytest.approx(1e-6), 3.0, 5.0],
        [3.0, pytest.approx(1e-6), 4.0],
        [5.0, 4.0, pytest.approx(1e-6)],
    ]


def test_triplet_by_hand() -> None:
    """On a line: person 0 at 0 and 2, person 1 at 3 and 7."""
    points = torch.tensor([[0.0], [2.0], [3.0], [7.0]])
    ids = torch.tensor([0, 0, 1, 1])
    # Hardest positives 2, 2, 4, 4; hardest negatives 3, 1, 1, 5.
    assert batch_hard_triplet(points, points, ids, ids).item() == pytest.approx((0 + 1.3 + 3.3 + 0) / 4)
    soft = batch_hard_triplet(points, points, ids, ids, margin=None).item()
    assert soft == pytest.approx(sum(math.log1p(math.exp(x)) for x in (-1, 1, 3, -1)) / 4)


def test_cross_modal_triplet_by_hand() -> None:
    images, clips = torch.tensor([[0.0], [1.0], [5.0]]), torch.tensor([[0.5], [4.0]])
    image_ids, clip_ids = torch.tensor([0, 0, 1]), torch.tensor([0, 1])
    # Positives 0.5, 0.5, 1; negatives 4, 3, 4.5: all apart by more than the margin of 0.3, not by one of 3.
    assert batch_hard_triplet(images, clips, image_ids, clip_ids).item() == 0
    wide = batch_hard_triplet(images, clips, image_ids, clip_ids, margin=3.0).item()
    assert wide == pytest.approx((0 + 0.5 + 0) / 3)
    # The other way round the mean is over the two clips: positives 0.5, 1; negatives 4.5, 3.
    back = batch_hard_triplet(clips, images, clip_ids, image_ids, margin=3.0).item()
    assert back == pytest.approx((0 + 1) / 2)


@given(
    anchor_ids=st.lists(st.integers(0, 3), min_size=1, max_size=6),
    other_ids=st.lists(st.integers(0, 3), min_size=1, max_size=6),
    margin=st.none() | st.floats(0, 5),
)
def test_triplet_is_what_the_loops_say(
    anchor_ids: list[int], other_ids: list[int], margin: float | None
) -> None:
    anchors, others = features(len(anchor_ids), 1), features(len(other_ids), 2)
    ids = torch.tensor(anchor_ids), torch.tensor(other_ids)
    loss = batch_hard_triplet(anchors, others, *ids, margin=margin)
    assert loss.item() == pytest.approx(triplet_by_loops(anchors, others, *ids, margin), abs=1e-9)
    torch.autograd.backward(loss)
    assert anchors.grad is not None
    assert anchors.grad.isfinite().all()


@pytest.mark.parametrize("margin", [0.3, None])
def test_gradients_of_the_triplet(margin: float | None) -> None:
    ids = torch.tensor([0, 0, 1, 1, 2, 2])
    assert gradcheck(
        lambda a, b: batch_hard_triplet(a, b, ids, ids, margin), (features(6, 3), features(6, 4))
    )


def test_two_pictures_alike_give_a_finite_gradient() -> None:
    same = torch.ones(4, 3, requires_grad=True)
    ids = torch.tensor([0, 0, 1, 1])
    torch.autograd.backward(batch_hard_triplet(same, same, ids, ids))
    assert same.grad is not None
    assert same.grad.isfinite().all()


def test_feature_propagation_by_hand() -> None:
    image, video = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    assert feature_propagation(image, video).item() == (1 + 4 + 9 + 16) / 2


def test_distance_propagation_by_hand() -> None:
    """Distances among images 5, among video features 2; two pairs and two of a point with itself."""
    image, video = torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.tensor([[0.0, 0.0], [0.0, 2.0]])
    assert distance_propagation(image, video).item() == pytest.approx(2 * 9 / 4)
    assert distance_propagation(image, video, form="paper").item() == pytest.approx(2 * 9 / 2)


@pytest.mark.parametrize("form", ["code", "paper"])
def test_distance_propagation_is_what_the_loops_say(form: str) -> None:
    image, video = features(7, 5), features(7, 6)
    total = sum(
        (distance(image[i].tolist(), image[j].tolist()) - distance(video[i].tolist(), video[j].tolist())) ** 2
        for i in range(7)
        for j in range(7)
    )
    loss = distance_propagation(image, video, form=form).item()  # type: ignore[arg-type]
    assert loss == pytest.approx(total / (49 if form == "code" else 7))


@pytest.mark.parametrize("loss", [feature_propagation, distance_propagation])
def test_the_teacher_does_not_learn_from_its_pupil_unless_asked(loss: object) -> None:
    assert callable(loss)
    image, video = features(4, 7), features(4, 8)
    torch.autograd.backward(loss(image, video))
    assert image.grad is not None
    assert image.grad.abs().sum() > 0
    assert video.grad is None
    torch.autograd.backward(loss(image, video, teach_video=True))
    assert video.grad is not None
    assert video.grad.abs().sum() > 0


def test_gradients_of_the_propagation() -> None:
    pair = (features(4, 9), features(4, 10))
    assert gradcheck(lambda a, b: feature_propagation(a, b, teach_video=True), pair)
    assert gradcheck(lambda a, b: distance_propagation(a, b, teach_video=True), pair)


def contrast_by_loops(rows: Tensor, labels: Sequence[int], temperature: float) -> float:
    units = [[x / math.hypot(*row) for x in row] for row in rows.tolist()]
    losses = []
    for i, label in enumerate(labels):
        others = [j for j in range(len(labels)) if j != i]
        shares = {
            j: math.exp(sum(map(math.prod, zip(units[i], units[j], strict=True))) / temperature)
            for j in others
        }
        own = [-math.log(shares[j] / sum(shares.values())) for j in others if labels[j] == label]
        losses += [sum(own) / len(own)] if own else []
    return sum(losses) / len(losses) if losses else 0.0


@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 1], [0, 0, 1, 2, 3], [0, 1, 2, 3, 4]])
def test_contrast_is_its_definition(labels: list[int]) -> None:
    rows = features(5)

    loss = supervised_contrastive(rows, torch.tensor(labels), 0.2)

    assert loss.item() == pytest.approx(contrast_by_loops(rows, labels, 0.2), abs=1e-12)
    assert gradcheck(lambda x: supervised_contrastive(x, torch.tensor(labels), 0.2), rows)


def test_contrast_by_hand() -> None:
    """Two people at right angles: each anchor has its positive at cosine 1 and two negatives at 0."""
    rows = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 1.0], [0.0, 2.0]], dtype=torch.float64)

    loss = supervised_contrastive(rows, torch.tensor([0, 0, 1, 1]), 0.5)

    assert loss.item() == pytest.approx(math.log(1 + 2 * math.exp(-2)))


def test_view_distillation_by_hand() -> None:
    """At temperature 2 the teacher has shares 3/4 and 1/4, the student, whose logits are equal, halves."""
    teacher, student = torch.tensor([[2 * math.log(3), 0.0]]), torch.tensor([[1.0, 1.0]])
    divergence = 3 / 4 * math.log(3 / 2) + 1 / 4 * math.log(1 / 2)
    loss = view_distillation(student, teacher, 2.0).item()
    assert loss == pytest.approx(4 * divergence, rel=1e-5)
    # A second clip on which both agree halves the mean.
    agreed = torch.tensor([[5.0, -1.0]])
    both = view_distillation(torch.cat([student, agreed]), torch.cat([teacher, agreed]), 2.0).item()
    assert both == pytest.approx(loss / 2, rel=1e-5)


def test_distance_distillation_by_hand() -> None:
    """Squared distances 25 and 4: two pairs of four differ by 21, and half of the mean square counts."""
    student, teacher = torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.tensor([[1.0], [3.0]])
    assert distance_distillation(student, teacher).item() == pytest.approx(21**2 * 2 / 4 / 2)


def test_sequence_alignment_by_hand() -> None:
    """One channel, 0 and 2 for 1 and 7: errors 1 and 5, means 1 and 4, standard deviations 1 and 3."""
    pseudo, real = torch.tensor([[[0.0], [2.0]]]), torch.tensor([[[1.0], [7.0]]])
    assert sequence_alignment(pseudo, real).item() == pytest.approx((1 + 25) / 2 + 3**2 + 2**2)


@pytest.mark.parametrize("loss", [view_distillation, distance_distillation, sequence_alignment])
def test_distillation_is_zero_for_equals_and_teaches_one_side_only(loss: object) -> None:
    assert callable(loss)
    shape = (3, 2, 5) if loss is sequence_alignment else (3, 5)
    draws = torch.Generator().manual_seed(11)
    student, teacher = (
        torch.randn(shape, generator=draws, dtype=torch.float64).requires_grad_() for _ in range(2)
    )
    assert loss(student, student).item() == pytest.approx(0, abs=1e-12)
    assert loss(student, teacher).item() > 0
    torch.autograd.backward(loss(student, teacher))
    assert student.grad is not None
    assert teacher.grad is None
    assert gradcheck(lambda x: loss(x, teacher), student)


def test_a_still_pseudo_sequence_gives_a_finite_gradient() -> None:
    still = torch.ones(2, 3, 4, requires_grad=True)
    torch.autograd.backward(sequence_alignment(still, torch.randn(2, 3, 4)))
    assert still.grad is not None
    assert still.grad.isfinite().all()


def test_frames_of_one_clip_take_no_part_in_each_others_contrast() -> None:
    """Two clips of a person, of two all but equal frames each, and another person's clip."""
    rows = features(6, seed=3)
    labels, clips = torch.tensor([0, 0, 0, 0, 1, 1]), torch.tensor([0, 0, 1, 1, 2, 2])

    loss = supervised_contrastive(rows, labels, 0.2, clips=clips)

    z = torch.nn.functional.normalize(rows.detach(), dim=1)
    expected = []
    for anchor in range(4):  # the last two have no positive
        others = [i for i in range(6) if clips[i] != clips[anchor]]
        total = sum(math.exp(float(z[anchor] @ z[i]) / 0.2) for i in others)
        own = [i for i in others if labels[i] == 0]
        shares = [math.log(math.exp(float(z[anchor] @ z[i]) / 0.2) / total) for i in own]
        expected.append(-sum(shares) / len(shares))
    assert loss.item() == pytest.approx(sum(expected) / 4, abs=1e-12)


def test_the_contrast_does_not_push_frames_of_one_clip_apart() -> None:
    """Cosines .96 within a clip and .70 to the person's other clip: the two frames were pushed apart."""
    cosines = torch.tensor([1.0, 0.96, 0.7, 0.0])  # to the first frame; else each goes its own way
    z = torch.diag((1 - cosines.square()).sqrt())
    z[:, 0] = cosines
    labels, clips = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 1, 2])

    def push(clips: Tensor | None) -> float:
        """How the loss grows as the twin comes nearer."""
        rows = z.clone().requires_grad_()
        torch.autograd.backward(supervised_contrastive(rows, labels, 0.1, clips=clips))
        assert rows.grad is not None
        return float(rows.grad[1] @ (z[0] - (z[0] @ z[1]) * z[1]))

    assert push(None) > 0.05
    assert push(clips) <= 0


def test_the_contrast_of_a_single_clip_is_zero() -> None:
    rows = features(3)
    loss = supervised_contrastive(rows, torch.tensor([0, 0, 0]), clips=torch.tensor([0, 0, 0]))
    torch.autograd.backward(loss)
    assert rows.grad is not None
    assert loss.item() == 0
    assert rows.grad.isfinite().all()
