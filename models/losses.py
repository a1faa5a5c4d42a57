"""Losses on raw features; what the networks are trained with.

Gu, Ma, Chang, Shan, Chen, "Temporal Knowledge Propagation for Image-to-Video Person Re-identification",
ICCV 2019 (TKP). Where the paper and its official code differ, the code's form is the default, because the
published numbers come from it, and the paper's form can be asked for.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

DistanceForm = Literal["code", "paper"]

# Below this a squared distance is rounding; the square root would have no gradient to speak of at zero.
LEAST_SQUARE = 1e-12


def pairwise_distances(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distances sqrt(max(||a_i - b_j||^2, 1e-12)): (N, D) and (M, D) -> (N, M)."""
    return squared_distances(a, b).clamp(min=LEAST_SQUARE).sqrt()


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """||a_i - b_j||^2 up to rounding, which may leave one below zero: (N, D) and (M, D) -> (N, M)."""
    return a.square().sum(dim=1)[:, None] + b.square().sum(dim=1)[None] - 2 * a @ b.T


def cross_entropy(logits: Tensor, labels: Tensor, allowed: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """Softmax cross entropy among the classes that each sample may be of.

    Szegedy et al., "Rethinking the Inception Architecture", CVPR 2016, for the smoothing: this share of the
    target is spread evenly over the allowed classes.

    Args:
        logits: (N, C).
        labels: (N,), each an allowed class.
        allowed: (N, C) bool; what is not allowed takes no part.
        smoothing: 0 for plain targets.

    Returns:
        The mean over the samples.
    """
    log_shares = logits.masked_fill(~allowed, -torch.inf).log_softmax(dim=1)
    own = log_shares.gather(1, labels[:, None])[:, 0]
    even = log_shares.masked_fill(~allowed, 0.0).sum(dim=1) / allowed.sum(dim=1)
    return -((1 - smoothing) * own + smoothing * even).mean()


def batch_hard_triplet(
    anchors: Tensor,
    others: Tensor,
    anchor_ids: Tensor,
    other_ids: Tensor,
    margin: float | None = 0.3,
) -> Tensor:
    """Triplet loss with the hardest positive and the hardest negative of each anchor.

    Hermans et al., "In Defense of the Triplet Loss", 2017, equation 5, across modalities as in TKP: anchors
    are of one modality, positives and negatives of the other or of the same. Positives are chosen by identity
    alone, so an anchor may be its own; a maximum is taken, which makes that harmless.

    Args:
        anchors: (N, D).
        others: (M, D), what positives and negatives are chosen from.
        anchor_ids: (N,) identities.
        other_ids: (M,) identities.
        margin: of the hinge max(0, positive - negative + margin); None for the soft margin
            log(1 + exp(positive - negative)).

    Returns:
        The mean over the anchors; one without a positive or without a negative adds nothing.
    """
    distances = pairwise_distances(anchors, others)  # (N, M)
    same = anchor_ids[:, None] == other_ids[None]
    positive = distances.masked_fill(~same, -torch.inf).amax(dim=1)
    negative = distances.masked_fill(same, torch.inf).amin(dim=1)
    excess = positive - negative
    losses = F.softplus(excess) if margin is None else F.relu(excess + margin)
    return losses.mean()


def supervised_contrastive(
    features: Tensor, labels: Tensor, temperature: float = 0.1, *, clips: Tensor | None = None
) -> Tensor:
    """Cross entropy of finding an anchor's positives among all others of the batch by cosine.

    Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, equation 2 (L_out). Every pair counts, so
    it learns from hard data on which the hardest triplets alone pull all features to one point.

    L_out wants all positives equally near. Frames of one clip are all but the same crop: as positives of
    each other they take so large a share of the softmax that the loss pushes them apart. With `clips`, pairs
    of one clip take no part at all.

    Args:
        features: (N, D), of any length.
        labels: (N,) identities.
        temperature: that cosines are divided by.
        clips: (N,) the clip that each feature is of; None if each is of its own.

    Returns:
        The mean over the anchors that have a positive; zero if none has.
    """
    z = F.normalize(features, dim=1)
    own = torch.arange(len(z), device=z.device) if clips is None else clips
    same_clip = own[:, None] == own  # (N, N), the pair of a feature with itself among them
    positive = (labels[:, None] == labels) & ~same_clip
    # A finite filler: a batch of one clip has nothing to be found among, and no gradient of NaN.
    similarities = (z @ z.T / temperature).masked_fill(same_clip, torch.finfo(z.dtype).min)
    log_shares = similarities.log_softmax(dim=1)
    counts = positive.sum(dim=1)
    sums = -log_shares.masked_fill(~positive, 0.0).sum(dim=1)
    return (sums / counts.clamp(min=1)).sum() / (counts > 0).sum().clamp(min=1)


def feature_propagation(image: Tensor, video: Tensor, *, teach_video: bool = False) -> Tensor:
    """Squared distance of each image feature to the video network's feature of the same frame.

    TKP equation 3: the sum over the D dimensions, the mean over frames. (The usual mean squared error is D
    times smaller.)

    Args:
        image: (F, D), raw image features of frames.
        video: (F, D), raw per-frame features of the video network.
        teach_video: let the loss change the video network too (the ablation of TKP table 7).
    """
    target = video if teach_video else video.detach()
    return (image - target).square().sum(dim=1).mean()


def distance_propagation(
    image: Tensor, video: Tensor, *, form: DistanceForm = "code", teach_video: bool = False
) -> Tensor:
    """Squared difference between the distances among image features and those among video features.

    Args:
        image: (F, D), raw image features of frames.
        video: (F, D), raw per-frame features of the video network.
        form: "code" for the mean over all F^2 pairs, "paper" for TKP equation 4, which divides by F only.
        teach_video: let the loss change the video network too.
    """
    target = video if teach_video else video.detach()
    difference = pairwise_distances(image, image) - pairwise_distances(target, target)
    total = difference.square().sum()
    return total / (len(image) ** 2 if form == "code" else len(image))


def view_distillation(student: Tensor, teacher: Tensor, temperature: float = 10.0) -> Tensor:
    """Distance of a student from its teacher, who sees more views: T^2 KL(teacher || student).

    Porrello et al., "Robust Re-Identification by Multiple Views Knowledge Distillation", ECCV 2020, the
    loss of knowledge distillation, after Hinton et al., "Distilling the Knowledge in a Neural Network", 2015.
    Both softmaxes are taken at the temperature T; T^2 keeps gradients of one size whatever it is.

    Args:
        student: (N, C) logits.
        teacher: (N, C) logits; it learns nothing.
        temperature: T.

    Returns:
        The sum over the classes, the mean over N.
    """
    soft = (logits / temperature for logits in (student, teacher.detach()))
    student_log, teacher_log = (logits.log_softmax(dim=1) for logits in soft)
    divergence = F.kl_div(student_log, teacher_log, reduction="batchmean", log_target=True)
    return temperature**2 * divergence


def distance_distillation(student: Tensor, teacher: Tensor) -> Tensor:
    """Half the mean squared difference between the SQUARED distances among features of both.

    Porrello et al., ECCV 2020, the distance preservation loss, in the form of its official code: squared
    distances, mean over all N^2 pairs. (TKP's is of the distances themselves: `distance_propagation`.)

    Args:
        student: (N, D).
        teacher: (N, E); it learns nothing.
    """
    target = teacher.detach()
    difference = squared_distances(student, student) - squared_distances(target, target)
    return difference.square().mean() / 2


def sequence_alignment(pseudo: Tensor, real: Tensor) -> Tensor:
    """Distance of pseudo sequences from the real ones they stand for, frame by frame and in their moments.

    Interpretation: Song et al., ACM Multimedia 2017, train such a mapping; how, could not be read. The mean
    squared error alone is least for a sequence in which nothing moves, so each channel's mean and standard
    deviation over the frames of a sequence are matched besides.

    Args:
        pseudo: (N, T, D).
        real: (N, T, D); it learns nothing.

    Returns:
        The sum of the three mean squared differences.
    """
    target = real.detach()
    means = (pseudo.mean(dim=1) - target.mean(dim=1)).square().mean()
    spreads = (_spread(pseudo) - _spread(target)).square().mean()
    return (pseudo - target).square().mean() + means + spreads


def _spread(sequences: Tensor) -> Tensor:
    """Standard deviations over time, (N, T, D) -> (N, D); rounding has a spread, too (LEAST_SQUARE)."""
    return sequences.var(dim=1, correction=0).clamp(min=LEAST_SQUARE).sqrt()
