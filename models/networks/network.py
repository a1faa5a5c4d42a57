"""Base classes of the networks: how they are built, used and initialised."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn

Some = TypeVar("Some")


class Network(nn.Module, ABC):
    """Embeds photos and clips into one space; holds only what is needed for that, nothing of its training.

    Attributes:
        kind: its name in cards and recipes.
        in_torch: whether its weights are torch's, which can be trained and moved to a GPU.
    """

    kind: ClassVar[str]
    in_torch: ClassVar[bool] = True

    @property
    @abstractmethod
    def architecture(self) -> dict[str, Any]:
        """Arguments of the constructor that build the same modules again, as plain JSON."""

    @property
    @abstractmethod
    def dimension(self) -> int:
        """D of every feature."""

    @abstractmethod
    def embed_images(self, images: Tensor) -> Tensor:
        """Features of single crops, of any length: (B, 3, H, W) -> (B, D)."""

    @abstractmethod
    def embed_frames(self, frames: Tensor, lengths: Sequence[int], at_once: int | None = None) -> Tensor:
        """Features of clips of any lengths, of any length themselves.

        Args:
            frames: (F, 3, H, W), the frames of all clips end to end.
            lengths: frames of each clip, each at least 1; F = sum(lengths).
            at_once: frames that pass the 2-D layers together (not while training); None for all.

        Returns:
            (len(lengths), D).

        Raises:
            ValueError: the lengths do not add up to the frames, or one is below 1.
        """

    @abstractmethod
    def initialise(self, backbone: Mapping[str, Tensor], generator: torch.Generator) -> None:
        """Start from the weights of a backbone; what it has not is drawn from `generator`."""

    @property
    def image_backbone(self) -> nn.Module | None:
        """The backbone that photos pass, whose weights `initialise` takes; None where none sees RGB alone."""
        return None

    def embed_clips(self, clips: Tensor) -> Tensor:
        """Features of clips of one length: (B, T, 3, H, W) -> (B, D)."""
        batch, length = clips.shape[:2]
        return self.embed_frames(clips.flatten(0, 1), [length] * batch)  # (B, T, ...) -> (BT, ...)

    def trim(self) -> None:
        """Remove what adds nothing to the features as the weights are now."""

    def precise(self) -> list[nn.Module]:
        """Modules that stay in float32 when all others are in bf16."""
        return []

    @property
    def runtime(self) -> str:
        """What computes it: "torch", or what an imported network is opened by."""
        return "torch"

    @property
    def has_neck(self) -> bool:
        """True if features pass a batch normalisation last."""
        return False

    def add_neck(self) -> None:
        """Let features pass a new batch normalisation last. Raises ValueError for a network that cannot."""
        raise ValueError(f"{self.kind} has no neck")

    def drop_projection(self) -> None:
        """Let features be as they were before the projection of `models.whitening`, if there is one."""


class NeckedNetwork(Network):
    """A network whose features may pass a batch normalisation, and then a projection, last.

    The normalisation: Luo et al., "Bag of Tricks", CVPR Workshops 2019: the classifier's view of them, which
    is centred, as cosines want it. The projection is not trained but computed (`models.whitening`). Both are
    affine, so they may come before or after a mean over frames.

    Attributes:
        neck: that normalisation, or the identity.
        projection: a linear layer, or the identity.
    """

    neck: nn.Module
    projection: nn.Module

    @property
    @abstractmethod
    def width(self) -> int:
        """Numbers of a feature before the projection."""

    @property
    def dimension(self) -> int:
        """D of every feature."""
        return self.projection.out_features if isinstance(self.projection, nn.Linear) else self.width

    @property
    def ending(self) -> dict[str, Any]:
        """Arguments of the constructor for neck and projection, as plain JSON."""
        projection = self.dimension if isinstance(self.projection, nn.Linear) else None
        return {"neck": self.has_neck, "projection": projection}

    def set_ending(self, *, neck: bool, projection: int | None) -> None:
        """Give a network that knows its width neck and projection, or none.

        Raises:
            ValueError: a projection to fewer numbers than 1, or more than there are.
            TypeError: the neck is neither true nor false, or the projection no whole number.
        """
        if not isinstance(neck, bool):
            raise TypeError(f"neck is true or false, not {neck!r}")
        self.neck = nn.Identity()
        if neck:
            self.add_neck()
        self.projection = nn.Identity()
        if projection is not None:
            if type(projection) is not int:
                raise TypeError(f"projection is a whole number or nothing, not {projection!r}")
            if not 1 <= projection <= self.width:
                raise ValueError(f"projection is from 1 to {self.width} numbers, not {projection}")
            self.projection = nn.Linear(self.width, projection)

    def end(self, features: Tensor) -> Tensor:
        """What the network's last steps make of features: (N, width) -> (N, D)."""
        return self.projection(self.neck(features))  # type: ignore[no-any-return]

    def drop_projection(self) -> None:
        """Let features be as they were before the projection, if there is one."""
        self.projection = nn.Identity()

    @property
    def has_neck(self) -> bool:
        """True if features pass a batch normalisation last."""
        return isinstance(self.neck, nn.BatchNorm1d)

    def add_neck(self) -> None:
        """Let features pass a new neck; its bias stays zero, as its place is the centre of the features."""
        self.neck = nn.BatchNorm1d(self.width)
        self.neck.bias.requires_grad_(False)

    def precise(self) -> list[nn.Module]:
        """Neck and projection: they get float32 from the pooling."""
        return [self.neck, self.projection]


def named(backbone: str, known: Mapping[str, Some]) -> Some:
    """What is known under the name of a backbone. Raises ValueError for another name."""
    if backbone not in known:
        raise ValueError(f"no backbone {backbone!r}; known: {', '.join(known)}")
    return known[backbone]


def check_lengths(frames: Tensor, lengths: Sequence[int]) -> None:
    """Raise ValueError unless the lengths, each at least 1, add up to the frames."""
    # Not len(), which would tie an exported network to one number of frames.
    if sum(lengths) != frames.shape[0] or min(lengths, default=1) < 1:
        raise ValueError(f"lengths {list(lengths)} do not describe {len(frames)} frames")


def clip_means(features: Tensor, lengths: Sequence[int]) -> Tensor:
    """The mean over the frames of each clip: (F, D), F = sum(lengths) -> (len(lengths), D)."""
    return torch.stack([clip.mean(dim=0) for clip in torch.split(features, list(lengths))])
